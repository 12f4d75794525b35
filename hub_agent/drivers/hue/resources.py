"""What a bridge has told: its resources, kept up by its events. Each is JSON with `id`, `type`, and mostly `owner`."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, cast

import orjson

from hub_agent.drivers import given
from hub_agent.model.json import JsonObject, JsonValue

# A bridge has room for 63 devices, 64 rooms and zones and 200 scenes, a Bridge Pro for three times as many.
RESOURCES_MAX: Final = 3_000
RESOURCE_BYTES_MAX: Final = 32 * 1024
EVENTS_MAX: Final = 2_000
ID_CHARS_MAX: Final = 64

DEVICES: Final = frozenset({
    "light", "motion", "camera_motion", "light_level", "temperature", "contact", "tamper", "button", "bell_button", "relative_rotary",
    "device_power", "zigbee_connectivity", "device_software_update",
})  # fmt: skip
GROUPED: Final = frozenset({
    "grouped_light", "grouped_motion", "grouped_light_level", "convenience_area_motion", "security_area_motion",
})  # fmt: skip
GROUPS: Final = frozenset({"room", "zone", "bridge_home"})
SCENES: Final = frozenset({"scene", "smart_scene"})
FOLLOWED: Final = DEVICES | GROUPED | GROUPS | SCENES | {"device", "bridge"}


class Resources:
    """`place` of a resource is where it is seen: the device or group that it belongs to."""

    def __init__(self) -> None:
        self._by_id: dict[str, JsonObject] = {}
        self._ids_by_owner: dict[str, dict[str, None]] = {}

    def __bool__(self) -> bool:
        return bool(self._by_id)

    def get(self, rid: str | None) -> JsonObject:
        return self._by_id.get(rid or "", given.NOTHING)

    def of_kind(self, *kinds: str) -> Iterator[JsonObject]:
        return (each for each in list(self._by_id.values()) if each["type"] in kinds)

    def owned_by(self, rid: str) -> list[JsonObject]:
        return [self._by_id[each] for each in self._ids_by_owner.get(rid, ()) if each in self._by_id]

    def put(self, resource: JsonObject) -> None:
        rid = str(resource["id"])
        if rid not in self._by_id and len(self._by_id) >= RESOURCES_MAX:
            return
        self._by_id[rid] = resource
        owner = owner_of(resource)
        if owner is not None:
            self._ids_by_owner.setdefault(owner, {})[rid] = None

    def update(self, resource: JsonObject) -> JsonObject | None:
        """The whole after the change; None if it is of one that nobody has met."""
        known = self._by_id.get(str(resource["id"]))
        if known is None or known["type"] != resource["type"]:
            return None
        whole = plain(_merged(known, resource))
        if whole is None:
            # News upon news would make it larger than any resource is.
            return None
        self._by_id[str(resource["id"])] = whole
        return whole

    def drop(self, rid: str) -> JsonObject | None:
        gone = self._by_id.pop(rid, None)
        if gone is not None:
            owner = owner_of(gone)
            if owner is not None:
                self._ids_by_owner.get(owner, {}).pop(rid, None)
            self._ids_by_owner.pop(rid, None)
        return gone


def owner_of(resource: JsonObject) -> str | None:
    """A scene belongs to its group."""
    return given.text(resource, "owner", "rid") or given.text(resource, "group", "rid")


def followed(values: JsonValue) -> Iterator[JsonObject]:
    """Those that are read here, as plain JSON of a bearable size."""
    for each in _listed(values)[:RESOURCES_MAX]:
        resource = plain(each)
        if resource is not None and resource["type"] in FOLLOWED:
            yield resource


def plain(body: JsonValue) -> JsonObject | None:
    if not isinstance(body, Mapping):
        return None
    rid, kind = body.get("id"), body.get("type")
    if not isinstance(rid, str) or not isinstance(kind, str) or not 0 < len(rid) <= ID_CHARS_MAX:
        return None
    try:
        written = orjson.dumps(body)
    except (TypeError, ValueError, RecursionError):
        return None
    return cast("JsonObject", orjson.loads(written)) if len(written) <= RESOURCE_BYTES_MAX else None


def references(body: JsonObject, field: str) -> Iterator[tuple[str, str]]:
    """(type, id) of what stands in a list of references."""
    for each in given.listed(body, field):
        kind, rid = given.text(each, "rtype"), given.text(each, "rid")
        if kind is not None and rid is not None:
            yield kind, rid


def first(resources: Iterable[JsonObject], kind: str) -> JsonObject:
    return next((each for each in resources if each["type"] == kind), given.NOTHING)


def _merged(known: JsonObject, news: JsonObject) -> JsonObject:
    """News tell parts: of each feature what they say counts, and the rest stays."""
    whole = dict(known)
    for name, value in news.items():
        before = whole.get(name)
        whole[name] = {**before, **value} if isinstance(before, Mapping) and isinstance(value, Mapping) else value
    return whole


def _listed(values: JsonValue) -> list[JsonValue]:
    return values if isinstance(values, list) else list(values) if isinstance(values, tuple) else []
