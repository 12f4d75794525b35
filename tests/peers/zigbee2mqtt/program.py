"""The program as a child process, and what a test may do to the radio below it."""

import contextlib
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.peers.npm import NODE, npm_ci

HERE = Path(__file__).parent
STOP_WITHIN_S = 60.0

LAMP, OTHER_LAMP, PLUG, WEATHER = "0x000b57fffec6a5b2", "0x000b57fffec6a5b3", "0x00124b0023456789", "0x00158d0002abcdef"
_LIGHT_CLUSTERS = ["genBasic", "genIdentify", "genGroups", "genScenes", "genOnOff", "genLevelCtrl", "lightingColorCtrl"]


def ikea_lamp(ieee: str, nwk: int) -> dict[str, Any]:
    """IKEA LED1545G12: dimmed, from warm to cold white."""
    return {
        "ieee": ieee,
        "nwk": nwk,
        "type": "Router",
        "endpoints": {"1": {"device": 0x100C, "in": _LIGHT_CLUSTERS, "out": ["genOta"]}},
        "attributes": {
            "genBasic": _basic("TRADFRI bulb E27 WS opal 980lm", "IKEA of Sweden", 1) | {"swBuildId": "2.3.087"},
            "genOnOff": {"onOff": 0},
            "genLevelCtrl": {"currentLevel": 254},
            "lightingColorCtrl": {
                "colorTemperature": 370,
                "colorMode": 2,
                "colorCapabilities": 16,
                "colorTempPhysicalMin": 250,
                "colorTempPhysicalMax": 454,
            },
        },
    }


def sonoff_plug() -> dict[str, Any]:
    """SONOFF BASICZBR3."""
    return {
        "ieee": PLUG,
        "nwk": 0x2222,
        "type": "Router",
        "endpoints": {"1": {"device": 0, "in": ["genBasic", "genIdentify", "genGroups", "genScenes", "genOnOff"]}},
        "attributes": {"genBasic": _basic("BASICZBR3", "SONOFF", 1), "genOnOff": {"onOff": 0}},
    }


def aqara_weather() -> dict[str, Any]:
    """Aqara WSDCGQ11LM: on a battery, speaks by itself."""
    clusters = ["genBasic", "msTemperatureMeasurement", "msRelativeHumidity", "msPressureMeasurement"]
    return {
        "ieee": WEATHER,
        "nwk": 0x3333,
        "type": "EndDevice",
        "manufacturer": 0x1037,
        "endpoints": {"1": {"device": 24321, "in": clusters}},
        "attributes": {"genBasic": _basic("lumi.weather", "LUMI", 3)},
    }


def _basic(model: str, maker: str, power_source: int) -> dict[str, Any]:
    return {"zclVersion": 3, "modelId": model, "manufacturerName": maker, "powerSource": power_source}


class Zigbee2MqttProgram:
    """With a folder of its own, which outlives it. It ends with the process that started it, whose pipe it reads."""

    def __init__(self, folder: Path, mqtt_port: int, names: Mapping[str, str]) -> None:
        """`names` by address: as if people had given them before the devices joined."""
        self.folder = folder
        self.output = folder / "output.log"
        self._process: subprocess.Popen[str] | None = None
        configuration = {
            "version": 5,
            "mqtt": {"server": f"mqtt://127.0.0.1:{mqtt_port}", "base_topic": "zigbee2mqtt"},
            "serial": {"port": "/dev/null", "adapter": "zstack"},
            # As people with Home Assistant have it: the same devices are announced twice.
            "homeassistant": {"enabled": True},
            "frontend": {"enabled": False},
            "availability": {"enabled": True},
            "health": {"interval": 1},
            "devices": {ieee: {"friendly_name": name} for ieee, name in names.items()},
            "advanced": {
                "log_level": "info",
                "log_output": ["console"],
                "network_key": list(range(16)),
                "pan_id": 0x1A62,
                "ext_pan_id": [0xDD] * 8,
            },
        }
        # JSON is YAML, too.
        (folder / "configuration.yaml").write_text(json.dumps(configuration))

    def start(self) -> "Zigbee2MqttProgram":
        modules = npm_ci(HERE)
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                [NODE, "-r", HERE / "radio.cjs", modules / "zigbee2mqtt" / "index.js"],
                # Inside a git repository it would take that for its own, and build itself anew.
                cwd=self.folder,
                env=os.environ | {"ZIGBEE2MQTT_DATA": str(self.folder), "Z2M_ONBOARD_NO_SERVER": "1"},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )
        return self

    def stop(self) -> None:
        """In peace: it says farewell."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(STOP_WITHIN_S)
        self._close()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_WITHIN_S)
            self._close()

    def join(self, *devices: dict[str, Any]) -> None:
        """They have been reset beside it. Who is taken in is the program's business (`permit_join`)."""
        for device in devices:
            self._say({"do": "join", "device": device})

    def radio(self, deed: str, ieee: str, **more: Any) -> None:
        """leave, silence, wake, refuse, report: see radio.cjs."""
        self._say({"do": deed, "ieee": ieee, **more})

    def device(self, ieee: str) -> dict[str, Any]:
        """How the device itself is, whatever anybody says of it."""
        kept = json.loads((self.folder / "radio.json").read_text())
        found: dict[str, Any] = next(device for device in kept if device["ieee"] == ieee)
        return found

    def log(self) -> str:
        return self.output.read_text(errors="replace")[-8_000:] if self.output.exists() else ""

    def _say(self, body: dict[str, Any]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(body) + "\n")
        self._process.stdin.flush()

    def _close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process = None
