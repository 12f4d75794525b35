"""Firmware with known faults: `device_models.known_issues` of the catalogue.

`[{"title", "text"?, "versions"?: "<1.4.4" | ">=1.0,<1.4.4" | "1.2.0", "severity"?: "critical" | "high" | "medium" | "low" | "info", "fixed_in"?, "cve"?, "url"?}]`.
Without `versions` it holds for every firmware of the model; a version that cannot be compared matches nothing.
Other keys are left alone, and so are entries that are not about security (`"category"` other than "security").
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from hub_agent.core.security.finding import RANKS, Finding
from hub_agent.model.device import Device
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.security import KnownIssues

TEXT_MAX: Final = 500
ISSUES_OF_A_DEVICE_MAX: Final = 10

_CONDITION: Final = re.compile(r"^(<=|>=|<|>|=)?\s*v?(\d+(?:\.\d+){0,5})$")
_VERSION: Final = re.compile(r"(?<![\w.])v?(\d+(?:\.\d+){0,5})")


def version_of(text: str | None) -> tuple[int, ...] | None:
    """The first number of the form 1.2.3: `20260311-095850/1.7.5-g9979d16` is 1.7.5, `v1.11.0` is 1.11.0."""
    if not text:
        return None
    found: list[str] = _VERSION.findall(text[:100])
    dotted = next((each for each in found if "." in each), found[0] if found else None)
    return _numbers(dotted) if dotted else None


def is_within(version: tuple[int, ...], wanted: str) -> bool:
    """Of a wish that makes no sense nothing is in it."""
    conditions = [_CONDITION.match(each.strip()) for each in wanted.split(",")]
    return bool(conditions) and all(
        each is not None and _holds(version, each[1] or "=", each[2]) for each in conditions
    )


def _holds(version: tuple[int, ...], sign: str, written: str) -> bool:
    other = _numbers(written)
    length = max(len(version), len(other))
    left, right = (each + (0,) * (length - len(each)) for each in (version, other))
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right, "=": left == right}[sign]


def _numbers(written: str) -> tuple[int, ...]:
    return tuple(int(each) for each in written.split("."))


def findings_of(device: Device, firmware: str | None, models: Iterable[KnownIssues]) -> Iterator[Finding]:
    version, count = version_of(firmware), 0
    for model in models:
        if not _is_same(device, model):
            continue
        for issue in model.issues:
            if count < ISSUES_OF_A_DEVICE_MAX and _concerns(issue, version):
                count += 1
                yield _finding(device, firmware, issue)


def _is_same(device: Device, model: KnownIssues) -> bool:
    return _plain(device.brand) == _plain(model.brand) != "" and _plain(device.model) == _plain(model.model) != ""


def _plain(name: str | None) -> str:
    return re.sub(r"[^a-z0-9]", "", (name or "").casefold())


def _concerns(issue: JsonObject, version: tuple[int, ...] | None) -> bool:
    if not _text(issue.get("title")) or issue.get("category") not in {None, "security"}:
        return False
    wanted = issue.get("versions")
    if wanted is None:
        return True
    return isinstance(wanted, str) and version is not None and is_within(version, wanted)


def _finding(device: Device, firmware: str | None, issue: JsonObject) -> Finding:
    title, fixed_in = _text(issue.get("title")), _text(issue.get("fixed_in"))
    rank = issue.get("severity")
    advice = f"Update it to {fixed_in} or newer." if fixed_in else "Update its firmware when there is one without it."
    return Finding(
        kind="known_issue",
        device_id=device.id,
        rank=rank if isinstance(rank, str) and rank in RANKS else "medium",
        type="outdated_firmware",
        title=f"{device.name}: {title}",
        text=f"Its firmware ({firmware or 'of unknown version'}) has a known fault: {_text(issue.get('text')) or title}",
        advice=advice,
        component=_text(issue.get("cve")) or title,
        cve=_text(issue.get("cve")) or None,
        fixed_in=fixed_in or None,
        url=_text(issue.get("url")) or None,
    )


def _text(value: JsonValue) -> str:
    return " ".join(value.split())[:TEXT_MAX] if isinstance(value, str) else ""
