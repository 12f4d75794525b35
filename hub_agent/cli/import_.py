"""nexa-hub import"""

import json
from collections.abc import Iterator
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
ONE_BYTES_MAX = 250_000


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
    """Bring the rules and self-made devices of Home Assistant: PATH is its configuration folder, or one file of it.

    Says for each automation, script and scene whether it runs here as it is, differs, or cannot run, and why and where;
    then imports what can run, with its helpers and zones. Importing again renews what was imported before.

    Exit codes: 0 everything runs (differing or not), 1 something cannot run or could not be read, 2 there is nothing to import in PATH.
    """
    from hub_agent.errors import FileNotUnderstood
    from hub_agent.importing.judging import judge_path
    from hub_agent.importing.telling import lines_of

    try:
        report = judge_path(path)
    except FileNotUnderstood as err:
        click.echo(f"nexa-hub: {err.file}: {err.text}", err=True)
        return EXIT_UNREADABLE
    imported = [] if is_report else _import(Link(socket), report)
    if as_json:
        print_json(report.as_json())
    else:
        for line in lines_of(report):
            click.echo(line)
        if not is_report:
            _print_imported(imported)
    if not report.all:
        click.echo(f"nexa-hub: {path} holds no automations, scripts or scenes", err=True)
        return EXIT_UNREADABLE
    cannot = report.problems or any(each.verdict == "cannot" for each in report.all)
    return EXIT_SOME_CANNOT if cannot else 0


def _import(link: Link, report: "Report") -> list[Json]:
    """Self-made devices, scripts and scenes first: automations call them."""
    found: list[Json] = []
    if report.zones:
        zones = {"kind": "home", "key": "home/zones", "fields": {"zones": list(report.zones)}}
        found += link.post("definitions/import", {"definitions": [zones]})["imported"]
    ordered = [*report.helpers, *report.scripts, *report.scenes, *report.automations]
    for each in ordered:
        if each.fields is not None and _size(each) > ONE_BYTES_MAX:
            click.echo(f"nexa-hub: {each.file}, line {each.line}: {each.alias} is left out: it is too large", err=True)
    for batch in _batches(ordered):
        found += link.post("definitions/import", {"definitions": batch})["imported"]
    return found


def _batches(judged: "list[Judged]") -> Iterator[list[Json]]:
    batch: list[Json] = []
    size = 0
    for each in judged:
        if each.verdict == "cannot" or each.fields is None:
            continue
        kind = "automation" if each.kind == "script" else each.kind
        length = _size(each)
        if length > ONE_BYTES_MAX:
            continue
        if batch and (size + length > BATCH_BYTES_MAX or len(batch) >= BATCH_MAX):
            yield batch
            batch, size = [], 0
        batch.append({"kind": kind, "key": each.key, "fields": each.fields})
        size += length
    if batch:
        yield batch


def _size(judged: "Judged") -> int:
    return len(json.dumps(judged.fields)) + len(judged.key)


def _print_imported(imported: list[Json]) -> None:
    outcomes = [each["outcome"] for each in imported]
    click.echo(
        f"Imported {len(imported)}: {outcomes.count('new')} new, {outcomes.count('changed')} changed, "
        f"{outcomes.count('same')} as they were"
    )
