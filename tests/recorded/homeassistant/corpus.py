"""Real discovery messages, and what the devices say on the topics that these name, in an order in which the driver understands them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hub_agent.drivers.homeassistant import HomeAssistantDiscovery
from hub_agent.model.report import MqttMessage, Subscribe

DATA = Path(__file__).parents[1] / "data" / "homeassistant"
SOURCES = ("energomera", "gladys_tests", "ha_core_tests", "publishers", "shellies_gen2")
# The topic that such a payload would have come with, where its source does not tell.
KINDS = (
    ("light", ("brightness_command_topic", "color_temp_command_topic", "rgb_command_topic", "schema", "brightness_state_topic")),
    ("cover", ("position_topic", "set_position_topic")),
    ("sensor", ("state_topic", "stat_t")),
    ("switch", ("command_topic", "cmd_t")),
)  # fmt: skip
# What devices say most; each is understood by some of those that listen.
SAID = (
    b"ON",
    b"OFF",
    b"online",
    b"offline",
    b"21.5",
    b'{"state": "ON", "brightness": 128}',
    b'{"temperature": 21.5, "battery": 80}',
    b"",
)


def messages(path: Path) -> Iterator[tuple[str | None, str, bytes, bool]]:
    """Source, topic, payload, retained."""
    for number, line in enumerate(path.read_text().splitlines()):
        row = json.loads(line)
        payload = row["payload"]
        topic = row.get("topic") or f"homeassistant/{_kind(payload)}/line{number}/config"
        raw = payload if isinstance(payload, str) else json.dumps(payload)
        yield row.get("device"), topic, raw.encode(), bool(row.get("retain"))


def _kind(payload: Any) -> str:
    return next(
        (
            kind
            for kind, keys in KINDS
            if kind != "sensor" or "command_topic" not in payload
            if any(key in payload for key in keys)
        ),
        "sensor",
    )


def corpus() -> list[MqttMessage]:
    driver = HomeAssistantDiscovery()
    heard: list[MqttMessage] = []
    topics: set[str] = set()
    for source in SOURCES:
        for _, topic, payload, retained in messages(DATA / f"{source}.jsonl"):
            heard.append(message := MqttMessage(topic, payload, retained))
            topics |= {topic for each in driver.decode(message) if isinstance(each, Subscribe) for topic in each.topics}
    said = [
        MqttMessage(topic, SAID[number % len(SAID)])
        for number, topic in enumerate(sorted(topics))
        if "+" not in topic and "#" not in topic
    ]
    return [*heard, *said]
