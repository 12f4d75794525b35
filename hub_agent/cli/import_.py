"""nexa-hub import"""

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub_agent.cli.link import Json, Link, as_json_option, print_json

if TYPE_CHECKING:
    from hub_agent.importing.verdict import Judged, Report

EXIT_SOME_CANNOT = 1
EXIT_UNREADABLE = 2
# The API takes 256 kB at once.
BATCH_BYTES_MAX = 200_000
BATCH_MAX = 200
UNREADABLE_SHOWN_MAX = 20

_WORDS = {"runs": "runs", "differs": "differs", "cannot": "CANNOT"}


@click.group(name="import")
def command() -> None:
    """Bring automations, scripts and scenes from elsewhere."""


@command.command(name="homeassistant")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--report", "is_report", is_flag=True, help="Only say what would run; import nothing. Needs no running agent."
)
@as_json_option
@click.pass_obj
def homeassistant(socket: str | None, path: Path, is_report: bool, as_json: bool) -> int:
    """Bring the rules of Home Assistant: PATH is its configuration folder, or one file of it.

    Says for each automation, script and scene whether it runs here as it is, differs, or cannot run, and why and where;
    then imports what can run. Importing again renews what was imported before.

    Exit codes: 0 everything runs (differing or not), 1 something cannot run or could not be read, 2 there is nothing to import in PATH.
    """
    from hub_agent.errors import FileNotUnderstood
    from hub_agent.importing.judging import judge_path

    try:
        report = judge_path(path)
    except FileNotUnderstood as err:
        click.echo(f"nexa-hub: {err.file}: {err.text}", err=True)
        return EXIT_UNREADABLE
    imported = [] if is_report else _import(Link(socket), report)
    if as_json:
        print_json(report.as_json())
    else:
        _print(report)
        if not is_report:
            _print_imported(imported)
    if not report.all:
        click.echo(f"nexa-hub: {path} holds no automations, scripts or scenes", err=True)
        return EXIT_UNREADABLE
    cannot = report.problems or any(each.verdict == "cannot" for each in report.all)
    return EXIT_SOME_CANNOT if cannot else 0


def _import(link: Link, report: "Report") -> list[Json]:
    """Scripts and scenes first: automations call them."""
    found: list[Json] = []
    for batch in _batches([*report.scripts, *report.scenes, *report.automations]):
        found += link.post("definitions/import", {"definitions": batch})["imported"]
    return found


def _batches(judged: "list[Judged]") -> Iterator[list[Json]]:
    batch: list[Json] = []
    size = 0
    for each in judged:
        if each.verdict == "cannot" or each.fields is None:
            continue
        kind = "scene" if each.kind == "scene" else "automation"
        definition = {"kind": kind, "key": each.key, "fields": each.fields}
        length = len(json.dumps(definition))
        if batch and (size + length > BATCH_BYTES_MAX or len(batch) >= BATCH_MAX):
            yield batch
            batch, size = [], 0
        batch.append(definition)
        size += length
    if batch:
        yield batch


def _print(report: "Report") -> None:
    rows = sorted(report.all, key=lambda each: (each.file, each.line, each.alias))
    for file, judged in groupby(rows, key=lambda each: each.file):
        click.echo(file)
        for each in judged:
            kind = "" if each.kind == "automation" else f"{each.kind} "
            click.echo(f"  {_WORDS[each.verdict]:8}{kind}{each.alias} (line {each.line})")
            for reason in each.reasons:
                where = f"line {reason.line}" if reason.file == each.file else f"{reason.file}, line {reason.line}"
                click.echo(f"          {where}: {reason.text}")
    if report.problems:
        click.echo("Not read")
        for problem in report.problems[:UNREADABLE_SHOWN_MAX]:
            click.echo(f"  {problem.file}, line {problem.line}: {problem.text}")
        if len(report.problems) > UNREADABLE_SHOWN_MAX:
            click.echo(f"  and {len(report.problems) - UNREADABLE_SHOWN_MAX} more (--json lists them)")
    if report.helpers:
        click.echo(f"Helpers in these files: {', '.join(report.helpers)}")
    for name, judged_of_kind in (
        ("automations", report.automations),
        ("scripts", report.scripts),
        ("scenes", report.scenes),
    ):
        if judged_of_kind:
            counts = [sum(each.verdict == verdict for each in judged_of_kind) for verdict in _WORDS]
            click.echo(
                f"{len(judged_of_kind)} {name}: {counts[0]} run, {counts[1]} run with a difference, {counts[2]} cannot"
            )


def _print_imported(imported: list[Json]) -> None:
    outcomes = [each["outcome"] for each in imported]
    click.echo(
        f"Imported {len(imported)}: {outcomes.count('new')} new, {outcomes.count('changed')} changed, "
        f"{outcomes.count('same')} as they were"
    )
