"""`GET /metrics`: the hub for Prometheus and whoever reads its text format. Written by hand: a client library would keep every
figure a second time, and everything that is told here is counted already.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from fastapi import APIRouter, Response

from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.ports import Door
from hub_agent.web.routes import api_router

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# A figure of core/vitals as it is told there -> (name here, words, by what it is multiplied: base units, parts of one).
_VITALS = {
    "cpu_temperature": ("cpu_temperature_celsius", "Temperature of the processor.", 1.0),
    "load_per_core": ("load_per_core", "Load of the machine in the last minute, per core.", 1.0),
    "loop_lag": ("event_loop_lag_seconds", "The longest that the agent's loop was late in the last minute.", 0.001),
    "memory_available": ("machine_memory_available_ratio", "Part of the machine's memory that is available.", 0.01),
    "swap_used": ("machine_swap_used_bytes", "Swap in use.", 1024.0 * 1024.0),
    "disk_free": ("disk_free_ratio", "Part that is free of the fullest disk the hub writes to.", 0.01),
    "card_worn": ("card_worn_ratio", "Part of the SD card's life that is used, as its controller says.", 0.01),
    "card_written": ("card_written_bytes", "Written to the SD card since the machine started.", 1024.0 * 1024.0),
}

Labels: TypeAlias = Mapping[str, str]
Sample: TypeAlias = tuple[Labels, float]


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with its samples. One without any is left out."""

    name: str
    kind: Literal["counter", "gauge"]
    words: str
    samples: Sequence[Sample]


def metrics(door: Door) -> APIRouter:
    router = api_router("metrics", "")

    @router.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "In text format."}},
    )
    async def metrics() -> Response:
        """How the hub is and what it did since it started, in Prometheus' text format."""
        families = families_of(door.status(), door.figures(), door.issues())
        return Response(as_text(families), headers={"content-type": CONTENT_TYPE})

    return router


def as_text(families: Iterable[Family]) -> str:
    return "".join(line + "\n" for family in families if family.samples for line in _lines(family))


def families_of(status: JsonObject, figures: JsonObject, issues: Iterable[JsonObject]) -> Iterator[Family]:
    """What a part does not tell is left out, never told as 0."""
    yield from _of_agent(_inside(status, "agent"), figures)
    yield from _of_home(_inside(status, "counts"), figures, issues)
    yield from _of_work(_inside(status, "inbox"), figures)
    yield from _of_cloud(_inside(status, "cloud"), _inside(status, "clock").get("now"))
    yield _one(
        "nexa_hub_broker_connected", "Whether the MQTT broker is there.", _inside(status, "broker").get("is_connected")
    )
    yield _one(
        "nexa_hub_clock_trusted", "Whether the clock is known to be right.", _inside(status, "clock").get("is_trusted")
    )
    yield from _of_ways(_inside(_inside(status, "ways"), "ways"))
    yield from _of_machine(_inside(status, "vitals"), figures)


def _of_agent(agent: JsonObject, figures: JsonObject) -> Iterator[Family]:
    info: Sample = ({"version": str(agent.get("version"))}, 1.0)
    yield Family("nexa_hub_build_info", "gauge", "The version that runs.", [info])
    # Under the names that every program uses, so that dashboards for all programs show the hub as well.
    yield _one("process_start_time_seconds", "When the agent started.", _unix(agent.get("started_at")))
    yield _one("process_resident_memory_bytes", "Memory of the agent.", agent.get("memory_bytes"))
    yield _one("process_cpu_seconds_total", "Computing time of the agent.", figures.get("cpu_s"), "counter")


def _of_home(counts: JsonObject, figures: JsonObject, issues: Iterable[JsonObject]) -> Iterator[Family]:
    yield _each("nexa_hub_devices", "Devices.", "availability", _inside(figures, "availability"), "gauge")
    for name in ("entities", "automations", "scenes"):
        yield _one(f"nexa_hub_{name}", f"{name.capitalize()} of the home.", counts.get(name))
    by_labels: dict[tuple[str, str], int] = {}
    for issue in issues:
        labels = str(issue.get("code")), str(issue.get("severity"))
        by_labels[labels] = by_labels.get(labels, 0) + 1
    samples: list[Sample] = [({"code": code, "severity": severity}, n) for (code, severity), n in by_labels.items()]
    yield Family("nexa_hub_issues", "gauge", "What is wrong now; what is not, is not listed.", samples)


