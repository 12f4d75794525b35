"""The operator's commands after installation: verify, maintain, seed, reference. Each reads its database from DSN,
NEXA_CLOUD_DSN or --dsn-file, in this order, and never prints it.
"""

import functools
import json
import signal
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from cloud_schema.apply import ApplyError


def with_database(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the argument DSN and the option --dsn-file, and hands it `dsn`."""

    @click.argument("dsn", envvar="NEXA_CLOUD_DSN", required=False)
    @click.option(
        "--dsn-file",
        type=click.Path(dir_okay=False, path_type=Path),
        help="File that holds the connection string; or NEXA_CLOUD_DSN. A list of processes shows neither.",
    )
    @functools.wraps(command)
    def run(dsn: str | None, dsn_file: Path | None, **options: Any) -> Any:
        if dsn is None and dsn_file is not None:
            try:
                dsn = dsn_file.read_text(encoding="utf-8").strip()
            except OSError as err:
                raise ApplyError(f"{dsn_file} cannot be read: {err.strerror}.") from err
        if not dsn:
            raise ApplyError("No database given. Name it as DSN, set NEXA_CLOUD_DSN, or use --dsn-file.")
        return command(dsn=dsn, **options)

    return run


as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")


@click.command("verify")
@with_database
@click.option("--all", "names_deliberate", is_flag=True, help="Name what differs on purpose as well.")
@as_json_option
@click.pass_context
def verify_command(context: click.Context, *, dsn: str, names_deliberate: bool, as_json: bool) -> None:
    """Compare the database DSN with the contract, both ways.

    Lists what is missing, wrong, unknown or unsafe (exit code 1), what the server's engine cannot do, and what differs
    on purpose. Changes nothing.
    """
    from cloud_schema.verify import report, verify

    verdict = verify(dsn)
    if as_json:
        click.echo(json.dumps(verdict.as_json(), indent=2))
    else:
        for line in report(verdict, names_deliberate=names_deliberate):
            click.echo(line)
    context.exit(0 if verdict.is_true else 1)


@click.command("maintain")
@with_database
@click.option("--task", "tasks", multiple=True, metavar="NAME", help="Only this one; may be given several times.")
@click.option("--now", is_flag=True, help="Do it whether it is due or not.")
@as_json_option
@click.pass_context
def maintain_command(context: click.Context, *, dsn: str, tasks: tuple[str, ...], now: bool, as_json: bool) -> None:
    """Do what is due of the maintenance schedule of the database DSN.

    Made for a timer that runs it every 15 minutes, as the schema's owner. What TimescaleDB's own jobs do is left to them. One
    at a time; may be interrupted. Exit code 1 if a task failed.
    """
    from cloud_schema.maintain import maintain

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        outcomes = maintain(dsn, tasks, now=now, say=_to_stderr if as_json else click.echo)
    except KeyboardInterrupt:
        raise ApplyError("Interrupted. What was done stays done; the next run goes on.") from None
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if as_json:
        click.echo(json.dumps({"ok": not failed, "tasks": [asdict(one) for one in outcomes]}, indent=2, default=str))
    elif all(outcome.status == "not due" for outcome in outcomes):
        click.echo("Nothing is due.")
    context.exit(1 if failed else 0)


@click.command("seed")
@with_database
@click.option("--demo-home", is_flag=True, help="Besides, a home with people, devices and thirty days of life.")
@click.option("--remove-demo-home", is_flag=True, help="Take the demonstration home and its people away; nothing else.")
@as_json_option
def seed_command(*, dsn: str, demo_home: bool, remove_demo_home: bool, as_json: bool) -> None:
    """Put the catalogue into the database DSN: ecosystems, brands, models, remedies, templates, plans.

    May run any number of times; what an operator has changed stays changed.
    """
    from cloud_schema import seeding

    if demo_home and remove_demo_home:
        raise click.UsageError("--demo-home and --remove-demo-home contradict each other.")
    say = _to_stderr if as_json else click.echo
    if remove_demo_home:
        removed = seeding.remove_demo_home(dsn, say)
        if as_json:
            click.echo(json.dumps({"removed": removed}))
        return
    rows = seeding.seed_catalogue(dsn, say)
    made = seeding.seed_demo_home(dsn, say) if demo_home else None
    if as_json:
        click.echo(json.dumps({"new_rows": rows, "demo_home": asdict(made) if made else None}, indent=2))
    elif made:
        click.echo(
            f"Demonstration home {made.home_id}. Its people have no passwords; log them in through your platform,"
        )
        click.echo('or ask as one: SET ROLE authenticated; SET request.jwt.claims = \'{"sub": "<id>"}\'.')
        for person in made.people:
            click.echo(f"  {person.user_id}  {person.email:<28}  {person.role}")


@click.command("reference")
@with_database
@click.option(
    "--to",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; by default REFERENCE.md of the program.",
)
@as_json_option
def reference_command(*, dsn: str, target: Path | None, as_json: bool) -> None:
    """Write the reference of tables, columns, policies and functions from the catalogue of the database DSN."""
    from cloud_schema.reference import REFERENCE, write_reference

    target = target or REFERENCE
    write_reference(dsn, target)
    lines = len(target.read_text(encoding="utf-8").splitlines())
    click.echo(json.dumps({"file": str(target), "lines": lines}) if as_json else f"{target}: {lines} lines.")


def _to_stderr(line: str) -> None:
    click.echo(line, err=True)


COMMANDS = (verify_command, maintain_command, seed_command, reference_command)
