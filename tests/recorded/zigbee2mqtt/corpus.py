"""What real bridges said: a home of 35 devices (1.40 to 2.x), and what 2.14.1 says beside lists and states."""

import json
from collections.abc import Iterator

from hub_agent.model.report import MqttMessage
from tests.recorded.zigbee2mqtt import wire

BASE = "zigbee2mqtt"

# As the program said it in the tests against it (tests/system/dialects/test_zigbee2mqtt.py).
OF_2_14 = (
    ("bridge/event", '{"data":{"friendly_name":"0x000b57fffec6a5b2","ieee_address":"0x000b57fffec6a5b2"},"type":"device_joined"}'),
    ("bridge/event", '{"data":{"friendly_name":"Lamp","ieee_address":"0x000b57fffec6a5b2","status":"failed"},"type":"device_interview"}'),
    ("bridge/response/permit_join", '{"data":{"time":60},"status":"ok"}'),
    ("bridge/response/device/options", '{"data":{},"error":"Device \'x\' does not exist","status":"error","transaction":"nexa option_transition 0x01"}'),
    ("bridge/response/health_check", '{"data":{"healthy":true},"status":"ok"}'),
    ("bridge/health", ('{"response_time":1763856254000,"os":{"load_average":[0.5,0.4,0.3],"memory_used_mb":3050.1,"memory_percent":38.5},'
     '"process":{"uptime_sec":61,"memory_used_mb":152.7,"memory_percent":1.9},"mqtt":{"connected":true,"queued":0,"published":40,"received":9},'
     '"devices":{"0x000b57fffec6a5b2":{"messages":5,"messages_per_sec":0.1,"leave_count":0,"network_address_changes":0}}}')),
    ("bridge/logging", '{"level":"info","message":"z2m:mqtt: MQTT publish: topic \'zigbee2mqtt/Lamp\', payload \'{\\"state\\":\\"ON\\"}\'"}'),
    ("bridge/logging", ('{"level":"error","message":"z2m: Publish \'set\' \'state\' to \'Climate sensor\' failed: \'Error: ZCL command 0x000b57fffec6a5b2/1 '
     'genOnOff.on({}, {\\"timeout\\":10000}) failed (Delivery failed for \'4660\'.)\'"}')),
    ("bridge/extensions", "[]"),
    ("bridge/converters", "[]"),
    ("bridge/groups", ('[{"description":null,"friendly_name":"nexa_5cee0000","id":19968,"members":[{"endpoint":1,"ieee_address":"0x000b57fffec6a5b2"}],'
     '"scenes":[{"id":1,"name":"Evening 0a1b2c"}]}]')),
    ("0x000b57fffec6a5b2", ('{"brightness":100,"color_options":null,"effect":null,"identify":null,"linkquality":null,"power_on_behavior":null,"state":"ON",'
     '"update":{"installed_version":-1,"latest_version":-1,"state":null}}')),
    ("bridge/state", '{"state":"offline"}'),
)  # fmt: skip


def home() -> Iterator[MqttMessage]:
    """The lists first: so every message is understood as it comes."""
    folder = wire.DATA / "luligu_home"
    for name in ("info", "devices", "groups"):
        yield MqttMessage(f"{BASE}/bridge/{name}", (folder / f"bridge_{name}.json").read_bytes(), retained=True)
    for line in (folder / "payloads.jsonl").read_text().splitlines():
        said = json.loads(line)
        service = f"/{said['service']}" if said.get("service") else ""
        yield MqttMessage(f"{BASE}/{said['entity']}{service}", said["payload"].encode())


def corpus() -> list[MqttMessage]:
    return [*home(), *(MqttMessage(f"{BASE}/{topic}", payload.encode()) for topic, payload in OF_2_14)]
