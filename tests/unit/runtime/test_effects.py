"""What is durable is done; what cannot be done is said."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hub_agent.errors import NotPossible
from hub_agent.model.action import Call, CallAnswered, Command
from hub_agent.model.device import Device, Entity
from hub_agent.model.effects import (
    Announce,
    Answer,
    AskState,
    CallOutside,
    Interview,
    IssueCleared,
    IssueRaised,
    LogLine,
    LookAround,
    Publish,
    Reconfigure,
    ReleaseDevice,
    SendCommand,
    Warn,
)
from hub_agent.model.ids import CallId, CommandId, DeviceId, EntityId
from hub_agent.model.inputs import CommandNotSent, CommandSent, Input
from hub_agent.model.issue import Issue
from hub_agent.model.report import Publication
from hub_agent.model.state import Cause
from hub_agent.ports import Change, Moment
from hub_agent.runtime.changes import Changes
from hub_agent.runtime.effects import LINES_A_MINUTE_MAX, MESSAGE_WAITS_S, WARNING_REPEAT, Effects
from hub_agent.runtime.links import NoLinks
from tests.fakes.linked_home import NOON, live
from tests.unit.runtime.conftest import MemoryBroker
from tests.unit.store.homes import lamp_device

LAMP = lamp_device()
ENTITY = LAMP.entities[0]
MOMENT = Moment(NOON, 0.0, "boot", is_trusted=True)
COMMAND = Command(
    CommandId("c"), CallId("call"), LAMP.id, ENTITY.id, "light.turn_on", {}, Cause("manual"), NOON, NOON
)  # fmt: skip


class PlainDriver:
    """Speaks a topic for each thing it is asked for."""

    dialect = "zigbee2mqtt"

    def encode(self, device: Device, entity: Entity, action: str, data: Any) -> Sequence[Publication]:
        del device, data
        if action == "light.fly":
            raise NotPossible("A lamp cannot fly.")
        return [Publication(f"set/{entity.id}", action.encode())]

    def encode_refresh(self, device: Device) -> Sequence[Publication]:
        return [Publication(f"get/{device.id}", b"")]

    def encode_reconfigure(self, device: Device) -> Sequence[Publication]:
        return [Publication(f"configure/{device.id}", b"")]

    def release(self, device: Device) -> tuple[str, ...]:
        return (f"state/{device.id}",)


class Doing:
    def __init__(self) -> None:
        self.broker = MemoryBroker()
        self.fed_back: list[Input] = []
        self.changes = Changes()
        self.effects = Effects(
            links=NoLinks(),
            broker=self.broker,
            drivers={"zigbee2mqtt": PlainDriver()},  # type: ignore[dict-item]  # what decodes is not needed here
            find_device={LAMP.id: LAMP}.get,
            find_entity={ENTITY.id: ENTITY}.get,
            feed_back=self.fed_back.append,
            changes=self.changes,
        )

    def do(self, *effects: Any, moment: Moment = MOMENT) -> None:
        self.effects.carry_out(effects, moment)

    @property
    def topics(self) -> list[str]:
        return [each.topic for each in self.broker.published]


def test_a_command_is_published_and_told_as_sent() -> None:
    doing = Doing()
    doing.do(SendCommand(COMMAND))

    assert doing.topics == [f"set/{ENTITY.id}"]
    assert doing.fed_back == [CommandSent(COMMAND.id)]


def test_without_a_broker_a_command_waits_and_may_be_tried_again() -> None:
    doing = Doing()
    doing.broker.is_connected = False
    doing.do(SendCommand(COMMAND))

    assert doing.fed_back == [
        CommandNotSent(COMMAND.id, "there is no connection to the MQTT broker", may_try_again=True)
    ]


def test_a_message_of_a_rule_waits_a_while_for_the_broker_and_is_published_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    doing = Doing()
    doing.broker.is_connected = False
    doing.do(Publish(Publication("old", b"")))
    later = replace(MOMENT, monotonic_s=MESSAGE_WAITS_S)
    doing.do(Publish(Publication("first", b"")), Publish(Publication("second", b"")), moment=later)
    doing.broker.is_connected = True
    back = replace(MOMENT, monotonic_s=MESSAGE_WAITS_S + 1)
    doing.effects.connected(back)
    doing.effects.connected(back)

    assert doing.topics == ["first", "second"]
    assert "A message to old was dropped" in caplog.text


@pytest.mark.parametrize(
    "command, reason",
    [
        (replace(COMMAND, action="light.fly"), "A lamp cannot fly."),
        (replace(COMMAND, device_id=DeviceId("gone")), "the device is no longer there"),
        (replace(COMMAND, entity_id=EntityId("light.gone")), "the device is no longer there"),
    ],
)
def test_a_command_that_can_never_be_sent_fails_with_words(command: Command, reason: str) -> None:
    doing = Doing()
    doing.do(SendCommand(command))

    assert doing.fed_back == [CommandNotSent(COMMAND.id, reason)]
    assert doing.topics == []


def test_devices_are_asked_set_up_afresh_and_released_by_their_driver() -> None:
    doing = Doing()
    doing.broker.subscribe([f"state/{LAMP.id}", "other"])
    doing.do(AskState(LAMP.id), Reconfigure(LAMP.id), Publish(Publication("any", b"")), ReleaseDevice(LAMP))
    doing.do(AskState(DeviceId("gone")), Reconfigure(DeviceId("gone")), Interview(DeviceId("gone")), Interview(LAMP.id))

    assert doing.topics == [f"get/{LAMP.id}", f"configure/{LAMP.id}", "any"]
    assert doing.broker.topics == ["other"]


def test_whoever_listens_to_the_network_is_told_to_look_round() -> None:
    doing = Doing()
    doing.do(LookAround())  # nobody listens
    looks: list[str] = []
    doing.effects.look_around = lambda: looks.append("now")
    doing.do(LookAround())
    assert looks == ["now"]


def test_whoever_waits_for_an_answer_gets_it_once() -> None:
    async def story() -> None:
        doing = Doing()
        answered = doing.effects.expect("r")
        doing.do(Answer("r", {"n": 1}), Answer("r", {"n": 2}), Answer("nobody", {}))
        assert await answered == {"n": 1}
        given_up = doing.effects.expect("r")
        given_up.cancel()
        await asyncio.sleep(0)
        doing.do(Answer("r", {"n": 3}))

    live(story())


def test_a_call_that_nobody_knows_is_refused_by_name() -> None:
    doing = Doing()
    doing.do(CallOutside(Call(CallId("call"), "coffee.make", (), {}, Cause("manual"))))

    [answer] = doing.fed_back
    assert isinstance(answer, CallAnswered)
    assert answer.is_unknown_action
    assert "coffee.make" in (answer.error or "")


def test_an_issue_stands_once_until_it_is_cleared(caplog: pytest.LogCaptureFixture) -> None:
    doing = Doing()
    issue = Issue("broker_unreachable", "broker", NOON, {"reason": "nobody listens there"})
    doing.do(IssueRaised(issue), IssueRaised(issue))

    assert doing.effects.issues() == [issue]
    assert len([record for record in caplog.records if "nobody listens there" in record.message]) == 1
    doing.do(IssueCleared("broker_unreachable", "broker"), IssueCleared("broker_unreachable", "broker"))
    assert doing.effects.issues() == []


def test_a_warning_that_repeats_is_a_warning_again_only_after_a_while(caplog: pytest.LogCaptureFixture) -> None:
    doing = Doing()
    for hours in (0, 0.5, 1.5):
        later = replace(MOMENT, wall=NOON + hours * WARNING_REPEAT + timedelta(seconds=1))
        doing.do(Warn("topic", "it is not JSON"), moment=later)

    assert [record.levelname for record in caplog.records if record.levelname == "WARNING"] == ["WARNING", "WARNING"]


def test_what_rules_write_is_written_until_they_write_too_much(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    doing = Doing()
    doing.do(*[LogLine("info", f"line {number}") for number in range(LINES_A_MINUTE_MAX + 5)])
    doing.do(LogLine("error", "later"), moment=replace(MOMENT, monotonic_s=61.0))

    assert [each.message for each in caplog.records if each.levelname != "WARNING"] == [
        *(f"line {number}" for number in range(LINES_A_MINUTE_MAX)),
        "later",
    ]
    assert len([each for each in caplog.records if "the rest is left out" in each.message]) == 1


def test_what_is_announced_reaches_those_who_look_on() -> None:
    async def story() -> None:
        doing = Doing()
        reader = doing.changes.read()
        first = asyncio.ensure_future(anext(reader))
        await asyncio.sleep(0)
        doing.do(Announce("state", {"entity_id": "light.lamp"}))
        assert await first == Change("state", {"entity_id": "light.lamp"})
        await reader.aclose()

    live(story())
