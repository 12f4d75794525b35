"""HomeKit against accessories that others wrote: a bridge of HAP-python, and homebridge in a network of its own."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub_agent.adapters.links.homekit import HomeKitLinking
from hub_agent.adapters.neighbours.browser import Neighbours
from hub_agent.adapters.neighbours.wire import Orders
from hub_agent.drivers.homekit import HomeKit
from hub_agent.drivers.identification import identify
from hub_agent.errors import LinkLost, NotPossible, PersonNeeded
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Peer, PeerFound, Service, ServiceGone
from tests.fakes.broker import free_port
from tests.peers.homekit.programs import BRIDGE_NAME, CODE, HapBridge, hap_bridge, homebridge, homebridge_installed
from tests.peers.linked import Linked
from tests.peers.namespaces import two_namespaces
from tests.peers.whole import whole_home

pytestmark = pytest.mark.heavy

HAP = "_hap._tcp.local."


class Home(Linked):
    """Its devices by the names they have."""

    def find(self, name: str, domain: str, label: str | None = None) -> tuple[str, str]:
        (device,) = [device for device in self.devices.values() if device.name == name]
        (entity,) = [each for each in device.entities if (each.domain, each.name) == (domain, label)]
        return device.origin.native_id, entity.key

    async def tell(self, name: str, action: str, **data: JsonValue) -> None:
        await self.call(*self.find(name, action.partition(".")[0]), action, **data)

    async def ask(self, body: JsonObject) -> None:
        assert self._link is not None
        await self._link.ask(body)

    async def heard(self, name: str, domain: str, state: str | None, **attributes: JsonValue) -> None:
        await self.said(*self.find(name, domain), state, **attributes)


def _peer(bridge: HapBridge) -> Peer:
    return Peer("homekit", bridge.pairing_id, "Test Bridge", ("127.0.0.1",), bridge.port, {"sf": "1"})


async def test_a_bridge_is_paired_commanded_heard_and_comes_back(tmp_path: Path) -> None:
    linking = HomeKitLinking()
    async with hap_bridge(tmp_path, free_port()) as bridge:
        peer = _peer(bridge)
        with pytest.raises(PersonNeeded, match="needs its HomeKit code") as missing:
            await linking.pair(peer, {})
        assert (missing.value.kind, missing.value.fields) == ("code", ("code",))
        with pytest.raises(PersonNeeded, match="is another one"):
            await linking.pair(peer, {"code": "111-22-333"})
        secrets = await linking.pair(peer, {"code": CODE.replace("-", "")})
        with pytest.raises(PersonNeeded, match="is paired already"):
            await linking.pair(peer, {"code": CODE})
        home = Home(linking, HomeKit(), peer, secrets)
        async with home:
            lamp = home.devices[home.find("Lamp", "light")[0]]
            assert (lamp.brand, lamp.model, lamp.firmware_version) == ("Test Works", "Lamp One", "1.2.3")
            await home.heard("Lamp", "light", "off")

            await home.tell("Lamp", "light.turn_on", brightness=102, color_temp_kelvin=2700)
            await home.heard("Lamp", "light", "on", brightness=102, color_temp_kelvin=2703)
            seen = [await bridge.said() for _ in range(3)]
            assert {said["set"]: said["to"] for said in seen} == {"On": 1, "Brightness": 40, "ColorTemperature": 370}

            await home.tell("Front door", "lock.lock")
            await home.heard("Front door", "lock", "locked")
            await home.tell("Heating", "climate.set_temperature", temperature=21.5, hvac_mode="heat")
            await home.heard("Heating", "climate", "heat", temperature=21.5)
            await bridge.change("Thermometer", "CurrentTemperature", 23.4)
            await home.heard("Thermometer", "sensor", "23.4")
            await bridge.change("Button", "ProgrammableSwitchEvent", 1)
            await home.heard("Button", "event", None, event_type="double_press")
            with pytest.raises(NotPossible, match="no longer has"):
                await home.ask({"do": "put", "values": [{"aid": lamp.native["aid"], "iid": 9999, "value": 1}]})

            await bridge.kill()
            ended = await home.lost()
            assert isinstance(ended, LinkLost)
            assert "ended the connection" in str(ended)
            with pytest.raises(LinkLost):
                await home.tell("Lamp", "light.turn_off")

    # The bridge comes back at another port, and knows us still; unpaired, it does not.
    async with hap_bridge(tmp_path, free_port()) as again:
        moved = _peer(again)
        assert moved.key == peer.key
        async with Home(linking, HomeKit(), moved, secrets) as home:
            await home.tell("Lamp", "light.turn_on", brightness_pct=10)
            await home.heard("Lamp", "light", "on", brightness=26)
            await home.ask({"do": "unpair"})
        with pytest.raises(PersonNeeded, match="no longer knows this hub"):
            await Home(linking, HomeKit(), moved, secrets).connect()


async def _announced(is_wanted: Callable[[PeerFound], bool]) -> Peer:
    """By the hub's own ears, in the namespace that the thread is in."""
    found: asyncio.Queue[PeerFound] = asyncio.Queue()

    def take(heard: Service | ServiceGone) -> bool:
        told = identify(heard) if isinstance(heard, Service) else None
        if told is not None and told.dialect == "homekit":
            found.put_nowait(told)
        return True

    listening = asyncio.create_task(Neighbours(Orders(ssdp=False, pace={"settle": 0.5})).run(take))
    try:
        async with asyncio.timeout(60):
            while not is_wanted(told := await found.get()):
                pass
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    assert told.key is not None
    return Peer("homekit", told.key, told.name, told.hosts, told.port, told.txt)


