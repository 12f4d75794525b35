"""nexa-hub definitions"""

from urllib.parse import quote

import click

from hub_agent.cli.link import Json, Link, as_json_option, print_json, print_table
from hub_agent.cli.words import short


@click.group(name="definitions")
def command() -> None:
    """What people decided (automations, scenes, rooms, groups ...): how it is, how it was; undo a change."""


@command.command(name="list")
@click.argument("kind")
@click.option("--deleted", "with_deleted", is_flag=True, help="Deleted ones too.")
@as_json_option
@click.pass_obj
def list_definitions(socket: str | None, kind: str, with_deleted: bool, as_json: bool) -> None:
    """All of a kind: automation, scene, room, device, device_group, alert_rule, home_member, brand ..."""
    found = [one for one in Link(socket).get(_path(kind)) if with_deleted or one["status"] != "deleted"]
    if as_json:
        print_json(found)
    elif not found:
        click.echo("None.")
    else:
        rows = [
            (each["name"] or "-", each["status"], each["version"], each["modified_at"], each["id"]) for each in found
        ]
        print_table(rows, ("NAME", "STATUS", "VERSION", "CHANGED", "ID"))


@command.command(name="show")
@click.argument("kind")
@click.argument("name")
@as_json_option
@click.pass_obj
def show(socket: str | None, kind: str, name: str, as_json: bool) -> None:
    """One definition, by name or id."""
    _print_one(Link(socket).get(_path(kind, name)), as_json=as_json)


@command.command(name="history")
@click.argument("kind")
@click.argument("name")
@as_json_option
@click.pass_obj
def history(socket: str | None, kind: str, name: str, as_json: bool) -> None:
    """Its last changes, the newest first. `undo --to N` goes back to before change N."""
    changes = Link(socket).get(f"{_path(kind, name)}/history")
    if as_json:
        print_json(changes)
    elif not changes:
        click.echo("No change of it is known.")
    else:
        rows = [
            (
                one["entry"],
                one["at"],
                f"on the {one['origin']}" if one["origin"] == "hub" else "in the cloud",
                one["change"],
                _what(one),
            )
            for one in changes
        ]
        print_table(rows, ("N", "AT", "WHERE", "CHANGE", "WAS BEFORE"))


@command.command(name="undo")
@click.argument("kind")
@click.argument("name")
@click.option(
    "--to", "entry", type=click.IntRange(min=1), help="Back to before this change; without it, before the last one."
)
@as_json_option
@click.pass_obj
def undo(socket: str | None, kind: str, name: str, entry: int | None, as_json: bool) -> None:
    """Make it what it was before: an edit like any other, which goes to the cloud too. Undoing twice brings the change back."""
    answer = Link(socket).post(f"{_path(kind, name)}/undo", {"entry": entry})
    if as_json:
        print_json(answer)
    elif answer["status"] == "deleted" or not answer["fields"]:
        click.echo(f"{answer['name'] or answer['id']}: gone again.")
    else:
        click.echo(f"{answer['name'] or answer['id']}: as it was before.")


def _path(kind: str, name: str | None = None) -> str:
    path = f"definitions/{quote(kind, safe='')}"
    return path if name is None else f"{path}/{quote(name, safe='')}"


def _what(change: Json) -> str:
    before = change["before"] or {}
    return short(", ".join(f"{name}: {short(before.get(name))}" for name in change["columns"])) or "-"


def _print_one(one: Json, *, as_json: bool) -> None:
    if as_json:
        print_json(one)
        return
    click.echo(f"{one['name'] or one['id']} ({one['kind']}, {one['status']}, version {one['version'] or 'none yet'})")
    for name, value in sorted(one["fields"].items()):
        click.echo(f"  {name}: {short(value)}")
