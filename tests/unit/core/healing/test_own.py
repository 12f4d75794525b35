"""What is wrong with the hub itself is healed too, also while there is no broker; and what a dead router takes along is one trouble."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from hub_agent.core.healing import Healing
from hub_agent.model.action import CallAnswered
from hub_agent.model.device import (
    BROKER_ORIGIN,
    HUB_ORIGIN,
    ROUTER_ORIGIN,
    Device,
    DeviceType,
    Entity,
    Origin,
    ProtocolType,
)
from hub_agent.model.effects import AppendCase, CallOutside, IssueCleared, IssueRaised, Save
from hub_agent.model.healing import Noticed, Passed, Symptom
from hub_agent.model.ids import CallId, DeviceId, EntityId
from hub_agent.model.state import EntityState
from tests.fakes.healed_home import HealedHome

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def device(
    name: str,
    origin: Origin,
    kind: DeviceType = DeviceType.OTHER,
    protocol: ProtocolType | None = None,
    native: dict[str, Any] | None = None,
    **wishes: Any,
) -> Device:
    entity_id = EntityId(f"switch.{name}")
    entity = Entity(entity_id, DeviceId(name), "switch", "switch", None, None, None, None, None, {}, {})
    entities = () if origin.dialect == "hub" else (entity,)
    return Device(
        DeviceId(name), origin, (), name, False, None, None, None, kind, protocol, None, None, "Mains", native or {}, entities, {"healing": wishes}
    )  # fmt: skip


HUB = device("hub", HUB_ORIGIN, DeviceType.HUB)
BROKER = device("broker", BROKER_ORIGIN)
ROUTER = device("router", ROUTER_ORIGIN, DeviceType.ROUTER, ProtocolType.ETHERNET)


class House(HealedHome):
    def __init__(self, *devices: Device) -> None:
        super().__init__(HUB, BROKER, ROUTER, *devices)
        for each in devices:
            self.states[EntityId(f"switch.{each.id}")] = EntityState("on", {}, NOON - HOUR, NOON)
        self.now = NOON
        self.seen: list[Any] = []
        numbers = count(1)
        self.healing = Healing(self, lambda: f"id{next(numbers)}")

    def advance(self, by: timedelta) -> list[Any]:
        end, given = self.now + by, []
        while (due := self.healing.get_timer()) is not None and due <= end:
            self.now = max(self.now, due)
            given += self.healing.handle_timer(self.now)
        self.now = end
        return self.see(given)

    def see(self, given: list[Any]) -> list[Any]:
        self.seen += given
        return given

    def notice(self, name: str, symptom: Symptom, **details: Any) -> list[Any]:
        return self.see(self.healing.handle_noticed(Noticed(DeviceId(name), symptom, details), self.now))

    def passes(self, name: str, symptom: Symptom) -> list[Any]:
        return self.see(self.healing.handle_passed(Passed(DeviceId(name), symptom), self.now))

    def restarted(self) -> "House":
        saved: dict[str, Any] = {}
        for save in self.seen:
            if isinstance(save, Save) and save.body is None:
                saved.pop(save.key, None)
            elif isinstance(save, Save):
                saved[save.key] = save.body
        house = House(*[each for each in self.by_id.values() if each.origin.dialect != "hub"])
        house.now, house.states = self.now + MINUTE, self.states
        house.seen = list(house.healing.restore(saved, house.now))
        return house


def errands(given: list[Any]) -> list[str]:
    return [each.call.action for each in given if isinstance(each, CallOutside)]


def remedies(given: list[Any]) -> list[tuple[str, str]]:
    return [
        (str(each.row["metadata"]["remedy"]), str(each.row["status"]))
        for each in given
        if isinstance(each, AppendCase) and each.table == "self_healing_executions"
    ]


def alerts(given: list[Any]) -> list[str]:
    return [str(each.row["status"]) for each in given if isinstance(each, AppendCase) and each.table == "alerts"]


def raised(given: list[Any]) -> list[tuple[str, str]]:
    return [(each.issue.subject, each.issue.code) for each in given if isinstance(each, IssueRaised)]


def test_a_dead_broker_is_connected_to_anew_and_its_service_restarted_while_nothing_else_can_be_tried() -> None:
    house = House()
    house.see(house.healing.handle_disconnected(house.now))

    given = house.notice("broker", Symptom.BROKER_UNREACHABLE, reason="nobody listens there", unit="mosquitto.service")
    given += house.advance(5 * MINUTE)
    house.see(house.healing.handle_disconnected(house.now))  # each try that fails is told
    given += house.passes("broker", Symptom.BROKER_UNREACHABLE)

    assert errands(given) == ["hub.reconnect_broker", "hub.restart_unit"]
    assert [each.call.data for each in given if isinstance(each, CallOutside)][1] == {"unit": "mosquitto.service"}
    assert remedies(given)[-1][0] in {"restart_unit", "tell_person"}
    assert raised(given) == [("broker", "broker_unreachable")]


def test_a_broker_that_comes_back_proves_the_remedy() -> None:
    house = House()
    house.healing.handle_disconnected(house.now)
    house.notice("broker", Symptom.BROKER_UNREACHABLE, reason="gone", unit="mosquitto.service")
    house.advance(30 * SECOND)

    given = house.see(house.healing.handle_connected(house.now)) + house.passes("broker", Symptom.BROKER_UNREACHABLE)

    assert remedies(given) == [("restart_unit", "completed")]
    assert [each.code for each in given if isinstance(each, IssueCleared)] == ["broker_unreachable"]
    assert alerts(house.seen) == []


def test_a_restart_that_is_refused_is_told_to_a_person_at_once_with_what_was_tried() -> None:
    house = House()
    house.healing.handle_disconnected(house.now)
    house.notice("broker", Symptom.BROKER_UNREACHABLE, reason="gone", unit="mosquitto.service")
    given = house.advance(30 * SECOND)
    (call,) = [each.call for each in given if isinstance(each, CallOutside) and each.call.action == "hub.restart_unit"]

    refused = house.see(
        house.healing.handle_answered(CallAnswered(call.id, error="systemd does not let the hub"), house.now) or []
    )
    told = house.advance(MINUTE)

    assert remedies(refused) == [("restart_unit", "failed")]
    assert alerts(told) == ["active"]
    assert "hub.restart_unit" not in errands(house.advance(50 * MINUTE)), "once is enough"


def test_a_broker_on_another_machine_is_not_restarted() -> None:
    house = House()
    house.healing.handle_disconnected(house.now)

    given = house.notice("broker", Symptom.BROKER_UNREACHABLE, reason="gone") + house.advance(10 * MINUTE)

    assert "hub.restart_unit" not in errands(given)
    assert alerts(given) == ["active"]


def test_an_answer_to_what_healing_did_not_ask_is_somebody_elses() -> None:
    assert House().healing.handle_answered(CallAnswered(CallId("call"), error="no"), NOON) is None


def test_a_full_disk_is_tidied_and_a_second_time_months_later_too() -> None:
    house = House()
    house.notice("hub", Symptom.CARD_WEARING, worn="95 %")
    house.advance(HOUR)
    for _ in range(2):
        given = house.notice("hub", Symptom.DISK_NEARLY_FULL, disk="/", free="1 GB", total="30 GB") + house.advance(
            MINUTE
        )
        given += house.passes("hub", Symptom.DISK_NEARLY_FULL)

        assert errands(given) == ["hub.free_disk"]
        assert remedies(given)[-1] == ("free_disk", "completed")
        assert alerts(given) == []
        house.advance(timedelta(days=60))


def test_each_of_the_hubs_troubles_is_told_and_ended_by_itself() -> None:
    house = House()
    given = house.notice("hub", Symptom.CARD_WEARING, worn="95 %") + house.advance(HOUR)
    given += house.notice("hub", Symptom.HUB_HOT, celsius=84, limit=80) + house.advance(HOUR)
    ended = house.passes("hub", Symptom.HUB_HOT)

    assert (alerts(given), alerts(ended)) == (["active", "active"], ["resolved"])


@pytest.mark.parametrize("is_agents, tried", [(True, ["hub.restart"]), (False, [])])
def test_memory_that_others_use_does_not_come_back_by_a_restart(is_agents: bool, tried: list[str]) -> None:
    house = House()

    given = house.notice("hub", Symptom.HUB_MEMORY_LOW, is_agents=is_agents) + house.advance(MINUTE)

    assert errands(given) == tried


def test_whether_a_restart_has_helped_is_seen_after_it() -> None:
    house = House()
    house.notice("hub", Symptom.HUB_SLOW, lag="3 seconds")
    assert errands(house.advance(MINUTE)) == ["hub.restart"]

    house = house.restarted()
    begun = remedies(house.seen)
    later = house.advance(8 * MINUTE) + house.passes("hub", Symptom.HUB_SLOW)

    assert begun == []
    assert remedies(later) == [("restart_agent", "completed")]


def test_a_restart_that_did_not_help_is_not_repeated_within_six_hours() -> None:
    house = House()
    house.notice("hub", Symptom.HUB_SLOW, lag="3 seconds")
    house.advance(MINUTE)

    later = []
    for _ in range(5):
        house = house.restarted()
        later += house.advance(HOUR)

    assert (errands(later), alerts(later)) == ([], ["active"])
    assert ("restart_agent", "failed") in remedies(later)


def wifi(name: str) -> Device:
    return device(name, Origin("shelly", name), DeviceType.SWITCH, ProtocolType.WIFI)


def test_a_dead_router_is_one_trouble_whatever_fails_behind_it() -> None:
    lamps = [wifi(f"lamp{number}") for number in range(20)]
    house = House(*lamps)
    house.healing.handle_availability(ROUTER, True, house.now)
    for lamp in lamps:
        house.see(house.healing.handle_availability(lamp, False, house.now))
    house.advance(100 * SECOND)

    house.notice("router", Symptom.ROUTER_UNREACHABLE, address="192.168.1.1", reason="it does not answer")
    house.advance(2 * HOUR)

    standing = set(raised(house.seen)) - {
        (each.subject, each.code) for each in house.seen if isinstance(each, IssueCleared)
    }
    assert standing == {("router", "router_unreachable")}
    assert [each for each in remedies(house.seen) if each[0] != "tell_person"] == []
    assert alerts(house.seen).count("active") - alerts(house.seen).count("resolved") == 1

    for lamp in lamps:
        house.see(house.healing.handle_availability(lamp, True, house.now))
    ended = house.passes("router", Symptom.ROUTER_UNREACHABLE) + house.advance(HOUR)

    assert alerts(ended) == ["resolved"]
    assert house.healing.troubled() == []


def test_a_router_is_never_switched_off_by_a_plug_that_is_reached_through_it() -> None:
    fed = device("router", ROUTER_ORIGIN, DeviceType.ROUTER, ProtocolType.ETHERNET, powered_by="plug")
    house = House(wifi("plug"), *[wifi(f"lamp{number}") for number in range(5)])
    house.by_id[fed.id] = fed
    house.healing.handle_availability(fed, True, house.now)
    for number in range(5):
        house.see(house.healing.handle_availability(house.by_id[DeviceId(f"lamp{number}")], False, house.now))

    house.advance(4 * HOUR)

    assert ("router", "devices_failing_together") in raised(house.seen)
    assert "power_cycle_via_plug" not in {name for name, _ in remedies(house.seen)}


def linked(name: str, state: str) -> tuple[Device, EntityState]:
    return device(name, Origin("wled", name), DeviceType.LIGHT, None, {"peer": name}), EntityState(
        state, {}, NOON, NOON
    )


@pytest.mark.parametrize("other, tried", [("unavailable", ["hub.restart_dialect"]), ("on", [])])
def test_the_process_of_a_dialect_is_begun_anew_only_where_nobody_is_reached_by_it(
    other: str, tried: list[str]
) -> None:
    one, state = linked("strip", "unavailable")
    second, second_state = linked("string", other)
    house = House(one, second)
    house.states |= {EntityId("switch.strip"): state, EntityId("switch.string"): second_state}
    house.see(house.healing.handle_availability(one, False, house.now))

    assert errands(house.advance(30 * MINUTE)) == tried


def test_a_bridge_whose_owner_has_named_its_service_is_restarted_by_it() -> None:
    bridge = device("bridge", Origin("zigbee2mqtt", "bridge"), DeviceType.BRIDGE, unit="zigbee2mqtt.service")
    house = House(bridge)
    house.see(house.healing.handle_availability(bridge, False, house.now))

    calls = [each.call for each in house.advance(30 * MINUTE) if isinstance(each, CallOutside)]

    assert [(call.action, call.data) for call in calls] == [("hub.restart_unit", {"unit": "zigbee2mqtt.service"})]
