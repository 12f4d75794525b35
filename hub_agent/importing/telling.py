"""The report for people: rule by rule what is said of it, then what can be done, then how many."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from hub_agent.importing.verdict import VERDICTS, Judged, Reason, Report

UNREADABLE_SHOWN_MAX: Final = 20
NAMES_SHOWN_MAX: Final = 12
_WORDS: Final = {"runs": "runs", "differs": "differs", "cannot": "CANNOT"}
# What a person can do about it, by the reason's code; "{}" is where the things are named.
_ADVICE: Final = {
    "secret_missing": "put secrets.yaml beside the files and import again: until then these rules are switched off",
    "registry_missing": "take Home Assistant's folder .storage along and import again: until then these rules are switched off",
    "macros_missing": "take Home Assistant's folder custom_templates along and import again: until then these rules are switched off",
    "blueprint": "put the blueprint's file where the reason says, and import again",
    "to_be_allowed": "allow it in the hub's configuration (where commands are meant, a draft of the settings stands below)",
    "event_elsewhere": "write a rule that fires the event, say at a message of MQTT or a webhook: then these rules run as they are",
    "entity_kind": "nothing, if you wait for a device of the kind; or take these parts out, or replace them",
    "clock_sensor": "ask the clock, now(), instead of a sensor that says the time",
    "action_unknown": "this hub has no such actions: replace them, by mqtt.publish or a rest_command for instance",
    "action_aside": "this hub has no such actions: it says or shows nothing there; a notice (notify.notify) may do",
    "device_unknown": "name the entity instead of the device",
    "trigger_unknown": "replace the trigger by one that this hub knows",
    "notice_plain": "let the words stand in title and message; an answer can come by a webhook",
    "template": "write the template without what the reason names",
    "not_understood": "mend what the reason names; Home Assistant may refuse it too",
}


def lines_of(report: Report) -> Iterator[str]:
    yield from _rules(sorted([*report.all, *_doubtful(report.helpers)], key=lambda each: (each.file, each.line)))
    if report.problems:
        yield "Not read"
        for problem in report.problems[:UNREADABLE_SHOWN_MAX]:
            yield f"  {problem.file}, line {problem.line}: {problem.text}"
        if len(report.problems) > UNREADABLE_SHOWN_MAX:
            yield f"  and {len(report.problems) - UNREADABLE_SHOWN_MAX} more (--json lists them)"
    yield from _advice(report)
    yield from _counts(report)


def _doubtful(helpers: Sequence[Judged]) -> list[Judged]:
    return [each for each in helpers if each.verdict != "runs"]


def _rules(rows: Sequence[Judged]) -> Iterator[str]:
    for file, judged in groupby(rows, key=lambda each: each.file):
        yield file
        for each in judged:
            kind = "" if each.kind == "automation" else f"{each.kind} "
            yield f"  {_WORDS[each.verdict]:8}{kind}{each.alias} (line {each.line})"
            yield from (f"          {line}" for line in _reasons(each))


def _reasons(judged: Judged) -> Iterator[str]:
    absent: list[str] = []
    for reason in judged.reasons:
        if reason.code == "not_found_here":
            absent.append(reason.text.removesuffix(" is not among the files"))
        else:
            note = "note: " if reason.severity == "note" else ""
            yield f"{_where(reason, judged)}: {note}{reason.text}"
    if absent:
        yield f"note: not among these files: {_listed(absent)}"


def _where(reason: Reason, judged: Judged) -> str:
    return f"line {reason.line}" if reason.file == judged.file else f"{reason.file}, line {reason.line}"


def _advice(report: Report) -> Iterator[str]:
    """By how many rules it would help."""
    rules_by_code = {
        code: [each for each in report.all if any(one.code == code and one.severity != "note" for one in each.reasons)]
        for code in _ADVICE
    }
    codes = sorted((code for code in _ADVICE if rules_by_code[code]), key=lambda code: -len(rules_by_code[code]))
    if codes:
        yield "What can be done"
    for code in codes:
        count = len(rules_by_code[code])
        yield f"  {count} {'rule' if count == 1 else 'rules'}: {_ADVICE[code]}"
    if report.commands:
        yield "Settings for nexa-hub.toml, if rules shall do this; look at each before you paste it"
        yield from (f"  {line}" for line in report.commands.splitlines())


def _counts(report: Report) -> Iterator[str]:
    kinds = {"automations": report.automations, "scripts": report.scripts, "scenes": report.scenes}
    for name, judged in kinds.items():
        if judged:
            counts = [sum(each.verdict == verdict for each in judged) for verdict in VERDICTS]
            yield f"{len(judged)} {name}: {counts[0]} run, {counts[1]} run with a difference, {counts[2]} cannot"
    if report.helpers or report.zones:
        doubtful = len([each for each in report.helpers if each.verdict == "cannot"])
        yield f"{len(report.helpers)} self-made devices ({doubtful} cannot), {len(report.zones)} zones"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMES_SHOWN_MAX
    return ", ".join(names[:NAMES_SHOWN_MAX]) + (f" and {more} more" if more > 0 else "")
