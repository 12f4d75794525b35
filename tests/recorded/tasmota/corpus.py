"""Real payloads of devices, in an order in which the driver understands them."""

import json
from pathlib import Path
from typing import Any

from hub_agent.model.report import MqttMessage

DATA = Path(__file__).parents[1] / "data" / "tasmota"
MESSAGES: list[dict[str, str]] = [
    json.loads(line) for line in (DATA / "ha_tests_messages.jsonl").read_text().splitlines()
]
_ALL: dict[str, Any] = {
    "rl": [1, 2, 3, 3, 0], "lt_st": 5, "swc": [1, 8, 0, 5], "btn": [1, 1, 1, 0], "if": 0, "sho": [0], "sht": [[-90, 90, 24]],
}  # fmt: skip


def corpus() -> list[MqttMessage]:
    found: dict[str, Any] = json.loads((DATA / "ha_tests_discovery.json").read_text())
    base: dict[str, Any] = found["config"][0]["payload"]
    blocks: dict[str, Any] = {}
    for each in found["sensors"]:
        blocks |= each["payload"]["sn"]
    status = [json.loads(path.read_text()) for path in sorted((DATA / "gladys").iterdir())]
    for each in status:
        blocks |= each.get("STATUS8", {}).get("StatusSNS", {})
    announced = [
        _message("tasmota/discovery/00000049A3BC/config", {**base, **_ALL, "so": {**base["so"], "73": 1, "114": 1}}),
        _message("tasmota/discovery/00000049A3BC/sensors", {"sn": blocks, "ver": 1}),
    ]
    said = [
        MqttMessage(each["topic"], each["payload"].encode())
        for each in MESSAGES
        if each["topic"].startswith("tasmota_49A3BC/")
    ]
    asked = [_message(f"tasmota_49A3BC/stat/{name}", body) for each in status for name, body in each.items()]
    return [*announced, *said, *asked]


def _message(topic: str, body: Any) -> MqttMessage:
    return MqttMessage(topic, json.dumps(body).encode())
