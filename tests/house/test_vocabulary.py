"""The same thing is called the same, in the same unit, whatever dialect says it."""

from collections.abc import Iterator

import pytest

from hub_agent.drivers.registry import Dialects, default_drivers, link_drivers
from hub_agent.drivers.vocabulary import CAPABILITIES_BY_DOMAIN, MAIN_CAPABILITIES, UNITS_BY_DEVICE_CLASS
from hub_agent.model.device import AdvertisedEntity, Advertisement
from hub_agent.model.link import Frame
from tests.recorded.corpora import corpora

# What a device calls its own: settings and readings of the appliance itself, which no other has.
FREE = {"config", "diagnostic"}


def entities(dialect: str) -> Iterator[AdvertisedEntity]:
    dialects = Dialects(default_drivers(), link_drivers())
    for one in corpora()[dialect]:
        for each in dialects.hear(one) if isinstance(one, Frame) else dialects.decode(one):
            if isinstance(each, Advertisement) and each.origin.dialect == dialect:
                yield from each.entities


@pytest.mark.parametrize("dialect", sorted(corpora()))
def test_what_can_be_commanded_has_the_names_types_and_units_of_the_table(dialect: str) -> None:
    wrong = set()
    for entity in entities(dialect):
        table = CAPABILITIES_BY_DOMAIN.get(entity.domain)
        if table is None or entity.category in FREE:
            continue
        for name, capability in entity.capabilities.items():
            if table.get(name) != (capability.type, capability.unit):
                wrong.add((entity.domain, name, capability.type, capability.unit))
    assert not wrong


@pytest.mark.parametrize("dialect", sorted(corpora()))
def test_every_entity_can_do_what_its_domain_is_for(dialect: str) -> None:
    wrong = {
        (entity.domain, entity.key)
        for entity in entities(dialect)
        if entity.domain in MAIN_CAPABILITIES and not MAIN_CAPABILITIES[entity.domain] & entity.capabilities.keys()
    }
    assert not wrong


@pytest.mark.parametrize("dialect", sorted(corpora()))
def test_what_is_measured_has_one_name_and_a_unit_of_its_kind(dialect: str) -> None:
    wrong = set()
    for entity in entities(dialect):
        if entity.domain != "sensor":
            continue
        units = UNITS_BY_DEVICE_CLASS.get(entity.device_class or "")
        if len(entity.capabilities) > 1:
            wrong.add((entity.key, tuple(entity.capabilities)))
        for capability in entity.capabilities.values():
            if units is not None and capability.unit is not None and capability.unit not in units:
                wrong.add((entity.key, entity.device_class, capability.unit))
    assert not wrong
