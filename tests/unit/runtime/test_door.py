"""What the page, the API and the command line see and do, over a whole core with a real mirror."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from hub_agent.core.security import Ways
from hub_agent.errors import NotFound, NotPossible
from hub_agent.home import Core
from hub_agent.model.automation import Place
from hub_agent.model.definition import Definition
from hub_agent.model.device import Room
from hub_agent.model.ids import RoomId
from hub_agent.model.inputs import DefinitionArrived, RoomEdited
from hub_agent.model.report import MqttMessage
from hub_agent.runtime.door import HubDoor
from hub_agent.runtime.figures import Figures
from tests.fakes.linked_home import VirtualClock, live
from tests.fakes.own import FakeKeeping
from tests.fakes.replayer import ReplayBeside
from tests.unit.runtime.conftest import MemoryBroker
from tests.unit.store.homes import counted_ids, mirror_in

ROOM_ID = "9c3d43b7-87a4-5012-b2b1-290dae591eaf"


class House:
    """Lamps that do what they are told, unless they are dead."""

    def __init__(self, core: Core, broker: MemoryBroker, door: HubDoor) -> None:
        self.core, self.broker, self.door = core, broker, door
        self.dead: set[str] = set()

    async def add_lamp(self, name: str, unique_id: str) -> None:
        announced = {
            "name": None,
            "unique_id": unique_id,
            "command_topic": f"{unique_id}/set",
            "state_topic": f"{unique_id}/state",
            "device": {"identifiers": [unique_id], "name": name},
        }
        self.say(f"homeassistant/light/{unique_id}/config", json.dumps(announced))
        self.say(f"{unique_id}/state", "OFF")
        await asyncio.sleep(0.01)

    def say(self, topic: str, payload: str) -> None:
        self.broker.say(MqttMessage(topic, payload.encode()))

    async def obey(self) -> None:
        done = 0
        while True:
            for told in self.broker.published[done:]:
                name, _, verb = told.topic.partition("/")
                if verb == "set" and name not in self.dead:
                    self.say(f"{name}/state", told.payload.decode())
            done = len(self.broker.published)
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def house_in(folder: Path, ways: Ways | None = None) -> AsyncGenerator[House, None]:
    clock, broker, mirror = VirtualClock(), MemoryBroker(), mirror_in(folder)
    remembered = await mirror.open(clock.now())
    new_id = counted_ids()
    core = Core(
        identity=remembered.identity,
        place=Place("Europe/Berlin", 52.5, 13.4),
        store=mirror,
        clock=clock,
        broker=broker,
        new_id=new_id,
        ways=ways,
    )
    await core.start(remembered)
    broker.tell(True, "")
    door = HubDoor(
        hub=core.hub,
        inbox=core.inbox,
        effects=core.effects,
        changes=core.changes,
        store=mirror,
        broker=broker,
        links=core.links,
        dialects=("shelly",),
        clock=clock,
        replayer=ReplayBeside(mirror),
        new_id=new_id,
        broker_address="127.0.0.1:1883",
        sync_status=lambda: {"is_claimed": False},
        handled=lambda: core.loop.handled,
        figures=Figures(core.hub, core.loop.tally, core.dialects.heard_by_dialect, mirror.path).as_json,
        version="0.0.0",
        keeping=FakeKeeping([]),
    )
    house = House(core, broker, door)
    running = asyncio.create_task(core.loop.run())
    obeying = asyncio.create_task(house.obey())
    for name, unique_id in (("Hall Lamp", "hall"), ("Desk", "desk_1"), ("Desk", "desk_2")):
        await house.add_lamp(name, unique_id)
    yield house
    obeying.cancel()
    await core.loop.end()
    await running
    await core.stop()
    await mirror.close(clock.now())


def test_a_device_is_set_by_its_name_its_entitys_or_its_id(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            device_id = next(each["id"] for each in house.door.devices() if each["name"] == "Hall Lamp")
            for name, is_on in (
                ("hall lamp", True),
                ("Hall Lamp", False),
                ("light.hall_lamp", True),
                (str(device_id), False),
            ):
                answer = await house.door.set_device(name, {"on": is_on}, "test")
                assert answer["commands"] == [{"entity_id": "light.hall_lamp", "outcome": "confirmed", "error": None}]

    live(story())


def test_names_that_fit_nobody_or_several_are_refused_with_what_to_do(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            door = house.door
            with pytest.raises(NotFound, match="no device or entity 'Cellar'"):
                await door.set_device("Cellar", {"on": True}, "test")
            with pytest.raises(NotPossible, match="cannot set brightness; it knows: on"):
                await door.set_device("Hall Lamp", {"brightness": 10}, "test")
            with pytest.raises(NotFound, match="There is no scene 'Party'"):
                await door.activate_scene("Party", "test")
            with pytest.raises(NotFound, match="There is no run"):
                await door.trace("nothing")
            with pytest.raises(NotFound, match="no room"):
                await door.edit_device("Hall Lamp", None, "no-room", "test")
            with pytest.raises(NotPossible, match="knows lock"):
                await door.call("lock.lock", ["Hall Lamp"], {}, "test")

    live(story())


def test_two_devices_of_one_name_are_not_mixed_up(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            with pytest.raises(NotFound, match="2 devices named 'Desk'; use the id"):
                await house.door.edit_device("Desk", "Table", None, "test")

    live(story())


def test_a_device_that_does_not_answer_is_told_as_such(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            house.dead.add("hall")
            answer = await house.door.set_device("Hall Lamp", {"on": True}, "test")
            told = answer["commands"]
            assert told == [] or told[0]["outcome"] == "unconfirmed"  # type: ignore[index, call-overload]  # a list of objects

    live(story())


def test_a_scene_is_activated_by_name_and_answers_with_its_outcome(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            wishes = [{"device_id": "a", "desired_state": {"light.hall_lamp": {"state": "on"}}}]
            scene = Definition("scene", ROOM_ID, {"name": "Movie Night", "device_states": wishes})
            await house.core.inbox.submit([DefinitionArrived(scene, is_from_cloud=False)])
            answer = await house.door.activate_scene("movie night", "test")
            assert answer["status"] == "success"
            assert answer["devices_succeeded"] == 1
            assert [each["last_status"] for each in house.door.scenes()] == ["success"]

    live(story())


def test_a_device_is_renamed_and_put_into_a_room(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            await house.core.inbox.submit([RoomEdited(Room(RoomId(ROOM_ID), "Study"))])
            shown = await house.door.edit_device("Hall Lamp", "Reading lamp", ROOM_ID, "test")
            assert (shown["name"], shown["room"]) == ("Reading lamp", "Study")
            assert [each["name"] for each in house.door.rooms()] == ["Study"]

    live(story())


def test_status_counts_what_there_is(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            house.say("homeassistant/light/bad/config", "nonsense")
            await asyncio.sleep(0.1)
            status = house.door.status()
            assert status["counts"]["devices"] == 5  # type: ignore[index, call-overload]  # an object
            assert status["inbox"]["rejected"] == 1  # type: ignore[index, call-overload]  # an object
            assert [each["topic"] for each in house.door.rejected()] == ["homeassistant/light/bad/config"]
            assert house.door.issues() == []

    live(story())


def test_what_is_imported_runs_and_is_the_same_row_when_it_is_imported_again(tmp_path: Path) -> None:
    def rule(at: str) -> dict[str, object]:
        return {
            "name": "Hall at night",
            "automation_type": "trigger_based",
            "triggers": [{"trigger": "time", "at": at}],
            "conditions": [],
            "actions": [{"action": "light.turn_on", "target": {"entity_id": "light.hall_lamp"}}],
            "metadata": {"imported_from": {"file": "automations.yaml", "line": 3, "id": "1587"}},
        }

    async def story() -> None:
        async with house_in(tmp_path) as house:
            first = {"kind": "automation", "key": "automation/1587", "fields": rule("07:00")}
            outcomes = []
            for definition in (first, first, {**first, "fields": rule("08:00")}):
                answer = await house.door.import_definitions([definition], "test")
                outcomes += [(each["id"], each["outcome"]) for each in answer["imported"]]  # type: ignore[union-attr, index, call-overload]  # JSON

            [shown] = house.door.automations()
            assert [outcome for _, outcome in outcomes] == ["new", "same", "changed"]
            assert {each for each, _ in outcomes} == {shown["id"]}
            assert (shown["name"], shown["problem"]) == ("Hall at night", None)

    live(story())


def test_a_rule_that_names_a_lamp_by_its_old_name_is_told_and_repaired(tmp_path: Path) -> None:
    rule = {
        "name": "Hall at night",
        "automation_type": "trigger_based",
        "triggers": [{"trigger": "time", "at": "07:00"}],
        "conditions": [],
        "actions": [{"action": "light.turn_on", "target": {"entity_id": "light.lamp_hall"}}],
    }

    async def story() -> None:
        async with house_in(tmp_path) as house:
            await house.door.import_definitions([{"kind": "automation", "key": "automation/1", "fields": rule}], "test")
            before = house.door.health("Hall at night")
            all_before = house.door.health_of_all()
            answer = await house.door.repair("hall at night", "test")

            assert (before["health_status"], before["can_auto_repair"]) == ("degraded", True)
            assert [each["name"] for each in all_before] == ["Hall at night"]
            assert answer["repaired"] == [{"replaced": "light.lamp_hall", "by": "light.hall_lamp"}]
            assert house.door.health("Hall at night")["health_status"] == "healthy"
            assert (await house.door.repair("Hall at night", "test"))["repaired"] == []
            with pytest.raises(NotFound, match="Did you mean 'Hall at night'"):
                house.door.health("hall at nite")

    live(story())


def test_why_a_rule_did_not_run_is_told_from_its_triggers_and_its_kept_traces(tmp_path: Path) -> None:
    rule = {
        "name": "Hall at night",
        "automation_type": "trigger_based",
        "triggers": [{"trigger": "state", "entity_id": "light.hall_lamp", "to": "on"}],
        "conditions": [{"condition": "state", "entity_id": "light.porch_lamp", "state": "on"}],
        "actions": [{"action": "light.turn_off", "target": {"entity_id": "light.hall_lamp"}}],
    }

    async def story() -> None:
        async with house_in(tmp_path) as house:
            await house.add_lamp("Hall Lamp", "hall")
            await house.add_lamp("Porch Lamp", "porch")
            await house.door.import_definitions([{"kind": "automation", "key": "automation/1", "fields": rule}], "test")
            quiet = await house.door.explain("hall at night", None)
            house.say("hall/state", "ON")
            await asyncio.sleep(0.01)
            refused = await house.door.explain("automation.hall_at_night", None)

            assert str(quiet["summary"]).startswith("Trigger 1 (state) waits until light.hall_lamp changes to 'on'")
            assert "light.porch_lamp = off" in str(refused["summary"])
            assert refused["last_refusal"]["run_id"] == (await house.door.runs(None, 1))[0]["id"]  # type: ignore[index, call-overload]  # JSON
            with pytest.raises(NotFound, match="Did you mean 'Hall at night'"):
                await house.door.explain("hall at nite", None)
            with pytest.raises(NotFound, match="automations list"):
                await house.door.explain("zzz", None)
            with pytest.raises(NotPossible, match="is not a time"):
                await house.door.explain("Hall at night", "soon")

    live(story())


def test_a_diagnosis_is_told_step_by_step_and_kept_for_who_asks_later(tmp_path: Path) -> None:
    async def story() -> None:
        async with house_in(tmp_path) as house:
            said = [each async for each in house.door.diagnose("hall lamp")]
            told = said.pop()["diagnosis"]
            assert [each["step"] for each in said] == told["steps"]
            assert (told["name"], told["overall_status"]) == ("Hall Lamp", "healthy")
            [home] = [each["diagnosis"] async for each in house.door.diagnose(None) if "diagnosis" in each]
            assert home["of"] == "home"
            assert [each["of"] for each in house.door.diagnoses()] == ["home", "device"]
            with pytest.raises(NotFound, match="There is no device 'Cellar'"):
                await anext(house.door.diagnose("Cellar"))

    live(story())
