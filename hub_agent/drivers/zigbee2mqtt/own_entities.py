"""The entities of the bridge itself: what can be asked of the program, and what it says of its own health."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from hub_agent.drivers.zigbee2mqtt import fields
from hub_agent.model.device import AdvertisedEntity, Capability
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import EntityReport

PERMIT_JOIN_S: Final = 254
LOG_LEVELS: Final = ("error", "warning", "info", "debug")

ENTITIES: Final = (
    AdvertisedEntity(
        key="connection",
        domain="binary_sensor",
        name="Connection state",
        device_class="connectivity",
        category="diagnostic",
        capabilities={"connection": Capability("bool")},
        native={"kind": "connection"},
    ),
    AdvertisedEntity(
        key="permit_join",
        domain="switch",
        name="Permit join",
        category="config",
        capabilities={"on": Capability("bool", "rw")},
        native={
            "kind": "bridge",
            "request": "permit_join",
            # Versions before 2 want `value`, those after it `time` alone.
            "bodies": {"turn_on": {"value": True, "time": PERMIT_JOIN_S}, "turn_off": {"value": False, "time": 0}},
        },
    ),
    AdvertisedEntity(
        key="restart",
        domain="button",
        name="Restart",
        device_class="restart",
        category="config",
        capabilities={"press": Capability("enum", "w", options=("restart",))},
        native={"kind": "bridge", "request": "restart", "bodies": {"press": {}}},
    ),
    AdvertisedEntity(
        key="restart_required",
        domain="binary_sensor",
        name="Restart required",
        device_class="problem",
        category="diagnostic",
        capabilities={"restart_required": Capability("bool")},
        native={"kind": "restart_required"},
    ),
    AdvertisedEntity(
        key="log_level",
        domain="select",
        name="Log level",
        category="config",
        capabilities={"log_level": Capability("enum", "rw", options=LOG_LEVELS)},
        native={"kind": "bridge_option", "path": ["advanced", "log_level"], "options": list(LOG_LEVELS)},
    ),
)


def _sensor(key: str, name: str, unit: str, device_class: str | None) -> AdvertisedEntity:
    return AdvertisedEntity(
        key=key,
        domain="sensor",
        name=name,
        device_class=device_class,
        unit=unit,
        state_class="measurement",
        category="diagnostic",
        capabilities={key: Capability("float", unit=unit)},
        native={"kind": "health"},
    )


# Only since 2.4: `bridge/health`, every ten minutes.
HEALTH_ENTITIES: Final = (
    _sensor("uptime", "Uptime", "s", "duration"),
    _sensor("process_memory", "Memory of the program", "MB", "data_size"),
    _sensor("system_memory", "Memory of the machine", "%", None),
    _sensor("queued_messages", "Messages waiting for the broker", "messages", None),
)
_HEALTH_PATHS: Final = {
    "uptime": ("process", "uptime_sec"),
    "process_memory": ("process", "memory_used_mb"),
    "system_memory": ("os", "memory_percent"),
    "queued_messages": ("mqtt", "queued"),
}


def health_reports(body: JsonObject) -> Iterator[EntityReport]:
    for key, (part, name) in _HEALTH_PATHS.items():
        value = fields.number(fields.mapping(body, part), name)
        if value is not None:
            yield EntityReport(key, repr(value))


def info_reports(info: JsonObject) -> Iterator[EntityReport]:
    """From `bridge/info`."""
    is_open = fields.flag(info, "permit_join")
    ends_at = _instant(fields.number(info, "permit_join_end")) if is_open else None
    yield EntityReport("permit_join", "on" if is_open else "off", {"ends_at": ends_at})
    if "restart_required" in info:
        yield EntityReport("restart_required", "on" if fields.flag(info, "restart_required") else "off")
    level = fields.text(info, "log_level")
    level = "warning" if level == "warn" else level  # before 1.36
    if level in LOG_LEVELS:
        yield EntityReport("log_level", level)


def _instant(milliseconds: float | None) -> JsonValue:
    if milliseconds is None or not 0 < milliseconds < 1e14:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")
