"""How the hub carries what one room yields to the others."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hub_agent.core.hub import CASCADE_MAX, Hub
from hub_agent.model.action import Call, CallAnswered, Command
from hub_agent.model.automation import Place
from hub_agent.model.definition import Definition
from hub_agent.model.device import AdvertisedEntity, Advertisement, Alias, Capability, Device, DeviceType, Origin, Room
from hub_agent.model.effects import (
    Answer,
    AppendRecord,
    AskState,
    CloudCommandDone,
    Effect,
    ForgetDevice,
    IssueCleared,
    IssueRaised,
    Save,
    SaveCommand,
    SaveDefinition,
    SaveDevice,
    SendCommand,
    Warn,
)
from hub_agent.model.ids import CallId, EntityId, HomeId, RoomId
from hub_agent.model.inputs import (
    BrokerConnected,
    BrokerLost,
    CallRequested,
    CloudCommand,
    CommandSent,
    DefinitionArrived,
    DeviceEdited,
    Input,
    RoomEdited,
)
from hub_agent.model.report import AvailabilityReported, DeviceGone, EntityReport, Refused, Rejected, Reported
from hub_agent.model.state import Cause

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOME = HomeId("6a204bd8-9a3b-4f6f-8f0e-0a4e3c1d2b1a")
MANUAL = Cause("manual", "somebody")
SCENE_ID = "5cee0000-0000-4000-8000-000000000001"
BRIDGE = Advertisement(
    Origin("zigbee2mqtt", "bridge"), (Alias("serial", "b1"),), "Bridge", device_type=DeviceType.BRIDGE
)
ON_OFF = {"on": Capability("bool", "rw")}


def lamp(name: str = "Lamp", domain: str = "light", **fields: Any) -> Advertisement:
    entity = AdvertisedEntity("main", domain, capabilities=ON_OFF)
    given = {"origin": Origin("zigbee2mqtt", name), "aliases": (Alias("zigbee_ieee", name),), "name": name}
    return Advertisement(**{**given, "entities": (entity,), "via": BRIDGE.origin, **fields})


class Living:
    """A hub, and what its mirror would hold: `crash` makes a new one from that."""

    def __init__(self) -> None:
        self.now = NOON
        self.count = 0
        self.devices: dict[str, Device] = {}
        self.saved: dict[str, dict[str, Any]] = {}
        self.commands: dict[str, Command] = {}
        self.definitions: dict[tuple[str, str], Definition] = {}
        self.done: list[CloudCommandDone] = []
        self.records: list[AppendRecord] = []
        self.crash(timedelta(0))

    def _new(self) -> Hub:
        return Hub(home_id=HOME, place=Place("Europe/Berlin", 52.5, 13.4), new_id=self._new_id)

    def _new_id(self) -> str:
        self.count += 1
        return f"00000000-0000-4000-8000-{self.count:012d}"

    def crash(self, away: timedelta = timedelta(seconds=1)) -> list[Effect]:
        before, self.now = self.now, self.now + away
        self.hub = self._new()
        effects = self.hub.restore(
            devices=list(self.devices.values()),
            states={},
            saved=self.saved,
            commands=list(self.commands.values()),
            definitions=list(self.definitions.values()),
            cloud_commands_done=[each.command_id for each in self.done],
            last_alive_at=before,
            now=self.now,
        )
        return self.keep([*effects, *self.hub.start(self.now)])

    def tell(self, *inputs: Input) -> list[Effect]:
        return self.keep([effect for each in inputs for effect in self.hub.handle(each, self.now)])

    def wait(self, seconds: float) -> list[Effect]:
        effects: list[Effect] = []
        until = self.now + timedelta(seconds=seconds)
        while (due := self.hub.get_timer()) is not None and due <= until:
            self.now = max(due, self.now)
            effects += self.keep(self.hub.handle_timer(self.now))
        self.now = until
        return effects

    def report(self, name: str, state: str) -> list[Effect]:
        return self.tell(Reported(Origin("zigbee2mqtt", name), (EntityReport("main", state),)))

    def state(self, entity_id: str) -> str | None:
        state = self.hub.states.state(EntityId(entity_id))
        return state.state if state else None

    def keep(self, effects: list[Effect]) -> list[Effect]:
        for effect in effects:
            match effect:
                case SaveDevice(device):
                    self.devices[device.id] = device
                case ForgetDevice(device_id):
                    self.devices.pop(device_id, None)
                case Save(room, key, None):
                    self.saved.get(room, {}).pop(key, None)
                case Save(room, key, body):
                    self.saved.setdefault(room, {})[key] = body
                case SaveCommand(command, is_settled):
                    self.commands[command.id] = command
                    if is_settled:
                        del self.commands[command.id]
                case SaveDefinition(definition):
                    self.definitions[definition.kind, definition.id] = definition
                case CloudCommandDone():
                    self.done.append(effect)
                case AppendRecord():
                    self.records.append(effect)
        return effects


def sent(effects: Sequence[Effect]) -> list[tuple[str, str]]:
    return [(each.command.entity_id, each.command.action) for each in effects if isinstance(each, SendCommand)]


def issues(effects: Sequence[Effect]) -> list[str]:
    return [each.issue.code for each in effects if isinstance(each, IssueRaised)]


def calling(action: str, *targets: str, **data: Any) -> CallRequested:
    return CallRequested(Call(CallId("call-1"), action, tuple(map(EntityId, targets)), data, MANUAL))


def evening(*names: str) -> DefinitionArrived:
    wishes = [{"device_id": name, "desired_state": {f"light.{name}": {"state": "on"}}} for name in names]
    fields = {"name": "Evening", "device_states": wishes, "is_active": True}
    return DefinitionArrived(Definition("scene", SCENE_ID, fields, version=1, base=fields), is_from_cloud=True)


def rule(name: str, **fields: Any) -> DefinitionArrived:
    row = {"name": name, "is_enabled": True, "conditions": [], "metadata": {}, **fields}
    return DefinitionArrived(Definition("automation", name, row, version=1, base=row), is_from_cloud=True)


# Devices.


def test_a_bridge_that_is_gone_takes_its_devices_with_it_until_it_is_back() -> None:
    home = Living()
    home.tell(BRIDGE, lamp("Lamp"), lamp("Other"))
    home.report("Lamp", "on")
    home.tell(AvailabilityReported(BRIDGE.origin, is_available=False))

    assert home.state("light.lamp") == "unavailable"
    assert home.state("light.other") == "unavailable"
    home.tell(AvailabilityReported(BRIDGE.origin, is_available=True))
    home.tell(AvailabilityReported(Origin("zigbee2mqtt", "Lamp"), is_available=True))
    home.report("Lamp", "on")
    assert home.state("light.lamp") == "on"
    assert home.state("light.other") != "on", "nobody has heard of it yet"


def test_devices_that_come_back_with_their_bridge_and_say_nothing_are_asked_how_they_are() -> None:
    home = Living()
    button = AdvertisedEntity("identify", "button", capabilities={"press": Capability("enum", "w")})
    home.tell(BRIDGE, lamp("Lamp"), lamp("Other"), lamp("Remote", entities=(button,)))
    home.report("Other", "on")
    home.wait(30)
    home.tell(AvailabilityReported(BRIDGE.origin, is_available=False))
    home.wait(30)
    home.tell(AvailabilityReported(BRIDGE.origin, is_available=True))

    asked = [home.devices[each.device_id].name for each in home.wait(30) if isinstance(each, AskState)]
    assert asked == ["Lamp"], "the other's state is known, and a button has none"


def test_a_command_that_the_device_refuses_fails_with_the_devices_words() -> None:
    home = Living()
    home.tell(lamp("Lamp"), lamp("Other"))
    home.report("Lamp", "off")
    [command] = [each.command for each in home.tell(calling("light.turn_on", "light.lamp", "light.other"))
                 if isinstance(each, SendCommand) and each.command.entity_id == "light.lamp"]  # fmt: skip
    home.tell(CommandSent(command.id))
    home.tell(Refused(Origin("zigbee2mqtt", "Lamp"), "no network route", ("main",)))

    assert [each.entity_id for each in home.commands.values()] == ["light.other"]
    [told] = [each for each in home.tell(Refused(Origin("zigbee2mqtt", "Lamp"), "again")) if isinstance(each, Warn)]
    assert told.text == "Lamp: again", "nobody waits for an answer any more"
    assert home.tell(Refused(Origin("zigbee2mqtt", "Nobody"), "no")) == []


def test_a_scene_that_a_device_keeps_is_recalled_there_and_ours_beside_it() -> None:
    home = Living()
    kept = AdvertisedEntity("scene_1", "scene", "Reading", capabilities={"activate": Capability("bool", "w")})
    home.tell(lamp("Lamp"), lamp("Group", entities=(kept,)), evening("lamp"))
    effects = home.tell(calling("scene.turn_on", "scene.group_reading", "scene.evening"))

    assert sent(effects) == [("scene.group_reading", "scene.turn_on"), ("light.lamp", "light.turn_on")]
    assert not [each for each in effects if isinstance(each, Warn)]
    assert sent(home.tell(calling("scene.turn_on", "scene.group_reading"))) == [
        ("scene.group_reading", "scene.turn_on")
    ]


def test_what_an_unknown_device_says_harms_nobody() -> None:
    home = Living()

    assert home.report("Stranger", "on") == []
    assert home.tell(AvailabilityReported(Origin("hue", "x"), is_available=False)) == []
    assert home.tell(DeviceGone(Origin("hue", "x"))) == []


def test_a_suggested_area_becomes_the_room_of_that_name() -> None:
    home = Living()
    home.tell(RoomEdited(Room(RoomId("9c3d43b7-87a4-5012-b2b1-290dae591eaf"), "Kitchen")))
    home.tell(lamp("Lamp", suggested_area="kitchen "), lamp("Other", suggested_area="Cellar"))

    rooms = {room.id: room.name for room in home.hub.rooms.by_id.values()}
    assert {device.name: rooms.get(device.room_id) for device in home.hub.inventory.devices() if device.room_id} == {
        "Lamp": "Kitchen",
        "Other": "Cellar",
    }


def test_a_device_that_left_and_returns_is_itself_with_the_name_people_gave_it() -> None:
    home = Living()
    home.tell(lamp("Lamp"))
    [device] = [each for each in home.hub.inventory.devices() if each.name == "Lamp"]
    home.tell(DeviceEdited(device.id, name="Reading lamp"))
    home.tell(DeviceGone(Origin("zigbee2mqtt", "Lamp")))

    assert home.state("light.lamp") is None
    assert device.id not in home.devices
    home.crash()
    home.tell(lamp("Lamp"))
    returned = home.hub.inventory.device(device.id)
    assert returned is not None
    assert returned.name == "Reading lamp"
    assert [entity.id for entity in returned.entities] == ["light.lamp"]


def test_a_device_renamed_in_the_cloud_is_renamed_here_and_stays_so() -> None:
    home = Living()
    home.tell(lamp("Lamp"))
    [device] = [each for each in home.hub.inventory.devices() if each.name == "Lamp"]
    known = home.hub.definitions.get("device", device.id)
    assert known is not None
    fields = {**known.fields, "device_name": "Reading lamp"}
    home.tell(DefinitionArrived(Definition("device", device.id, fields, version=2, base=fields), is_from_cloud=True))
    home.crash()

    assert home.devices[device.id].name == "Reading lamp"
    home.tell(lamp("Lamp"))
    assert home.devices[device.id].name == "Reading lamp"


def test_what_is_declared_of_a_device_in_the_cloud_is_known_here_and_stays_so() -> None:
    home = Living()
    home.tell(lamp("Lamp"))
    [device] = [each for each in home.hub.inventory.devices() if each.name == "Lamp"]
    known = home.hub.definitions.get("device", device.id)
    assert known is not None
    declared = {"healing": {"never_touch": True}}
    fields = {**known.fields, "settings": declared}
    home.tell(DefinitionArrived(Definition("device", device.id, fields, version=2, base=fields), is_from_cloud=True))
    home.crash()
    home.tell(lamp("Lamp"))

    assert home.devices[device.id].settings == declared
    healed = home.hub.inventory.device(device.id)
    assert healed is not None
    assert healed.settings == declared


def test_a_flooding_device_is_told_of_and_cleared_when_it_is_calm() -> None:
    home = Living()
    home.tell(lamp("Lamp"))
    told = [issue for number in range(1000) for issue in issues(home.tell(lamp("Lamp", firmware_version=str(number))))]
    later = home.wait(600)

    assert told == ["device_flooding"]
    assert [each.code for each in later if isinstance(each, IssueCleared)] == ["device_flooding"]
    assert next(each for each in home.devices.values() if each.name == "Lamp").firmware_version == "999"


def test_what_is_not_understood_is_told_once_and_as_an_issue_when_it_repeats() -> None:
    home = Living()
    told = [home.tell(Rejected("zigbee2mqtt", "z/bridge/info", "not_json", "it is not JSON")) for _ in range(100)]
    others = [home.tell(Rejected("homeassistant", f"t/{number}", "not_json", "no JSON")) for number in range(3000)]

    assert [type(effect) for effects in told for effect in effects] == [Warn, IssueRaised]
    assert sum(len(effects) for effects in others) <= 1002, "from so many kinds on they are counted together"


# Calls.


def test_homeassistant_turn_off_means_each_domains_own_and_is_answered_once() -> None:
    home = Living()
    home.tell(lamp("Lamp"), lamp("Plug", "switch"))
    home.report("Lamp", "on")
    home.report("Plug", "on")
    effects = home.tell(calling("homeassistant.turn_off", "light.lamp", "switch.plug", "light.ghost"))

    assert sent(effects) == [("light.lamp", "light.turn_off"), ("switch.plug", "switch.turn_off")]
    home.tell(*(CommandSent(each.command.id) for each in effects if isinstance(each, SendCommand)))
    answers = [*home.report("Lamp", "off"), *home.report("Plug", "off")]
    [answer] = [each.answer for each in answers if isinstance(each, Answer)]
    assert isinstance(answer, CallAnswered)
    assert answer.error == "this home has no light.ghost"


def test_rules_that_set_each_other_off_are_stopped_and_told() -> None:
    home = Living()
    for mine, other in (("a", "b"), ("b", "a")):
        actions = [{"event": f"go_{other}"}]
        home.tell(rule(mine, triggers=[{"trigger": "event", "event_type": f"go_{mine}"}], actions=actions))
    home.tell(lamp("Lamp"))
    home.tell(
        rule(
            "start",
            triggers=[{"trigger": "state", "entity_id": "light.lamp", "to": "on"}],
            actions=[{"event": "go_a"}],
        )
    )
    effects = home.report("Lamp", "on")

    assert len(effects) < CASCADE_MAX * 5
    assert home.state("light.lamp") == "on"
    home.report("Lamp", "off")
    assert home.state("light.lamp") == "off"


def test_a_start_with_very_many_rules_is_no_loop() -> None:
    home = Living()
    for number in range(CASCADE_MAX // 3 + 1):
        wanted = rule(f"rule {number}", triggers=[], actions=[]).definition
        home.definitions["automation", wanted.id] = wanted
    effects = home.crash(timedelta(0))

    assert not [each.text for each in effects if isinstance(each, Warn) and each.key == "cascade"]


# The broker.


def test_a_lost_broker_is_an_issue_until_it_is_back() -> None:
    home = Living()
    lost = home.tell(BrokerLost("127.0.0.1:1883: nobody listens there"))

    [issue] = [each.issue for each in lost if isinstance(each, IssueRaised)]
    assert "127.0.0.1:1883: nobody listens there" in issue.text
    assert "broker_unreachable" in [
        each.code for each in home.tell(BrokerConnected()) if isinstance(each, IssueCleared)
    ]


# The cloud.


def test_a_definition_from_the_cloud_holds_at_once_and_goes_when_it_is_deleted() -> None:
    home = Living()
    home.tell(evening("lamp"))
    assert home.state("scene.evening") is not None
    gone = Definition("scene", SCENE_ID, {}, version=2, base={}, is_deleted=True)
    home.tell(DefinitionArrived(gone, is_from_cloud=True))

    assert home.state("scene.evening") is None


def test_a_cloud_command_is_done_at_most_once_also_after_a_crash() -> None:
    home = Living()
    home.tell(lamp("Lamp"))
    home.report("Lamp", "off")
    command = CloudCommand("c-1", "device.set", {"action": "light.turn_on", "entity_id": "light.lamp"})
    effects = home.tell(command)
    assert sent(effects) == [("light.lamp", "light.turn_on")]
    assert sent(home.tell(command)) == []
    home.tell(*(CommandSent(each.command.id) for each in effects if isinstance(each, SendCommand)))
    home.report("Lamp", "on")
    assert [(each.command_id, each.status) for each in home.done] == [("c-1", "done")]

    home.crash()
    assert sent(home.tell(command)) == []
    assert len(home.done) == 1


def test_a_cloud_command_that_a_crash_cut_short_is_told_as_failed_and_not_repeated() -> None:
    home = Living()
    home.tell(lamp("Lamp"))
    home.report("Lamp", "off")
    command = CloudCommand("c-1", "device.set", {"action": "light.turn_on", "entity_id": "light.lamp"})
    home.tell(*(CommandSent(each.command.id) for each in home.tell(command) if isinstance(each, SendCommand)))
    effects = home.crash()

    assert sent(effects) == []
    assert [(each.command_id, each.status) for each in home.done] == [("c-1", "failed")]
    assert sent(home.tell(command)) == []


def test_a_scene_of_the_cloud_that_a_crash_cut_short_goes_on_and_is_answered_once() -> None:
    home = Living()
    home.tell(lamp("lamp"), evening("lamp"))
    home.report("lamp", "off")
    effects = home.tell(CloudCommand("c-1", "scene.activate", {"scene_id": SCENE_ID}))
    home.tell(*(CommandSent(each.command.id) for each in effects if isinstance(each, SendCommand)))
    home.crash()
    assert home.done == []
    home.report("lamp", "on")
    home.wait(60)

    assert [(each.command_id, each.status) for each in home.done] == [("c-1", "done")]
    assert len([each for each in home.records if each.stream == "scene_activations"]) == 1
    home.crash()
    assert len(home.done) == 1


def test_expired_and_unknown_commands_of_the_cloud_are_refused_with_words() -> None:
    home = Living()
    home.tell(
        CloudCommand("c-1", "scene.activate", {"scene_id": SCENE_ID}, is_expired=True),
        CloudCommand("c-2", "make.coffee", {}),
        CloudCommand("c-3", "scene.activate", {"scene_id": "no such"}),
    )

    assert [(each.command_id, each.status) for each in home.done] == [
        ("c-1", "expired"),
        ("c-2", "failed"),
        ("c-3", "failed"),
    ]
    assert "expired" in str(home.done[0].result)
    assert "make.coffee" in str(home.done[1].result)
