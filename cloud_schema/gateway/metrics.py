"""Figures for operators, in Prometheus' text form: https://prometheus.io/docs/instrumenting/exposition_formats/."""

from collections import Counter
from collections.abc import Callable, Mapping

HELP: Mapping[str, tuple[str, str]] = {
    "nexa_gateway_calls_total": ("counter", "Calls answered, by function and HTTP status."),
    "nexa_gateway_refused_total": ("counter", "Calls refused, by the word that the caller was told."),
    "nexa_gateway_call_seconds_total": ("counter", "Time that calls took, without long polls."),
    "nexa_gateway_received_bytes_total": ("counter", "Bodies as sent."),
    "nexa_gateway_unpacked_bytes_total": ("counter", "Bodies unpacked."),
    "nexa_gateway_rows_total": ("counter", "Rows of records in envelopes, by the way they were stored."),
    "nexa_gateway_body_bytes": ("gauge", "Bodies in memory now."),
    "nexa_gateway_waiting_hubs": ("gauge", "Long polls that are held now."),
    "nexa_gateway_database_connections": ("gauge", "Connections to the database, by what they do."),
    "nexa_gateway_database_waiting": ("gauge", "Calls that wait for a connection."),
}
Labels = tuple[tuple[str, str], ...]


class Metrics:
    def __init__(self) -> None:
        self._totals: Counter[tuple[str, Labels]] = Counter()
        self._gauges: list[tuple[str, Labels, Callable[[], float]]] = []

    def add(self, name: str, amount: float = 1, **labels: str) -> None:
        """Labels are words of ours, never a caller's: each one is kept for good."""
        self._totals[name, tuple(labels.items())] += amount  # type: ignore[assignment]  # a Counter of floats

    def watch(self, name: str, gauge: Callable[[], float], **labels: str) -> None:
        self._gauges.append((name, tuple(labels.items()), gauge))

    def render(self) -> str:
        samples = [
            *((*key, amount) for key, amount in self._totals.items()),
            *((name, labels, gauge()) for name, labels, gauge in self._gauges),
        ]
        lines: list[str] = []
        for name, (kind, text) in HELP.items():
            lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
            lines += [f"{name}{_braced(labels)} {value:g}" for sample, labels, value in samples if sample == name]
        return "\n".join([*lines, ""])


def _braced(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels) + "}" if labels else ""
