"""`network_metrics`: of the router, of the broker, and of the hub itself (how it reaches what is outside). One row each at a time."""

from collections.abc import Mapping
from datetime import datetime

from hub_agent.model.effects import AppendRecord
from hub_agent.model.ids import DeviceId
from hub_agent.model.json import Column
from hub_agent.model.measured import Way, WayTo

OUTSIDE = (WayTo.INTERNET, WayTo.CLOUD, WayTo.DNS)


def metrics(device_id: DeviceId, ways: Mapping[WayTo, Way], disconnects: int, now: datetime) -> AppendRecord | None:
    """Of the first of these ways that says something; all are in `metadata`. None: none of them was tried."""
    if not ways:
        return None
    timed = next((way for way in ways.values() if way.latency_ms is not None), next(iter(ways.values())))
    row: dict[str, Column] = {
        "time": now,
        "device_id": device_id,
        "latency_ms": None if timed.latency_ms is None else round(timed.latency_ms),
        "packet_loss_percent": timed.loss_percent,
        "is_connected": all(way.is_open for way in ways.values()),
        "disconnect_count": disconnects,
        "metadata": {"ways": {place.value: way.is_open for place, way in ways.items()}},
    }
    return AppendRecord("network_metrics", row)
