"""Remedies of devices: connecting anew, looking for it, asking it anew what it is, its settings, what automations name."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hub_agent.core.healing.remedies import REMEDIES
from hub_agent.model.device import DeviceType, Origin
from hub_agent.model.effects import AppendCase, CloseLink, Interview, LookAround, OpenLink, Reconfigure
from hub_agent.model.healing import Noticed, Passed, SettingTold, Symptom
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.inputs import DefinitionArrived
from hub_agent.model.link import LinkStatus, Peer
from tests.unit.core.healing.test_healing import MINUTE, SECOND, House, calls, device, executions, of, restarting

PEER = Peer("shelly", "aabb", "Lamp", ("192.168.1.30",))
HOUR = timedelta(hours=1)


def linked(status: LinkStatus, **more: Any) -> House:
    house = House(device("lamp", **more))
    house.links[DeviceId("lamp")] = (PEER, status)
    return house


def lost(house: House) -> list[Any]:
    given = house.available("lamp", is_available=False)
    return [*given, *house.advance(20 * MINUTE)]


def tried(given: list[Any], what: type) -> list[Any]:
    return [each for each in given if isinstance(each, what)]


# The link.


def test_a_link_that_hangs_is_begun_anew_and_that_the_device_is_back_proves_it() -> None:
    house = linked(LinkStatus.UP)
    house.settle("lamp")
    given = house.advance(3 * MINUTE)
    assert tried(given, CloseLink) == [CloseLink("shelly", "aabb")]
    assert tried(given, OpenLink) == [OpenLink(PEER)]
    assert tried(given, LookAround) == [], "a link that is up has the right address"


def test_a_device_that_is_gone_is_looked_for_and_connected_to_where_it_is_now() -> None:
    house = linked(LinkStatus.DOWN)
    given = house.available("lamp", is_available=False)
    while not tried(given, LookAround):
        given = house.advance(SECOND)
    moved = replace(PEER, hosts=("192.168.1.77",))
    house.links[DeviceId("lamp")] = (moved, LinkStatus.DOWN)
    assert tried(house.advance(11 * SECOND), OpenLink) == [OpenLink(moved)]
    assert ("rediscover_device", "completed", 2) in executions(house.available("lamp", is_available=True))


@pytest.mark.parametrize("status", [LinkStatus.NEEDS, LinkStatus.ASLEEP])
def test_what_waits_for_a_person_or_sleeps_is_not_connected_to_anew(status: LinkStatus) -> None:
    given = lost(linked(status))
    assert tried(given, OpenLink) == []
    assert tried(given, LookAround) == []


def test_the_link_that_others_hang_on_is_not_cut_for_one_of_them() -> None:
    assert tried(lost(linked(LinkStatus.UP, via="bridge")), CloseLink) == []


# What it says.


def noticed(house: House, symptom: Symptom, name: str = "lamp", **details: Any) -> list[Any]:
    told = house.healing.handle_noticed(Noticed(DeviceId(name), symptom, details), house.now)
    return [*told, *house.advance(MINUTE)]


def test_a_value_that_is_stuck_is_not_moved_by_the_next_report_that_says_the_same() -> None:
    house = House(device("lamp", "bridge"), device("bridge", kind=DeviceType.BRIDGE))
    given = noticed(house, Symptom.STUCK, value="21", unchanged_for="2 days")
    assert tried(given, Reconfigure) == [Reconfigure(DeviceId("lamp"))]
    given = house.report_every(MINUTE, 5, "lamp")
    assert executions(given) == [], "it is given time to move"
    passed = house.healing.handle_passed(Passed(DeviceId("lamp"), Symptom.STUCK), house.now)
    assert ("reconfigure_through_bridge", "completed", 2) in executions(passed)


def test_a_stuck_value_is_treated_from_the_gentlest_on_and_then_a_person_is_told() -> None:
    house = House(
        replace(restarting("lamp"), via=DeviceId("bridge"), origin=Origin("zigbee2mqtt", "lamp")),
        device("bridge", kind=DeviceType.BRIDGE),
    )
    house.wishes = {"risk": "medium", "quiet_hours": None}
    given = noticed(house, Symptom.STUCK, value="21", unchanged_for="2 days")
    given += house.advance(timedelta(minutes=80))
    order = [name for name, status, _ in executions(given) if status in {"in_progress", "requires_manual"}]
    assert order == ["reconfigure_through_bridge", "reboot_device", "reinterview_device", "tell_person"]
    assert tried(given, Interview) == [Interview(DeviceId("lamp"))]


@pytest.mark.parametrize(
    "symptom", [Symptom.FLAPPING, Symptom.BATTERY_LOW, Symptom.LINK_WEAK, Symptom.REBOOTING, Symptom.IMPOSSIBLE]
)
def test_what_only_a_person_can_mend_is_told_at_once_and_nothing_is_tried(symptom: Symptom) -> None:
    house = House(restarting("lamp"))
    given = noticed(house, symptom)
    assert [name for name, _, _ in executions(given)] == ["tell_person"]


# Settings that were lost.


def reset(house: House) -> list[Any]:
    house.settings[DeviceId("lamp")] = [
        SettingTold(EntityId("light.lamp"), "select.select_option", {"option": "previous"}),
        SettingTold(EntityId("light.lamp"), "number.set_value", {"value": 3}),
    ]
    return noticed(house, Symptom.RESET, reason="it has joined again")


def test_a_device_that_was_reset_is_told_its_settings_again_after_asking() -> None:
    house = House(device("lamp"))
    given = reset(house)
    assert calls(given) == []
    (question,) = [case for case in of(AppendCase, given) if case.table == "alerts"]
    execution_id = question.row["context"]["execution_id"]
    approved = house.healing.handle_answer(execution_id, "owner", house.now, is_approved=True)
    assert approved is not None
    told = [call for call in [*approved, *house.advance(SECOND)] if type(call).__name__ == "Call"]
    assert [(call.action, call.data) for call in told] == [
        ("select.select_option", {"option": "previous"}),
        ("number.set_value", {"value": 3}),
    ]
    house.commanded = {EntityId("light.lamp")}
    assert executions(house.settle("lamp", "confirmed", told[0].cause)) == [], "the other one is under way still"
    house.commanded = set()
    assert executions(house.settle("lamp", "confirmed", told[1].cause)) == [("restore_settings", "completed", 3)]
    assert house.healing.troubled() == []


def test_where_the_owner_allows_the_risk_nobody_is_asked() -> None:
    house = House(device("lamp"))
    house.wishes = {"risk": "medium"}
    assert len(calls(reset(house))) == 2


# What automations name.


def test_an_automation_is_put_right_after_asking_and_that_it_is_well_proves_it() -> None:
    house = House(device("hub", kind=DeviceType.HUB))
    house.broken_rule = ("a1", {"triggers": ["new"]})
    given = noticed(house, Symptom.REFERENCE, "hub", automation="Evening", replaced="light.old", by="light.new")
    (question,) = [case for case in of(AppendCase, given) if case.table == "alerts"]
    assert question.row["message"] == (
        "“Evening” names light.old, which is gone. In its place there is light.new. "
        "May putting right what the automation names be tried?"
    )
    approved = house.healing.handle_answer(question.row["context"]["execution_id"], None, house.now, is_approved=True)
    (edit,) = of(DefinitionArrived, approved or [])
    assert (edit.definition.id, edit.definition.fields, edit.is_from_cloud) == ("a1", {"triggers": ["new"]}, False)
    passed = house.healing.handle_passed(Passed(DeviceId("hub"), Symptom.REFERENCE), house.now)
    assert ("repair_automation", "completed", 3) in executions(passed)


def test_each_remedy_says_what_it_is_for() -> None:
    for remedy in REMEDIES.values():
        assert remedy.symptoms, remedy.name
        assert remedy.words == remedy.words.strip(". "), remedy.name


# Words for people.


@pytest.mark.parametrize(
    "of, words",
    [
        (device("lamp", power="Battery"), "Press a button on it to wake it. If it stays silent, replace its battery."),
        (device("lamp", kind=DeviceType.BRIDGE), "Look at its power and its cable, then"),
        (device("lamp", powered_by="plug"), "Look whether it has power (Plug, its own switch)"),
        (device("lamp"), "Look whether it has power (plug, wall switch, fuse) and is near enough to the next device"),
    ],
)
def test_a_person_is_told_what_to_do_about_this_cause(of: Any, words: str) -> None:
    house = House(of, device("plug"))
    given = [*house.available("lamp", is_available=False), *house.advance(2 * HOUR)]
    (alert,) = [
        case.row for case in given if isinstance(case, AppendCase) and case.table == "alerts" and case.revision == 1
    ]
    assert f"Lamp is unavailable: its bridge, or it itself, says so. {words}" in alert["message"]
