"""Shellys at a real broker, played by our simulators from what real ones have said, and the whole agent, which finds and commands them.

No client of others judges these simulators: the documents do, and the recordings.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hub_agent.model.link import Service
from hub_agent.model.report import Publication
from tests.fakes.broker import EmbeddedBroker
from tests.peers.serving import program
from tests.peers.shelly.at_broker import FirstShellyAtBroker, ShellyAtBroker
from tests.peers.whole import whole_home
from tests.recorded.shelly.corpus import devices
from tests.recorded.shelly.mqtt_wire import message
from tests.system.conftest import Hub, Powered

pytestmark = pytest.mark.heavy

DEVICES = devices()
PLUG = "shellyplus1pm-441793D69718"
SHUTTER = "shellyshutter-84FCE6364D5C"
DATA = Path(__file__).parents[2] / "recorded" / "data" / "shelly"


def _peers() -> dict[str, Any]:
    return {
        "plug": ShellyAtBroker(DEVICES[PLUG], "house/pump"),
        "shutter": ShellyAtBroker(DEVICES[SHUTTER]),
        "relays": FirstShellyAtBroker("shellyswitch25-3494547BF36C", DEVICES["shellyswitch25-3494547BF36C"]),
        "bulb": FirstShellyAtBroker("shellybulbduo-34945479CFA4", DEVICES["shellybulbduo-34945479CFA4"], says_info=False),
    }  # fmt: skip


def _attributes(hub: Hub, entity_id: str) -> dict[str, Any]:
    return next(
        dict(entity["attributes"])
        for device in hub.get("devices")
        for entity in device["entities"]
        if entity["id"] == entity_id
    )


def test_the_agent_finds_shellys_at_the_broker_commands_them_and_sees_them_go_and_come_back(
    hub: Hub, broker: EmbeddedBroker
) -> None:
    peers = _peers()
    powered = Powered(broker.port, *peers.values())
    hub.start()
    try:
        # Whoever of the first generation says no `info` is known when it repeats itself: it was asked to by the greeting.
        hub.wait(lambda: len([each for each in hub.get("devices") if each.get("brand") == "Shelly"]) == 4)
        switch, cover = "switch.1pm_plus", "cover.shelly_s2pmg3shutter"
        relay, light = "switch.shelly_2_5_switch_2", "light.shelly_duo"
        hub.wait_for_state(switch, "off")
        assert hub.cli("devices", "set", switch, "on=true").returncode == 0
        assert hub.cli("devices", "set", cover, "position=30").returncode == 0
        assert hub.cli("devices", "set", light, "brightness=40").returncode == 0
        assert hub.cli("devices", "set", relay, "on=true").returncode == 0
        hub.wait_for_state(switch, "on")
        hub.wait_for_state("sensor.1pm_plus_power", "12.5")
        hub.wait_for_state(relay, "on")
        hub.wait_for_state(light, "on")
        hub.wait(lambda: _attributes(hub, cover).get("current_position") == 30)
        assert _attributes(hub, light)["brightness"] == 102
        assert ("Switch.Set", {"id": 0, "on": True}) in peers["plug"].calls
        assert json.loads(peers["bulb"].told[-1][1]) == {"turn": "on", "brightness": 40}

        powered.off()
        hub.wait_for_state(switch, "unavailable")
        hub.wait_for_state(relay, "unavailable")
        powered = Powered(broker.port, *peers.values())
        hub.wait_for_state(switch, "on")
        hub.wait_for_state(relay, "on")

        # Restarted, the hub knows them; what a device says is heard at once.
        hub.kill()
        hub.start()
        hub.wait_for_state(switch, "on")
        assert hub.cli("devices", "set", switch, "on=false").returncode == 0
        hub.wait_for_state(switch, "off")
    finally:
        powered.off()


async def test_a_device_that_is_met_at_the_broker_and_by_its_link_is_one_and_its_link_serves_it(tmp_path: Path) -> None:
    plug = ShellyAtBroker(DEVICES[PLUG])
    async with whole_home(tmp_path, ["shelly"]) as home:
        broker: Any = home.core.broker
        publish = broker.publish

        def answered(publication: Publication) -> bool:
            """As a broker would pass on what the device says to what it is asked."""
            if publication.topic == f"{plug.prefix}/rpc":
                for said in plug.handle(publication.topic, publication.payload, datetime.now(UTC)):
                    home.core.inbox.put_message(message(said.topic, said.payload.decode()))
            return bool(publish(publication))

        broker.publish = answered
        home.core.inbox.put_message(message(f"{plug.prefix}/online", "true", retained=True))
        await home.shows("switch.1pm_plus", "off")
        assert _dialects(home) == ["shelly_mqtt"]
        async with program("tests.peers.shelly.simulator", str(DATA / f"{PLUG}.json")) as running:
            txt = {"gen": "2", "app": "Plus1PM", "ver": "1.7.5"}
            home.announce(Service("mdns", "_shelly._tcp.local.", plug.id, ("127.0.0.1",), running.port, None, txt))
            await home.until(lambda: _dialects(home) == ["shelly"])
            done: Any = await home.door.set_device("1PM Plus", {"on": True}, "somebody")
            assert [each["outcome"] for each in done["commands"]] == ["confirmed"]
            assert ["Switch.Set", {"id": 0, "on": True}] in await running.tell("calls")
            assert "Switch.Set" not in [method for method, _ in plug.calls]
            # Its MQTT goes on speaking: nobody listens to it.
            home.core.inbox.put_message(message(f"{plug.prefix}/online", "false"))
            await home.shows("switch.1pm_plus", "on")
            assert len([each for each in home.door.devices() if each["name"] == "1PM Plus"]) == 1


def _dialects(home: Any) -> list[str]:
    return [each.origin.dialect for each in home.core.hub.inventory.devices() if each.name == "1PM Plus"]
