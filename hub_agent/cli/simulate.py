"""nexa-hub simulate"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from hub_agent.core.scenario import Verdict

EXIT_FAILED = 1
EXIT_UNREADABLE = 2


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
    from hub_agent.core.scenario import NotAScenario, run_scenario, scenarios_in

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
                verdict = run_scenario(scenario, area)
            except NotAScenario as err:
                click.echo(f"nexa-hub: {file}: {err}", err=True)
                unreadable += 1
                continue
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
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return json.loads(content)
    except OSError as err:
        raise _Unreadable(f"cannot be read: {err.strerror}") from err
    except json.JSONDecodeError as err:
        raise _Unreadable(f"is not JSON: {err.msg} in line {err.lineno}, column {err.colno}") from err
    except (UnicodeDecodeError, RecursionError) as err:
        raise _Unreadable(f"is not JSON: {err}") from err


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
