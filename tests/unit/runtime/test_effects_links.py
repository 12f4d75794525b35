"""Commands to what is reached over a link, and scenes that a bridge moves as a whole."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from hub_agent.errors import NotPossible
from hub_agent.model.action import Command, Recall
from hub_agent.model.device import Device
from hub_agent.model.effects import DropScene, SendCommand, StoreScene
from hub_agent.model.ids import CommandId, DeviceId
from hub_agent.model.inputs import CommandNotSent, CommandSent, Input
from hub_agent.model.link import Request
from hub_agent.model.report import SceneNotKept
from hub_agent.model.scene import SceneCopy
from hub_agent.runtime.changes import Changes
from hub_agent.runtime.effects import Effects
from hub_agent.runtime.links import NoLinks
from tests.unit.runtime.conftest import MemoryBroker
from tests.unit.runtime.test_effects import COMMAND, ENTITY, LAMP, MOMENT

BRIDGE = replace(LAMP, id=DeviceId("bridge"), entities=())
EXPECTING = replace(COMMAND, expected={"state": "on"})
RECALL = Recall(BRIDGE.id, "group 7", "press 1")


class LinkedDriver:
    """Asks the peer `lamp`; two requests for `light.dance`. Its bridge keeps scenes."""

    dialect = "zigbee2mqtt"

    def encode(self, _device: Device, _entity: Any, action: str, _data: Any) -> Sequence[Request]:
        count = 2 if action == "light.dance" else 1
        return [Request("linked", "lamp", {"do": action, "number": number}) for number in range(count)]

    def encode_refresh(self, _device: Device) -> Sequence[Request]:
        return []

    encode_reconfigure = encode_refresh

    def restore(self, _devices: Any) -> tuple[str, ...]:
        return ()

    def release(self, _device: Device) -> tuple[str, ...]:
        return ()

    def unexplained(self) -> Sequence[Any]:
        return ()

    def can_keep(self, *_: Any) -> bool:
        return True

    def content_of(self, _copy: SceneCopy) -> str:
        return ""

    def encode_store(self, _bridge: Device, copy: SceneCopy, external_id: str | None) -> Sequence[Request]:
        if copy.name == "Too long":
            raise NotPossible("The bridge takes no such name.")
        return [Request("linked", "bridge", {"store": copy.tag, "as": external_id})]

    def encode_drop(self, _bridge: Device, external_id: str) -> Sequence[Request]:
        return [Request("linked", "bridge", {"drop": external_id})]

    def encode_recall(self, _bridge: Device, external_id: str, transition_s: float | None) -> Sequence[Request]:
        return [Request("linked", "bridge", {"recall": external_id, "in": transition_s})]


class AskedLinks(NoLinks):
    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.answers: list[Callable[[str | None], None]] = []
        self.is_up = True

    def ask(self, request: Request, done: Callable[[str | None], None]) -> bool:
        if self.is_up:
            self.asked.append(request.body)
            self.answers.append(done)
        return self.is_up


class Doing:
    def __init__(self) -> None:
        self.links = AskedLinks()
        self.fed_back: list[Input] = []
        self.effects = Effects(
            links=self.links,
            broker=MemoryBroker(),
            drivers={"zigbee2mqtt": LinkedDriver()},
            find_device={LAMP.id: LAMP, BRIDGE.id: BRIDGE}.get,
            find_entity={ENTITY.id: ENTITY}.get,
            feed_back=self.fed_back.append,
            changes=Changes(),
        )

    def send(self, *commands: Command) -> None:
        self.effects.carry_out([SendCommand(command) for command in commands], MOMENT)


def test_what_a_report_will_confirm_counts_as_sent_once_it_is_handed_over() -> None:
    doing = Doing()
    doing.send(EXPECTING)
    assert doing.fed_back == [CommandSent(COMMAND.id)]
    doing.links.answers[0](None)
    assert doing.fed_back == [CommandSent(COMMAND.id)]


def test_what_nothing_confirms_is_sent_when_the_peer_has_taken_all_of_it() -> None:
    doing = Doing()
    doing.send(replace(COMMAND, action="light.dance"))
    doing.links.answers[0](None)
    assert doing.fed_back == []
    doing.links.answers[1](None)
    assert doing.fed_back == [CommandSent(COMMAND.id)]


def test_a_peers_no_fails_the_command_in_its_words_and_once() -> None:
    doing = Doing()
    doing.send(replace(EXPECTING, action="light.dance"))
    doing.links.answers[0]("the lamp is too hot")
    doing.links.answers[1]("the lamp is still too hot")
    assert doing.fed_back == [CommandSent(COMMAND.id), CommandNotSent(COMMAND.id, "the lamp is too hot")]


def test_without_a_link_a_command_waits_and_may_be_tried_again() -> None:
    doing = Doing()
    doing.links.is_up = False
    doing.send(EXPECTING)
    assert doing.fed_back == [CommandNotSent(COMMAND.id, "there is no connection to it", may_try_again=True)]


def test_one_word_moves_all_members_of_a_copy_and_each_press_has_its_own() -> None:
    doing = Doing()
    first, second = (replace(EXPECTING, id=CommandId(name), recall=RECALL) for name in ("a", "b"))
    doing.send(first, second)
    assert doing.links.asked == [{"recall": "group 7", "in": None}]
    assert doing.fed_back == [CommandSent(first.id), CommandSent(second.id)]
    doing.send(replace(first, recall=replace(RECALL, activation="press 2", transition_s=2.0)))
    assert doing.links.asked[1:] == [{"recall": "group 7", "in": 2.0}]


def test_a_copy_on_a_bridge_that_is_gone_is_replaced_by_the_devices_own_command() -> None:
    doing = Doing()
    doing.send(replace(EXPECTING, recall=replace(RECALL, bridge=DeviceId("gone"))))
    assert doing.links.asked == [{"do": "light.turn_on", "number": 0}]


def test_copies_are_stored_and_dropped_by_the_bridges_driver_and_a_no_is_told() -> None:
    doing = Doing()
    copies = [SceneCopy("3f2a9c1d", "Movie", ()), SceneCopy("4f2a9c1d", "Too long", ())]
    doing.effects.carry_out(
        [*(StoreScene(BRIDGE.id, copy, None) for copy in copies), DropScene(BRIDGE.id, "x")], MOMENT
    )
    assert doing.links.asked == [{"store": "3f2a9c1d", "as": None}, {"drop": "x"}]
    assert doing.fed_back == [SceneNotKept(BRIDGE.origin, "4f2a9c1d", "The bridge takes no such name.")]