def _of_work(inbox: JsonObject, figures: JsonObject) -> Iterator[Family]:
    yield _each(
        "nexa_hub_messages_total", "Messages that a dialect was given.", "dialect", _inside(figures, "messages")
    )
    yield _one(
        "nexa_hub_messages_not_understood", "Messages of late that no dialect understood.", inbox.get("rejected")
    )
    yield _one(
        "nexa_hub_inputs_total", "Everything that the agent was told and worked off.", inbox.get("handled"), "counter"
    )
    yield _one("nexa_hub_inputs_waiting", "What it was told and has not worked off.", inbox.get("waiting"))
    commands = _inside(figures, "commands")
    yield _each("nexa_hub_commands_total", "Commands to devices, by how they ended.", "outcome", commands)
    yield _each("nexa_hub_automation_runs_total", "Ended runs of automations.", "status", _inside(figures, "runs"))
    activations = _inside(figures, "activations")
    yield _each("nexa_hub_scene_activations_total", "Ended activations of scenes.", "status", activations)
    yield _each("nexa_hub_records_total", "Records that were stored.", "stream", _inside(figures, "records"))


def _of_cloud(cloud: JsonObject, now: JsonValue) -> Iterator[Family]:
    if not cloud.get("is_claimed"):
        return
    streams = [each for each in _list(cloud.get("streams")) if isinstance(each, Mapping)]
    waiting: list[Sample] = [
        ({"stream": str(each.get("stream"))}, _float(each.get("waiting")) or 0.0) for each in streams
    ]
    oldest = min(
        (at for each in streams if each.get("waiting") and (at := _unix(each.get("oldest_at"))) is not None),
        default=None,
    )
    at = _unix(now)
    lag = 0.0 if oldest is None or at is None else max(0.0, at - oldest)
    yield _one("nexa_hub_cloud_connected", "Whether the cloud is there.", cloud.get("is_online"))
    yield _one(
        "nexa_hub_cloud_last_contact_timestamp_seconds",
        "When the cloud last answered.",
        _unix(cloud.get("last_contact_at")),
    )
    yield Family("nexa_hub_outbox_records", "gauge", "Records that wait for the cloud.", waiting)
    yield _one(
        "nexa_hub_outbox_definitions", "Changed definitions that wait for the cloud.", cloud.get("definitions_owed")
    )
    yield _one("nexa_hub_sync_lag_seconds", "Age of the oldest record that waits for the cloud.", lag)
    yield _one(
        "nexa_hub_sync_conflicts",
        "What was changed here and there and nobody decided.",
        len(_list(cloud.get("conflicts"))),
    )


def _of_ways(ways: JsonObject) -> Iterator[Family]:
    told = {name: way for name, way in ways.items() if isinstance(way, Mapping)}
    are_open: list[Sample] = [({"way": name}, _float(way.get("is_open")) or 0.0) for name, way in told.items()]
    took: list[Sample] = [
        ({"way": name}, round(milliseconds / 1000, 6))
        for name, way in told.items()
        if (milliseconds := _float(way.get("latency_ms"))) is not None
    ]
    yield Family("nexa_hub_way_open", "gauge", "Whether the router, the internet ... can be reached.", are_open)
    yield Family("nexa_hub_way_latency_seconds", "gauge", "How long they took to answer.", took)


def _of_machine(vitals: JsonObject, figures: JsonObject) -> Iterator[Family]:
    yield _one("nexa_hub_mirror_bytes", "Size of the mirror with its log.", figures.get("mirror_bytes"))
    yield _one(
        "nexa_hub_written_bytes_total", "What the agent wrote to disks.", figures.get("written_bytes"), "counter"
    )
    for figure in _list(vitals.get("figures")):
        known = _VITALS.get(str(figure.get("name"))) if isinstance(figure, Mapping) else None
        value = _float(figure.get("value")) if isinstance(figure, Mapping) else None
        if known is not None and value is not None:
            name, words, times = known
            yield _one(f"nexa_hub_{name}", words, round(value * times, 6))


def _one(name: str, words: str, value: JsonValue, kind: Literal["counter", "gauge"] = "gauge") -> Family:
    known = _float(value)
    return Family(name, kind, words, [] if known is None else [({}, known)])


def _each(
    name: str, words: str, label: str, values: JsonObject, kind: Literal["counter", "gauge"] = "counter"
) -> Family:
    samples = [({label: key}, known) for key, value in values.items() if (known := _float(value)) is not None]
    return Family(name, kind, words, samples)


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.words}"
    yield f"# TYPE {family.name} {family.kind}"
    for labels, value in family.samples:
        shown = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
        yield f"{family.name}{{{shown}}} {_number(value)}" if shown else f"{family.name} {_number(value)}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _unix(instant: JsonValue) -> float | None:
    return round(datetime.fromisoformat(instant).timestamp(), 3) if isinstance(instant, str) else None


def _float(value: JsonValue) -> float | None:
    """Of yes and no 1 and 0."""
    return float(value) if isinstance(value, bool | int | float) else None


def _inside(body: JsonObject, name: str) -> JsonObject:
    inner = body.get(name)
    return inner if isinstance(inner, Mapping) else {}


def _list(value: JsonValue) -> Sequence[JsonValue]:
    return value if isinstance(value, list | tuple) else ()
