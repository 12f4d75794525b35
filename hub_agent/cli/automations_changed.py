"""What people change with `nexa-hub automations`: on, off, pause, run, show, add, edit, delete, undo."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from hub_agent.cli.link import Json, Link, as_json_option, home_time, home_zone, print_json
from hub_agent.errors import OperatingError

_SPANS = {"m": "minutes", "h": "hours", "d": "days"}
_RAN = {
    "success": "ran",
    "running": "is running",
    "partial": "ran, and a part of it failed",
    "conditions_not_met": "did not run: its conditions do not hold now",
    "dropped": "runs already, and no second time at once",
}
# What stands above the text in the editor; the hub does not read it.
_HEAD = "# Save and close to change the automation; leave it as it is, and nothing happens.\n"


def _told(words: Callable[[Json], str]) -> Callable[[Json, bool], None]:
    def tell(body: Json, as_json: bool) -> None:
        if as_json:
            print_json(body)
        else:
            click.echo(words(body))

    return tell


@click.command(name="on")
@click.argument("name")
@as_json_option
@click.pass_obj
def on(socket: str | None, name: str, as_json: bool) -> None:
    """Switch an automation on; one that is paused goes on."""
    body = Link(socket).patch(_path(name), {"is_enabled": True, "is_paused": False})
    _told(lambda told: f"{told['name']}: on")(body, as_json)


@click.command(name="off")
@click.argument("name")
@as_json_option
@click.pass_obj
def off(socket: str | None, name: str, as_json: bool) -> None:
    """Switch an automation off, until somebody switches it on."""
    body = Link(socket).patch(_path(name), {"is_enabled": False})
    _told(lambda told: f"{told['name']}: off")(body, as_json)


@click.command(name="pause")
@click.argument("name")
@click.option(
    "--until", metavar="TIME", help="18:00, '2026-01-14 18:00', or for how long: 30m, 2h, 7d. Without it: until `on`."
)
@as_json_option
@click.pass_obj
def pause(socket: str | None, name: str, until: str | None, as_json: bool) -> None:
    """Keep an automation from running for a while; it goes on by itself."""
    at = None if until is None else _instant(until, datetime.now(UTC).astimezone(home_zone())).isoformat()
    body = Link(socket).patch(_path(name), {"is_paused": True, "pause_until": at})
    _told(lambda told: f"{told['name']}: paused until {home_time(at) if at else 'it is switched on'}")(body, as_json)


@click.command(name="run")
@click.argument("name")
@click.option("--conditions", "with_conditions", is_flag=True, help="Only if its conditions hold.")
@as_json_option
@click.pass_obj
def run(socket: str | None, name: str, with_conditions: bool, as_json: bool) -> int:
    """Run an automation now, also one that is off. Exit code 1 if it did not run, or failed."""
    body = Link(socket).post(f"{_path(name)}/run", {"with_conditions": with_conditions})
    _told(lambda told: f"{told['name']}: {_RAN.get(told['status'], told['status'])}{_trace(told)}")(body, as_json)
    return 0 if body["status"] in {"success", "running"} else 1


@click.command(name="show")
@click.argument("name")
@as_json_option
@click.pass_obj
def show(socket: str | None, name: str, as_json: bool) -> None:
    """Print an automation as text, as `add` and `edit` take it."""
    body = Link(socket).get(f"{_path(name)}/definition")
    _told(lambda told: str(told["text"] or "").rstrip())(body, as_json)


@click.command(name="add")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--check", "is_only_checked", is_flag=True, help="Only say what is wrong with it.")
@as_json_option
@click.pass_obj
def add(socket: str | None, file: Any, is_only_checked: bool, as_json: bool) -> int:
    """Make an automation of FILE: YAML or JSON with alias, triggers, conditions, actions (- is standard input).

    Several at once, or a whole configuration: nexa-hub import homeassistant.
    """
    link, text = Link(socket), file.read()
    checked = link.post("automations/check", {"text": text})
    if is_only_checked and as_json:
        print_json(checked)
    elif not as_json:
        _print_remarks(file.name, checked)
    if checked["faults"]:
        return 1
    if not is_only_checked:
        _told(lambda told: f"{told['name']}: made ({told['id']})")(link.post("automations", {"text": text}), as_json)
    return 0


@click.command(name="edit")
@click.argument("name")
@click.option("--file", type=click.File(encoding="utf-8"), help="Take the text from here instead of the editor.")
@as_json_option
@click.pass_obj
def edit(socket: str | None, name: str, file: Any, as_json: bool) -> int:
    """Change an automation as text, in your editor ($VISUAL or $EDITOR). What somebody else changed meanwhile is not overwritten."""
    link = Link(socket)
    before = link.get(f"{_path(name)}/definition")
    text = str(before["text"] or "")
    while True:
        text = file.read() if file else _edited(text)
        if text.strip() == str(before["text"] or "").strip():
            click.echo(f"{before['name']}: unchanged")
            return 0
        checked = link.post("automations/check", {"text": text, "replaces": before["id"]})
        if not as_json or checked["faults"]:
            _print_remarks(file.name if file else before["name"], checked)
        if not checked["faults"]:
            break
        if file or not click.confirm("Edit it again?", default=True, err=True):
            return 1
    try:
        body = link.put(_path(before["id"]), {"text": text, "expected": before["revision"]})
    except OperatingError:
        if not file:
            kept = Path(f"{before['id']}.yaml")
            kept.write_text(text, encoding="utf-8")
            click.echo(f"nexa-hub: what you wrote is kept in {kept}", err=True)
        raise
    _told(lambda told: f"{told['name']}: changed")(body, as_json)
    return 0


@click.command(name="delete")
@click.argument("name")
@as_json_option
@click.pass_obj
def delete(socket: str | None, name: str, as_json: bool) -> None:
    """Delete an automation, here and in the cloud; `undo` brings it back."""
    body = Link(socket).delete(_path(name))
    _told(lambda told: f"{told['name']}: deleted; back with: nexa-hub automations undo '{told['name']}'")(body, as_json)


@click.command(name="undo")
@click.argument("name")
@as_json_option
@click.pass_obj
def undo(socket: str | None, name: str, as_json: bool) -> None:
    """Take back the last change of an automation, or that it was deleted. Further back: nexa-hub definitions history."""
    body = Link(socket).post(f"definitions/automation/{quote(name, safe='')}/undo", {"entry": None})
    is_gone = body["status"] == "deleted" or not body["fields"]
    _told(lambda told: f"{told['name'] or name}: {'gone again' if is_gone else 'as it was before'}")(body, as_json)


COMMANDS: tuple[click.Command, ...] = (on, off, pause, run, show, add, edit, delete, undo)


def _path(name: str) -> str:
    return f"automations/{quote(name, safe='')}"


def _trace(told: Json) -> str:
    return f" (trace {told['run_id'][:8]})" if told.get("run_id") else ""


def _edited(text: str) -> str:
    found = click.edit(text if text.startswith(_HEAD) else _HEAD + text, extension=".yaml")
    return text if found is None else found.removeprefix(_HEAD)


def _print_remarks(name: str, checked: Json) -> None:
    for kind in ("faults", "warnings"):
        for each in checked[kind]:
            place = f"{each['path']}: " if each["path"] else ""
            word = "" if kind == "faults" else "worth knowing: "
            click.echo(f"nexa-hub: {name}:{each['line']}: {word}{place}{each['text']}", err=True)


def _instant(text: str, now: datetime) -> datetime:
    """30m, 2h, 7d from now; the next 18:00; a date and time, in the home's time."""
    count, unit = text[:-1], text[-1:]
    if count.isdigit() and unit in _SPANS:
        return now.astimezone(UTC) + timedelta(**{_SPANS[unit]: int(count)})
    for form in ("%H:%M", "%H:%M:%S"):
        try:
            at = datetime.combine(now.date(), datetime.strptime(text, form).time(), now.tzinfo)  # noqa: DTZ007 - only its time of day counts
        except ValueError:
            continue
        return at if at > now else at + timedelta(days=1)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as err:
        raise click.BadParameter(
            f"'{text}' is no time such as 18:00, '2026-01-14 18:00' or 2h", param_hint="--until"
        ) from err
    found = found if found.tzinfo else found.replace(tzinfo=now.tzinfo)
    if found <= now:
        raise click.BadParameter(f"'{text}' is over already", param_hint="--until")
    return found
