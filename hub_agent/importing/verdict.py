"""What the importer says of a rule, and all of it together."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from hub_agent.importing.folder import Problem
from hub_agent.model.json import JsonObject, JsonValue

Verdict = Literal["runs", "differs", "cannot"]
# Of a reason: worth knowing, a difference, or more than the rule can go without.
Severity = Literal["note", "differs", "cannot"]
VERDICTS: Final[tuple[Verdict, ...]] = ("runs", "differs", "cannot")


@dataclass(frozen=True, slots=True)
class Reason:
    """`path` leads to it within the rule."""

    code: str
    text: str
    file: str
    line: int
    path: str
    severity: Severity = "differs"

    @property
    def is_fatal(self) -> bool:
        return self.severity == "cannot"

    def as_json(self) -> JsonObject:
        place: JsonObject = {"file": self.file, "line": self.line, "path": self.path}
        return {"code": self.code, "severity": self.severity, "text": self.text, **place}


@dataclass(frozen=True, slots=True)
class Judged:
    """`key` names it in the home for ever, so that it can be imported again; `fields` is its row, None where it cannot run."""

    kind: str
    key: str
    alias: str
    file: str
    line: int
    reasons: tuple[Reason, ...]
    fields: JsonObject | None
    # `key` is an id that somebody gave it, not its name or place.
    has_own_id: bool = False

    @property
    def verdict(self) -> Verdict:
        if self.fields is None or any(reason.is_fatal for reason in self.reasons):
            return "cannot"
        return "differs" if any(reason.severity == "differs" for reason in self.reasons) else "runs"

    def as_json(self) -> JsonObject:
        return {
            "file": self.file,
            "line": self.line,
            "alias": self.alias,
            "verdict": self.verdict,
            "reasons": [reason.as_json() for reason in self.reasons],
        }


@dataclass(slots=True)
class Report:
    automations: Sequence[Judged]
    scripts: Sequence[Judged]
    scenes: Sequence[Judged]
    # Self-made devices; zones as the home's row holds them.
    helpers: Sequence[Judged] = ()
    zones: Sequence[JsonValue] = ()
    # Settings of the hub, for what rules start or ask of the web.
    commands: str = ""
    problems: Sequence[Problem] = ()
    files_read: int = 0
    all: list[Judged] = field(init=False)

    def __post_init__(self) -> None:
        self.all = [*self.automations, *self.scripts, *self.scenes]

    def as_json(self) -> JsonObject:
        return {
            "automations": [each.as_json() for each in self.automations],
            "scenes": [each.as_json() for each in self.scenes],
            "scripts": [each.as_json() for each in self.scripts],
            "totals": self.totals(),
        }

    def totals(self) -> JsonObject:
        kinds = {"automations": self.automations, "scenes": self.scenes, "scripts": self.scripts}
        counted: dict[str, JsonValue] = {}
        for name, judged in kinds.items():
            count = Counter(each.verdict for each in judged)
            counted[name] = {"total": len(judged), **{verdict: count[verdict] for verdict in VERDICTS}}
        unreadable: JsonValue = [{"file": each.file, "line": each.line, "text": each.text} for each in self.problems]
        count = Counter(each.verdict for each in self.helpers)
        counted["helpers"] = {"total": len(self.helpers), **{verdict: count[verdict] for verdict in VERDICTS}}
        return {**counted, "zones": len(self.zones), "files": self.files_read, "unreadable": unreadable}
