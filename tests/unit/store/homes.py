"""A little home for the mirror's tests: moments, rows, a device, and a mirror in a folder."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hub_agent.model.device import Alias, Capability, Device, DeviceType, Entity, Origin, ProtocolType
from hub_agent.model.effects import AppendRecord, Durability
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.ports import Moment
from hub_agent.store.retention import DiskSpace
from hub_agent.store.store import Mirror

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLENTY = DiskSpace(90 << 30, 100 << 30)


def at(seconds: float = 0, *, boot: str = "boot-1", trusted: bool = True) -> Moment:
    return Moment(NOON + timedelta(seconds=seconds), 1000 + seconds, boot, trusted)


def counted_ids():
    count = 0

    def new_id() -> str:
        nonlocal count
        count += 1
        return f"00000000-0000-4000-8000-{count:012d}"

    return new_id


def mirror_in(folder: Path, **options) -> Mirror:
    return Mirror(
        folder / "mirror.db", **{"inline": True, "new_id": counted_ids(), "disk_space": lambda: PLENTY, **options}
    )


def light(
    state: str, seconds: float = 0, *, device: str = "lamp", durability=Durability.LAZY, **attributes
) -> AppendRecord:
    entity_id = f"light.{device}"
    row = {
        "device_id": device,
        "entities": {
            entity_id: {"state": state, "attributes": attributes, "changed_at": NOON + timedelta(seconds=seconds)}
        },
        "changed_fields": [f"{entity_id}.state"],
        "change_source": "manual",
        "created_at": NOON + timedelta(seconds=seconds),
    }
    return AppendRecord("device_states", row, durability)


def temperature(value: float, seconds: float = 0, *, device: str = "lamp", text: str | None = None) -> AppendRecord:
    row: dict[str, object] = {
        "time": NOON + timedelta(seconds=seconds),
        "device_id": device,
        "entity_id": f"sensor.{device}",
        "metric_type": "temperature",
        "value": value,
        "unit": "celsius",
    }
    if text is not None:
        row["state"] = text
    return AppendRecord("device_telemetry", row)


def execution(number: int, seconds: float = 0) -> AppendRecord:
    row = {"id": f"run-{number}", "time": NOON + timedelta(seconds=seconds), "status": "success"}
    return AppendRecord("automation_executions", row, Durability.FSYNC)


def lamp_device(**changes: object) -> Device:
    capabilities: Mapping[str, Capability] = {"brightness": Capability("int", "rw", "%", 0, 100, options=("a", "b"))}
    entity = Entity(
        EntityId("light.lamp"), DeviceId("lamp"), "state", "light", None, None, None, None, None, capabilities, {"x": [1]}
    )  # fmt: skip
    fields: dict[str, object] = {
        "id": DeviceId("lamp"),
        "origin": Origin("zigbee2mqtt", "0x01"),
        "aliases": (Alias("zigbee_ieee", "0x01"), Alias("mac", "aa:bb")),
        "name": "Lamp",
        "named_by_person": False,
        "room_id": None,
        "brand": "Brand",
        "model": "Model",
        "device_type": DeviceType.LIGHT,
        "protocol": ProtocolType.ZIGBEE,
        "via": None,
        "firmware_version": None,
        "power_source": None,
        "native": {"exposes": [{"name": "state"}]},
        "entities": (entity,),
        "settings": {"transition": 1.5},
        "added_at": NOON,
    }
    return Device(**{**fields, **changes})  # type: ignore[arg-type] # the fields above, some replaced


async def drain(mirror: Mirror, stream: str, rows_max: int = 1000) -> list[tuple[int, Mapping[str, object]]]:
    """Everything owed of a stream, acknowledged batch by batch."""
    rows: list[tuple[int, Mapping[str, object]]] = []
    while batch := await mirror.next_batch(stream, rows_max, 10_000_000):
        rows += enumerate(batch.rows, batch.first)
        await mirror.acknowledge({stream: rows[-1][0]}, at())
    return rows
