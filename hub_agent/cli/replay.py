"""What `nexa-hub automations replay` asks and prints."""

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import click

from hub_agent.cli.link import Json, Link, print_json, print_table
from hub_agent.cli.words import short, trigger_words
from hub_agent.errors import OperatingError

if TYPE_CHECKING:
    from hub_agent.importing.verdict import Judged

EXIT_UNREADABLE = 2
FILE_ENDINGS = (".yaml", ".yml", ".json")
BAR_CHARS = 30
CALLS_SHOWN_MAX = 3


def is_file(rule: str) -> bool:
    return rule.lower().endswith(FILE_ENDINGS)


def replay_known(link: Link, name: str, since: str, until: str | None, *, as_json: bool) -> None:
    asked = urlencode({"since": since, **({"until": until} if until else {})})
    body = followed(link.lines("GET", f"automations/{quote(name, safe='')}/replay?{asked}"))
    if as_json:
        print_json(body)
    else:
        _print(body)


def replay_file(link: Link, file: str, since: str, until: str | None, *, as_json: bool) -> int:
    """Every automation of the file that can run. What cannot is told with its line."""
    from hub_agent.errors import FileNotUnderstood
    from hub_agent.importing.judging import judge_path

    try:
        report = judge_path(Path(file))
    except FileNotUnderstood as err:
        click.echo(f"nexa-hub: {err}", err=True)
        return EXIT_UNREADABLE
    for problem in report.problems:
        click.echo(f"nexa-hub: {problem.file}:{problem.line}: {problem.text}", err=True)
    scripts = [each.fields for each in report.scripts if each.verdict != "cannot"]
    answers: list[Json] = []
    for judged in report.automations:
        if not _can_run(judged):
            continue
        asked = {"fields": judged.fields, "scripts": scripts, "since": since, "until": until}
        answers.append(followed(link.lines("POST", "replay", asked)))
        if not as_json:
            _print(answers[-1])
    if as_json:
        print_json(answers[0] if len(report.automations) == 1 and answers else answers)
    if not report.automations and not report.problems:
        click.echo(f"nexa-hub: {file} holds no automation", err=True)
    return 0 if answers else EXIT_UNREADABLE


def _can_run(judged: "Judged") -> bool:
    for reason in judged.reasons:
        if reason.is_fatal or judged.verdict != "runs":
            click.echo(f"nexa-hub: {reason.file}:{reason.line}: {judged.alias}: {reason.text}", err=True)
    return judged.verdict != "cannot"


def followed(lines: Iterator[Json], name: str = "replay") -> Json:
    """The answer that comes under this name, with a bar for the progress until then."""
    is_shown = sys.stderr.isatty()
    try:
        for said in lines:
            if name in said:
                return said[name]
            if is_shown:
                done = round(said["progress"] * BAR_CHARS)
                click.echo(f"\r[{'#' * done:<{BAR_CHARS}}] {said['progress']:4.0%}", err=True, nl=False)
    finally:
        if is_shown:
            click.echo("\r\033[K", err=True, nl=False)
    raise OperatingError("The agent broke off its answer.")


def _print(body: Json) -> None:
    tz = ZoneInfo(body["time_zone"])
    counts = body["counts"]
    click.echo(f"{body['name']}, {_clock(body['since'], tz)} to {_clock(body['until'], tz)}: {_summary(body, counts)}")
    rows = [(_clock(line["at"], tz), _would(line["would"]), _did(line["did"])) for line in body["lines"]]
    if rows:
        print_table(rows, ("TIME", "WOULD", "DID"))
    if body["lines_left_out"]:
        click.echo(f"and {body['lines_left_out']} more")
    for silent in body["not_replayed"]:
        click.echo(f"cannot be replayed: {silent['path']} ({silent['platform']}): {silent['text']}")
    for note in body["notes"]:
        click.echo(f"note: {note}")


def _summary(body: Json, counts: Json) -> str:
    would = "it would have run " + _times(counts["would_run"]) if counts["would_run"] else "it would not have run"
    if counts["would_be_refused"]:
        would += f" and been refused {_times(counts['would_be_refused'])}"
    if body["automation_id"] is None:
        return f"{would}."
    if not counts["did_run"]:
        return f"{would}; it did not run."
    both = f", {counts['both_ran']} of them when it would have" if counts["would_run"] else ""
    return f"{would}; it ran {_times(counts['did_run'])}{both}."


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _would(would: Json) -> str:
    if would is None:
        return "-"
    words = f"{_why(would.get('trigger'))}: "
    if would["status"] in {"conditions_not_met", "dropped", "error"}:
        return words + f"refused, {_refused(would)}"
    calls = [_call(each) for each in would["calls"]]
    shown = "; ".join(calls[:CALLS_SHOWN_MAX]) or "does nothing"
    more = len(calls) - CALLS_SHOWN_MAX + would.get("calls_left_out", 0)
    shown += f" and {more} more" if more > 0 else ""
    return words + shown + ("" if would["status"] == "success" else f" ({would['status']}{_because(would)})")


def _why(trigger: Json) -> str:
    """The trigger in a few words; what the state was before and after where it has one."""
    trigger = trigger or {}
    if trigger.get("entity_id") and "to_state" in trigger:
        return trigger_words(trigger)
    return str(trigger.get("description") or trigger.get("platform") or "by hand")


def _refused(told: Json) -> str:
    if told["status"] == "conditions_not_met":
        for step in told.get("conditions", ()):
            if step.get("result") != "true":
                values = ", ".join(f"{name} = {short(value)}" for name, value in (step.get("values") or {}).items())
                return f"{step['path']} ({step['kind']}) is {step['result']}" + (f": {values}" if values else "")
    return str(told.get("error") or told["status"])


def _because(told: Json) -> str:
    return f": {told['error']}" if told.get("error") else ""


def _call(call: Json) -> str:
    if call["action"] == "event":
        return f"fires {call['data']['event']}"
    return " ".join([call["action"], ", ".join(call["target"])]).strip()


def _did(did: Json) -> str:
    if did is None:
        return "-"
    by_hand = " by hand" if did.get("triggered_by") == "manual" else ""
    return f"{did['status']}{by_hand} (run {did['run_id'][:8]}){_because(did)}"


def _clock(text: str, tz: ZoneInfo) -> str:
    return f"{datetime.fromisoformat(text).astimezone(tz):%Y-%m-%d %H:%M:%S}"
