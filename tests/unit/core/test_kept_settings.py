"""What settings of devices were last set to from here is kept, and of a device that has left, too."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from hub_agent.core.kept_settings import DEVICES_MAX, SETTINGS_MAX, KeptSettings
from hub_agent.model.action import Command, CommandSettled
from hub_agent.model.device import Device
from hub_agent.model.effects import Save
from hub_agent.model.healing import SettingTold
from hub_agent.model.ids import CallId, CommandId, DeviceId, EntityId
from hub_agent.model.state import Cause
from tests.unit.core.healing.test_healing import device, entity

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)


def lamp(name: str = "lamp", count: int = 1) -> Device:
    settings = [replace(entity("number", f"{name}_{each}"), category="config") for each in range(count)]
    return device(name, None, "Mains", device(name).device_type, *settings)


def settle(kept: KeptSettings, of: Device, entity_id: str, value: Any, **more: Any) -> list[Any]:
    outcome, cause = more.get("outcome", "confirmed"), Cause(more.get("cause", "manual"))
    command = Command(
        CommandId("c"), CallId("call"), of.id, EntityId(entity_id), "number.set_value", {"value": value}, cause, NOON, NOON, {}
    )  # fmt: skip
    return list(kept.handle_settled(CommandSettled(command, outcome, NOON), of, NOON))


def test_the_last_confirmed_setting_is_kept_over_a_restart() -> None:
    kept, of = KeptSettings(), lamp()
    settle(kept, of, "number.lamp_0", 3)
    (saved,) = settle(kept, of, "number.lamp_0", 7)
    assert isinstance(saved, Save)
    again = KeptSettings()
    again.restore({saved.key: saved.body or {}}, NOON)
    assert again.of(of) == [SettingTold(EntityId("number.lamp_0"), "number.set_value", {"value": 7})]


@pytest.mark.parametrize("more", [{"outcome": "unconfirmed"}, {"cause": "self_healing"}])
def test_what_was_not_confirmed_or_was_healings_own_is_not_kept(more: Any) -> None:
    kept, of = KeptSettings(), lamp()
    assert settle(kept, of, "number.lamp_0", 3, **more) == []
    assert kept.of(of) == []


def test_what_is_no_setting_is_not_kept() -> None:
    kept, of = KeptSettings(), lamp()
    assert settle(kept, of, "light.lamp", 3) == []


def test_the_memory_is_bounded() -> None:
    kept = KeptSettings()
    big = lamp("big", SETTINGS_MAX + 5)
    for each in big.entities[1:]:
        settle(kept, big, each.id, 1)
    assert len(kept.of(big)) == SETTINGS_MAX
    for number in range(DEVICES_MAX):
        given = settle(kept, lamp(f"d{number}"), f"number.d{number}_0", 1)
    assert given[-1] == Save("kept_settings", "big", None, given[-1].durability)
    assert kept.of(big) == []


@pytest.mark.parametrize(
    "body", [{"number.lamp_0": 3}, {"number.lamp_0": {"action": 1, "data": {}}}, {"number.lamp_0": {}}]
)
def test_damaged_memory_is_forgotten(body: Any) -> None:
    kept = KeptSettings()
    kept.restore({DeviceId("lamp"): body}, NOON)
    assert kept.of(lamp()) == []