async def test_homebridge_is_found_over_mdns_paired_commanded_killed_and_found_again(tmp_path: Path) -> None:
    modules = homebridge_installed()
    with two_namespaces() as (theirs, ours), ours.entered():
        bridge = homebridge(modules, tmp_path, theirs)
        try:
            peer = await _announced(lambda told: told.name.startswith(BRIDGE_NAME))
            assert (peer.key, peer.port) == ("0e:11:22:33:44:55", 51888)
            secrets = await HomeKitLinking().pair(peer, {"code": CODE})
            home = Home(HomeKitLinking(), HomeKit(), peer, secrets)
            async with home:
                assert not home.rejected
                await home.heard("Dummy lamp", "light", "off")
                await home.tell("Dummy lamp", "light.turn_on", brightness_pct=40)
                await home.heard("Dummy lamp", "light", "on", brightness=102)
                await home.tell("Dummy lock", "lock.unlock")
                await home.heard("Dummy lock", "lock", "unlocked")
                await home.tell("Dummy blind", "cover.set_cover_position", position=100)
                await home.heard("Dummy blind", "cover", "open", current_position=100)
                await home.tell("Dummy heating", "climate.set_hvac_mode", hvac_mode="heat")
                await home.heard("Dummy heating", "climate", "heat")
                bridge.kill()
                assert isinstance(await home.lost(), LinkLost)
            bridge.wait()
            bridge = homebridge(modules, tmp_path, theirs)
            again = await _announced(lambda told: told.name.startswith(BRIDGE_NAME))
            assert again.key == peer.key
            async with Home(HomeKitLinking(), HomeKit(), again, secrets) as back:
                await back.tell("Dummy lamp", "light.turn_off")
                await back.heard("Dummy lamp", "light", "off")
        finally:
            bridge.kill()
            bridge.wait()


async def test_in_a_whole_home_a_bridge_is_announced_added_with_its_code_and_set_in_peoples_units(
    tmp_path: Path,
) -> None:
    (tmp_path / "bridge").mkdir()
    (tmp_path / "home").mkdir()
    async with (
        hap_bridge(tmp_path / "bridge", free_port()) as bridge,
        whole_home(tmp_path / "home", ["homekit"]) as home,
    ):
        txt = {"id": bridge.pairing_id.upper(), "sf": "1", "ci": "2", "md": "Test Bridge", "pv": "1.1", "c#": "1"}
        home.announce(Service("mdns", HAP, "Test Bridge", ("127.0.0.1",), bridge.port, "test.local.", txt))
        await home.until(lambda: any(each["name"] == "Test Bridge" for each in home.door.discovered()))
        with pytest.raises(PersonNeeded, match="is another one"):
            await home.door.add_discovered("Test Bridge", {"code": "111-22-333"}, "somebody")
        await home.door.add_discovered("Test Bridge", {"code": CODE}, "somebody")
        await home.shows("light.lamp", "off")

        done: Any = await home.door.set_device("Lamp", {"on": True, "brightness": 40, "color_temp": 2700}, "somebody")
        assert [each["outcome"] for each in done["commands"]] == ["confirmed"]
        await home.shows("light.lamp", "on", brightness=102)
        locked: Any = await home.door.set_device("Front door", {"locked": True}, "somebody")
        assert [each["outcome"] for each in locked["commands"]] == ["confirmed"]
        await bridge.change("Thermometer", "CurrentTemperature", 19.5)
        await home.shows("sensor.thermometer", "19.5")
        assert CODE.replace("-", "") not in (tmp_path / "home" / "credentials.json").read_text()
        await home.door.forget_discovered("Test Bridge", is_ignored=False, by="somebody")
        assert "pairing" not in (tmp_path / "home" / "credentials.json").read_text()
        # The bridge was told, so another home can have it; this one again, too.
        await home.door.add_discovered("Test Bridge", {"code": CODE}, "somebody")
        await home.shows("light.lamp", "on")
        await bridge.kill()
        await home.shows("light.lamp", "unavailable")
