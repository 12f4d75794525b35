"""The Hue bridge: none is to be had, so one of ours (`tests/peers/hue`), which aiohue takes for a real one first."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohue.util import create_app_key
from aiohue.v2 import HueBridgeV2
from aiohue.v2.models.resource import ResourceTypes

from hub_agent.adapters.links.hue import HueLinking
from hub_agent.drivers.hue import Hue
from hub_agent.errors import LinkLost, NotPossible, PersonNeeded
from hub_agent.model.device import DeviceType, Entity
from hub_agent.model.ids import EntityId
from hub_agent.model.json import JsonObject
from hub_agent.model.link import Peer, Request, Service
from hub_agent.model.report import Decoded, ScenesKept
from hub_agent.model.scene import DesiredState, SceneCopy, SceneMember
from tests.fakes.broker import free_port
from tests.peers.hue import home as parts
from tests.peers.hue.bridge import HueBridge, make_certificate
from tests.peers.linked import Linked
from tests.peers.whole import WholeHome, whole_home
from tests.recorded.zigbee2mqtt.wire import fixture

pytestmark = pytest.mark.heavy


@pytest.fixture
async def bridge(tmp_path: Path) -> AsyncIterator[HueBridge]:
    bridge = HueBridge(tmp_path, free_port())
    await bridge.start()
    yield bridge
    await bridge.stop()


def _peer(bridge: HueBridge) -> Peer:
    return Peer("hue", parts.BRIDGE_ID, "Hue Bridge", ("127.0.0.1",), bridge.port)


def _at(rid: str) -> str:
    return f"{parts.BRIDGE_ID}/{rid}"


class Home(Linked):
    """Remembers which copies of scenes the bridge tells of."""

    kept: ScenesKept | None = None

    def _take(self, decoded: Decoded) -> None:
        super()._take(decoded)
        if isinstance(decoded, ScenesKept):
            self.kept = decoded

    async def ask(self, *requests: Any) -> None:
        assert self._link is not None
        for each in requests:
            assert isinstance(each, Request)
            await self._link.ask(each.body)


async def _paired(bridge: HueBridge) -> Home:
    bridge.is_pressed = True
    return Home(HueLinking(), Hue(), _peer(bridge), await HueLinking().pair(_peer(bridge), {}))


async def test_aiohue_takes_the_bridge_of_these_tests_for_a_real_one(bridge: HueBridge) -> None:
    host = f"127.0.0.1:{bridge.port}"
    bridge.is_pressed = True
    async with HueBridgeV2(host, await create_app_key(host, "judge#test")) as judge:
        assert judge.bridge_id == parts.BRIDGE_ID
        assert len(judge.devices.items) == 8
        assert {len(judge.lights.items), len(judge.scenes.scene.items), len(judge.groups.zone.items)} == {3, 1}
        assert judge.sensors.motion.items[0].motion.value is False
        assert judge.sensors.contact.items[0].contact_report is not None
        assert judge.config.device_software_update is not None
        heard: asyncio.Queue[Any] = asyncio.Queue()
        judge.lights.subscribe(lambda _kind, light: heard.put_nowait(light))
        # Its stream is open before anything is asked for.
        async with asyncio.timeout(60):
            await bridge.is_listened_to.wait()
        await judge.lights.set_state(parts.LAMP_LIGHT, on=True, brightness=50, color_xy=(0.3, 0.4), transition_time=400)
        async with asyncio.timeout(60):
            light = await heard.get()
        assert (light.id, light.is_on, round(light.brightness), light.color.xy.x) == (parts.LAMP_LIGHT, True, 50, 0.3)
        await judge.scenes.scene.recall(parts.SCENE)
        async with asyncio.timeout(60):
            while light.color_temperature.mirek != 447:
                light = await heard.get()
        created = await judge.request("post", "clip/v2/resource/scene", json=_scene_body())
        assert created[0]["rtype"] == ResourceTypes.SCENE.value


def _scene_body() -> dict[str, Any]:
    target = {"rid": parts.LAMP_LIGHT, "rtype": "light"}
    action = {"target": target, "action": {"on": {"on": True}}}
    return {"metadata": {"name": "One"}, "group": {"rid": parts.ROOM, "rtype": "room"}, "actions": [action]}


async def test_the_button_has_to_be_pressed_first(bridge: HueBridge) -> None:
    with pytest.raises(PersonNeeded, match="Press the round button") as needed:
        await HueLinking().pair(_peer(bridge), {})
    assert needed.value.kind == "button"
    with pytest.raises(PersonNeeded, match="Press the round button"):
        await Linked(HueLinking(), Hue(), _peer(bridge)).connect()


async def test_a_home_is_met_commanded_heard_and_comes_back(bridge: HueBridge) -> None:
    async with await _paired(bridge) as home:
        lamp, room = home.devices[_at(parts.LAMP)], home.devices[_at(parts.ROOM)]
        assert (lamp.brand, lamp.model, lamp.device_type) == ("Signify Netherlands B.V.", "LCA001", DeviceType.LIGHT)
        assert home.devices[parts.BRIDGE_ID].device_type is DeviceType.BRIDGE
        assert {entity.name for entity in room.entities} == {None, "Evening", "Natural light"}

        light = f"light_{parts.LAMP_LIGHT}"
        await home.call(_at(parts.LAMP), light, "light.turn_on", brightness=102, color_temp_kelvin=2700, transition=1.5)
        await home.said(_at(parts.LAMP), light, "on", brightness=102, color_temp_kelvin=2703)
        assert bridge.puts[-1][1]["dynamics"] == {"duration": 1500}
        await home.call(_at(parts.LAMP), light, "light.turn_on", rgb_color=[255, 0, 0])
        await home.said(_at(parts.LAMP), light, "on", color_mode="xy", color_temp_kelvin=None)
        assert bridge.puts[-1][1]["color"] == {"xy": {"x": 0.64, "y": 0.33}}
        await home.call(_at(parts.LAMP), light, "light.turn_on", effect="fire")
        await home.said(_at(parts.LAMP), light, "on", effect="fire")
        await home.call(_at(parts.PLUG), f"light_{parts.PLUG_LIGHT}", "switch.turn_on")
        await home.said(_at(parts.PLUG), f"light_{parts.PLUG_LIGHT}", "on")
        await home.call(_at(parts.ROOM), f"grouped_light_{parts.ROOM_LIGHT}", "light.turn_off")
        await home.said(_at(parts.LAMP), light, "off", brightness=None)
        await home.call(_at(parts.ROOM), f"scene_{parts.SCENE}", "scene.turn_on", transition=2)
        await home.said(_at(parts.STRIP), f"light_{parts.STRIP_LIGHT}", "on", color_temp_kelvin=2237)
        await home.said(_at(parts.ROOM), f"scene_{parts.SCENE}", None, active="static")
        await home.call(_at(parts.LAMP), "identify", "button.press")
        assert bridge.puts[-1] == (parts.LAMP, {"identify": {"action": "identify"}})

        bridge.say(_press(2, "long_press"))
        await home.said(_at(parts.DIMMER), f"button_{parts.BUTTONS[1]}", None, event_type="long_press")
        bridge.busy_answers = 2
        await home.call(_at(parts.LAMP), light, "light.turn_off")
        bridge.held.pop(parts.LAMP_LIGHT)
        with pytest.raises(NotPossible, match="Not Found"):
            await home.call(_at(parts.LAMP), light, "light.turn_on")

        await bridge.stop()
        ended = await home.lost()
        assert isinstance(ended, LinkLost)
        await bridge.start()
        await home.connect()
        await home.said(_at(parts.PLUG), f"light_{parts.PLUG_LIGHT}", "on")
        assert not home.rejected


def _press(number: int, event: str) -> dict[str, Any]:
    report = {"button_report": {"updated": "2026-11-22T18:00:01.000Z", "event": event}}
    owner = {"rid": parts.DIMMER, "rtype": "device"}
    return parts.update(id=parts.BUTTONS[number - 1], type="button", owner=owner, button=report)


async def test_who_shows_another_certificate_or_name_is_told_nothing(bridge: HueBridge, tmp_path: Path) -> None:
    home = await _paired(bridge)
    await bridge.stop()
    bridge.certificate = make_certificate(tmp_path)
    await bridge.start()
    with pytest.raises(PersonNeeded, match="another certificate"):
        await home.connect()
    await bridge.stop()
    bridge.certificate = make_certificate(tmp_path, "001788fffe999999")
    await bridge.start()
    with pytest.raises(LinkLost, match="another bridge answers"):
        await HueLinking().pair(_peer(bridge), {})


async def test_a_bridge_that_was_reset_wants_its_button_pressed(bridge: HueBridge) -> None:
    home = await _paired(bridge)
    bridge.known_keys.clear()
    with pytest.raises(PersonNeeded, match="no longer knows this hub"):
        await home.connect()


def _copy(home: Home, *wishes: tuple[str, str, JsonObject]) -> SceneCopy:
    members = []
    for native_id, state, attributes in wishes:
        device = home.devices[native_id]
        entity: Entity = next(
            each for each in device.entities if each.domain in {"light", "switch"} and each.name is None
        )
        members.append(SceneMember(device, entity, DesiredState(EntityId(entity.id), state, attributes)))
    return SceneCopy("ab12cd34", "Film night", tuple(members), 1.0)


async def test_a_copy_of_a_scene_is_stored_recalled_changed_and_dropped(bridge: HueBridge) -> None:
    async with await _paired(bridge) as home:
        host, driver = home.devices[parts.BRIDGE_ID], home.driver
        assert isinstance(driver, Hue)
        copy = _copy(
            home,
            (
                _at(parts.LAMP),
                "on",
                {"brightness": 77, "hs_color": [240, 100], "xy_color": [0.1355, 0.0399], "color_mode": "hs"},
            ),
            (_at(parts.STRIP), "on", {"brightness": 200, "color_temp_kelvin": 3000}),
        )
        await home.ask(*driver.encode_store(host, copy, None))
        await home.until(lambda: home.kept is not None and bool(home.kept.kept))
        assert home.kept is not None
        (kept,) = home.kept.kept
        assert (kept.tag, kept.content) == (copy.tag, driver.content_of(copy))
        assert bridge.held[kept.external_id]["group"]["rid"] == parts.ROOM
        assert "Film night" not in {entity.name for entity in home.devices[_at(parts.ROOM)].entities}

        await home.ask(*driver.encode_recall(host, kept.external_id, None))
        await home.said(_at(parts.STRIP), f"light_{parts.STRIP_LIGHT}", "on", color_temp_kelvin=3003)

        # Somebody changes it on the bridge; then it is put right, and with the plug it moves into the zone.
        bridge.say(parts.update(id=kept.external_id, type="scene", actions=[]))
        await home.until(lambda: home.kept is not None and home.kept.kept[0].content != driver.content_of(copy))
        await home.ask(*driver.encode_store(host, copy, kept.external_id))
        await home.until(lambda: home.kept is not None and home.kept.kept[0].content == driver.content_of(copy))
        more = _copy(
            home,
            (_at(parts.LAMP), "off", {}),
            (_at(parts.STRIP), "on", {"brightness": 20}),
            (_at(parts.PLUG), "on", {}),
        )
        await home.ask(*driver.encode_store(host, more, kept.external_id))
        await home.until(
            lambda: home.kept is not None and [each.content for each in home.kept.kept] == [driver.content_of(more)]
        )
        moved = home.kept.kept[0].external_id
        assert bridge.held[moved]["group"]["rid"] == parts.ZONE

        # Without a group that has all lamps, a zone is made, which goes with the scene.
        bridge.held.pop(parts.ZONE)
        heard = len(home.frames)
        bridge.say({"type": "delete", "id": "x", "creationtime": "", "data": [{"id": parts.ZONE, "type": "zone"}]})
        await home.until(lambda: len(home.frames) > heard)
        await home.ask(*driver.encode_store(host, more, moved))
        await home.until(
            lambda: home.kept is not None and bool(home.kept.kept) and home.kept.kept[0].external_id != moved
        )
        last = home.kept.kept[0].external_id
        zone = bridge.held[last]["group"]["rid"]
        assert bridge.held[zone]["metadata"]["name"] == "NEXA ab12cd34"
        assert _at(zone) not in home.devices
        await home.ask(*driver.encode_drop(host, last))
        await home.until(lambda: home.kept is not None and not home.kept.kept)
        assert zone not in bridge.held


async def test_a_real_home_as_openhab_recorded_it_is_met_over_the_wire(tmp_path: Path) -> None:
    held = _recorded()
    bridge = HueBridge(tmp_path, free_port(), held)
    await bridge.start()
    try:
        bridge.is_pressed = True
        peer = Peer("hue", "manual", "Hue Bridge", ("127.0.0.1",), bridge.port)
        async with Linked(HueLinking(), Hue(), peer, await HueLinking().pair(peer, {})) as home:
            assert len(home.devices) > 40
            assert not home.rejected
            events = json.loads(fixture("http_mdns/openhab_hue/event.json").read_text())
            heard = len(home.frames)
            bridge.say(*events)
            await home.until(lambda: len(home.frames) > heard)
            assert not home.rejected
    finally:
        await bridge.stop()


def _recorded() -> list[dict[str, Any]]:
    folder = fixture("http_mdns/openhab_hue")
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.iterdir()):
        body = json.loads(path.read_text())
        if isinstance(body, dict):
            found |= {each["id"]: each for each in body.get("data", ())}
    return list(found.values())


async def test_in_a_whole_home_a_bridge_is_announced_added_by_its_button_and_set_in_peoples_units(
    bridge: HueBridge, tmp_path: Path
) -> None:
    async with whole_home(tmp_path, ["hue"]) as home:
        txt = {"bridgeid": parts.BRIDGE_ID, "modelid": "BSB002"}
        home.announce(
            Service("mdns", "_hue._tcp.local.", "Hue Bridge - 0A1B2C", ("127.0.0.1",), bridge.port, "hue.local.", txt)
        )
        await home.until(lambda: bool(home.door.discovered()))
        (found,) = home.door.discovered()
        with pytest.raises(PersonNeeded, match="round button"):
            await home.door.add_discovered(str(found["id"]), {}, "somebody")
        bridge.is_pressed = True
        await home.door.add_discovered(str(found["id"]), {}, "somebody")
        await home.shows("light.floor_lamp", "off")

        wanted = {"on": True, "brightness": 40, "color_temp": 2700, "transition": 0}
        done: Any = await home.door.set_device("Floor lamp", wanted, "somebody")
        assert [each["outcome"] for each in done["commands"]] == ["confirmed"]
        await home.shows("light.floor_lamp", "on", brightness=102, color_temp_kelvin=2703)
        off: Any = await home.door.call("light.turn_off", ["light.living_room"], {}, "somebody")
        assert [each["outcome"] for each in off["commands"]] == ["confirmed"]
        await home.shows("light.floor_lamp", "off")
        await bridge.stop()
        await home.shows("light.floor_lamp", "unavailable")
        await bridge.start()
        await home.shows("light.floor_lamp", "off")


async def test_in_a_whole_home_a_scene_is_kept_by_the_bridge_and_recalled_by_one_word(
    bridge: HueBridge, tmp_path: Path
) -> None:
    async with whole_home(tmp_path, ["hue"]) as home:
        bridge.is_pressed = True
        txt = {"bridgeid": parts.BRIDGE_ID}
        home.announce(Service("mdns", "_hue._tcp.local.", "Hue Bridge", ("127.0.0.1",), bridge.port, "hue.local.", txt))
        await home.until(lambda: bool(home.door.discovered()))
        await home.door.add_discovered(str(home.door.discovered()[0]["id"]), {}, "somebody")
        await home.shows("light.floor_lamp", "off")
        wanted: dict[str, JsonObject] = {
            "light.floor_lamp": {
                "state": "on",
                "attributes": {"brightness": 77, "xy_color": [0.3, 0.3], "color_mode": "xy"},
            },
            "light.sideboard": {"state": "on", "attributes": {"brightness": 200, "color_temp_kelvin": 3000}},
            "switch.coffee_machine": {"state": "off", "attributes": {}},
        }
        desired = [
            {"device_id": _device(home, entity), "desired_state": {entity: state}} for entity, state in wanted.items()
        ]
        scene = {"kind": "scene", "key": "scene/film", "fields": {"name": "Film night", "device_states": desired}}
        await home.door.import_definitions([scene], "somebody")

        # It is stored once nobody has edited it for ten seconds.
        async with asyncio.timeout(60):
            await bridge.has_made.wait()
        (kept,) = [each for each in bridge.held.values() if each.get("metadata", {}).get("name") == "Film night"]
        assert (kept["group"]["rid"], len(kept["actions"])) == (parts.ZONE, 3)
        bridge.say(
            parts.update(id=parts.MOTION, type="motion", motion={"motion_report": {"changed": "z", "motion": True}})
        )
        await home.shows("binary_sensor.hall_sensor", "on")
        (copy,) = home.core.hub.stored_scenes.present().values()
        assert isinstance(copy, dict)
        assert (copy["hue"]["sync_status"], copy["hue"]["external_entity_id"]) == ("synced", kept["id"])

        bridge.puts.clear()
        pressed: Any = await home.door.activate_scene("Film night", "somebody")
        assert pressed["status"] == "success", pressed
        assert [rid for rid, _ in bridge.puts] == [kept["id"]]
        await home.shows("light.sideboard", "on", color_temp_kelvin=3003)


def _device(home: WholeHome, entity_id: str) -> str:
    for device in home.door.devices():
        entities: Any = device["entities"]
        if any(each["id"] == entity_id for each in entities):
            return str(device["id"])
    raise AssertionError(entity_id)
