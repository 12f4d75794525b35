"""nexa-hub simulate"""

import gc
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click
import orjson

if TYPE_CHECKING:
    from hub_agent.core.scenario import Verdict

EXIT_FAILED = 1
EXIT_UNREADABLE = 2

# From so many steps on a person at a terminal is told how far it is.
LONG = 50_000

# So many more objects are made before the young ones are looked through for garbage, as in the agent.
GARBAGE_AFTER = 5_000

Tell: TypeAlias = Callable[[int, datetime], None]


@click.command(name="simulate")
@click.argument("files", nargs=-1, required=True, type=click.Path(allow_dash=True, path_type=Path), metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each scenario.")
@click.option(
    "--only", metavar="NAME", multiple=True, help="Only the scenario of this name; may be given several times."
)
def command(files: tuple[Path, ...], as_json: bool, only: tuple[str, ...]) -> None:
    """Run scenarios of automations under virtual time, through the same core that runs a home.

    FILE holds scenarios as JSON, or a single one ("-" reads standard input). Exit codes: 0 all pass, 1 one fails, 2 a file cannot be read.
    """
    from hub_agent.core.scenario import NotAScenario, Verdict, run_scenario, scenarios_in

    show: Callable[[Verdict], None] = _print_json if as_json else _print
    passed = failed = unreadable = 0
    for file in files:
        try:
            scenarios = scenarios_in(_read(file))
        except (NotAScenario, _Unreadable) as err:
            click.echo(f"nexa-hub: {file}: {err}", err=True)
            unreadable += 1
            continue
        for scenario, area in scenarios:
            if only and scenario.get("name") not in only:
                continue
            try:
                with _telling(scenario) as tell:
                    verdict = run_scenario(scenario, area, tell)
            except NotAScenario as err:
                click.echo(f"nexa-hub: {file}: {err}", err=True)
                unreadable += 1
                if as_json:  # whoever reads by machine finds a line for each
                    show(Verdict(str(scenario.get("name", "scenario")), area, error=str(err)))
                continue
            except Exception as err:  # noqa: BLE001 - one that breaks the engine does not take the others with it
                verdict = Verdict(str(scenario.get("name", "scenario")), area, error=f"the engine broke: {err!r}")
            show(verdict)
            passed, failed = passed + verdict.passed, failed + (not verdict.passed)
    if only and not passed + failed and not unreadable:
        click.echo(f"nexa-hub: no scenario is called {', '.join(only)}", err=True)
        unreadable += 1
    if not as_json:
        click.echo(f"{passed} passed, {failed} failed" + (f", {unreadable} not read" if unreadable else ""))
    sys.exit(EXIT_UNREADABLE if unreadable else EXIT_FAILED if failed else 0)


class _Unreadable(Exception):
    pass


def _read(file: Path) -> Any:
    from hub_agent.core.scenario import read_document

    # A year of steps is millions of objects, none of which is garbage: nobody need look through them again and again.
    gc.disable()
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return read_document(content.removeprefix(b"\xef\xbb\xbf"))
    except OSError as err:
        raise _Unreadable(f"cannot be read: {err.strerror}") from err
    except orjson.JSONDecodeError as err:
        raise _Unreadable(f"is not JSON: {err.msg} in line {err.lineno}, column {err.colno}") from err
    finally:
        gc.freeze()
        gc.set_threshold(GARBAGE_AFTER)
        gc.enable()


@contextmanager
def _telling(scenario: Mapping[str, Any]) -> Iterator[Tell | None]:
    """A line that says how far a long scenario is, while it runs."""
    steps = len(scenario["steps"])
    if steps < LONG or not sys.stderr.isatty():
        yield None
        return

    def tell(number: int, now: datetime) -> None:
        click.echo(f"\r{number / steps:4.0%}  {number:,} of {steps:,} steps, {now:%Y-%m-%d}", err=True, nl=False)

    try:
        yield tell
    finally:
        click.echo("\r" + " " * 60 + "\r", err=True, nl=False)


def _print_json(verdict: "Verdict") -> None:
    click.echo(json.dumps(verdict.as_json(), ensure_ascii=False, default=str))


def _print(verdict: "Verdict") -> None:
    name = f"{verdict.area}/{verdict.name}" if verdict.area else verdict.name
    click.echo(f"{'pass' if verdict.passed else 'FAIL'}  {name}")
    if verdict.passed:
        return
    if verdict.error is not None:
        click.echo(f"      error: {verdict.error}")
    for title, entries in (("expected, not seen", verdict.missing), ("seen, not expected", verdict.unexpected)):
        for entry in entries:
            click.echo(f"      {title}: {json.dumps(entry, ensure_ascii=False, default=str)}")
    click.echo("      everything seen:" + ("" if verdict.observed else " nothing"))
    for entry in verdict.observed:
        click.echo(f"        {json.dumps(entry, ensure_ascii=False, default=str)}")
