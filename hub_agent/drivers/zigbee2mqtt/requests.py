"""What is asked of Zigbee2MQTT besides the states of devices: its requests, each one publication.

https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html
"""

from collections.abc import Iterable

import orjson

from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import Publication


def ask(base: str, request: str, body: JsonObject, transaction: str | None = None) -> Publication:
    """`transaction` comes back with the response."""
    asked: dict[str, JsonValue] = dict(body)
    if transaction is not None:
        asked["transaction"] = transaction
    return Publication(f"{base}/bridge/request/{request}", orjson.dumps(asked))


def set_of(topic: str, body: JsonObject) -> Publication:
    return Publication(f"{topic}/set", orjson.dumps(body))


def get_of(topic: str, properties: Iterable[str]) -> Publication:
    return Publication(f"{topic}/get", orjson.dumps(dict.fromkeys(properties, "")))


def rename(base: str, is_group: bool, old: str, new: str) -> Publication:  # noqa: FBT001 -- both are one request
    return ask(base, "group/rename" if is_group else "device/rename", {"from": old, "to": new})


def remove_device(base: str, ieee: str, *, is_forced: bool = False) -> Publication:
    """Asks the device to leave. Forced: it is only struck off the list, for one that is broken or far away."""
    return ask(base, "device/remove", {"id": ieee, "force": is_forced})


def add_group(base: str, name: str, number: int | None = None) -> Publication:
    return ask(base, "group/add", {"friendly_name": name} | ({"id": number} if number is not None else {}))


def remove_group(base: str, number: int) -> Publication:
    """Its members are told to leave it; their scenes of it go with it."""
    return ask(base, "group/remove", {"id": number})


def add_member(base: str, group: int, ieee: str, endpoint: int | str | None = None) -> Publication:
    return ask(base, "group/members/add", _member(group, ieee, endpoint))


def remove_member(base: str, group: int, ieee: str, endpoint: int | str | None = None) -> Publication:
    """It goes on reporting by itself: others may rely on that."""
    return ask(base, "group/members/remove", _member(group, ieee, endpoint) | {"skip_disable_reporting": True})


def _member(group: int, ieee: str, endpoint: int | str | None) -> dict[str, JsonValue]:
    member: dict[str, JsonValue] = {"group": group, "device": ieee}
    return member if endpoint is None else {**member, "endpoint": endpoint}
