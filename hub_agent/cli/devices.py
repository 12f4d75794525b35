"""nexa-hub devices"""

import re

import click

from hub_agent.cli.discovered import add_to
from hub_agent.cli.link import Json, Link, as_json_option, print_json, print_table
from hub_agent.errors import NotFound


@click.group(name="devices", invoke_without_command=True)
@as_json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List devices; set, rename or place one; add what was found."""
    if ctx.invoked_subcommand is None:
        _list(ctx.obj, as_json=as_json)


@command.command(name="list")
@as_json_option
@click.pass_obj
def list_devices(socket: str | None, as_json: bool) -> None:
    """Every device with what it says."""
    _list(socket, as_json=as_json)


@command.command(name="set", context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("values", nargs=-1, required=True)
@as_json_option
@click.pass_obj
def set_values(socket: str | None, name: str, values: tuple[str, ...], as_json: bool) -> None:
    """Set capabilities: nexa-hub devices set kitchen_lamp on=true brightness=40 transition=2"""
    wanted = dict(_pair(value) for value in values)
    answer = Link(socket).post(f"devices/{_quoted(name)}/set", {"values": wanted})
    if as_json:
        print_json(answer)
    else:
        for settled in answer["commands"]:
            click.echo(f"{settled['entity_id']}: {settled['outcome']}" + _because(settled))
        if not answer["commands"]:
            click.echo(answer.get("text", "sent"))
    if any(settled["outcome"] in {"failed", "expired", "unconfirmed"} for settled in answer["commands"]):
        raise click.exceptions.Exit(1)


@command.command(name="rename")
@click.argument("device")
@click.argument("name")
@click.pass_obj
def rename(socket: str | None, device: str, name: str) -> None:
    """Give a device (by id or name) another name; its entities keep their ids."""
    renamed = Link(socket).patch(f"devices/{_quoted(device)}", {"name": name})
    click.echo(f"{device} is now: {renamed['name']}")


@command.command(name="place")
@click.argument("device")
@click.argument("room")
@click.pass_obj
def place(socket: str | None, device: str, room: str) -> None:
    """Say in which room a device stands."""
    link = Link(socket)
    wanted = room.casefold()
    rooms = link.get("rooms")
    found = next((each for each in rooms if wanted in {each["id"], each["name"].casefold()}), None)
    if found is None:
        known = ", ".join(each["name"] for each in rooms) or "none yet"
        raise NotFound(f"There is no room '{room}'. This home has: {known}")
    placed = link.patch(f"devices/{_quoted(device)}", {"room_id": found["id"]})
    click.echo(f"{placed['name']} stands in: {found['name']}")


add_to(command)


def _list(socket: str | None, *, as_json: bool) -> None:
    devices = Link(socket).get("devices")
    if as_json:
        print_json(devices)
    elif not devices:
        click.echo("No devices yet. Those that speak MQTT appear by themselves; see: nexa-hub doctor")
    else:
        rows = [
            (each["name"], each["room"], each["device_type"], each["availability"], _states(each)) for each in devices
        ]
        print_table(rows, ("NAME", "ROOM", "TYPE", "AVAILABILITY", "STATE"))


def _states(device: Json) -> str:
    shown = [entity for entity in device["entities"] if not entity["category"]]
    return ", ".join(_state(entity) for entity in shown[:4]) + (" ..." if len(shown) > 4 else "")


def _state(entity: Json) -> str:
    name = f"{entity['name']} " if entity["name"] else ""
    unit = f" {entity['unit']}" if entity["unit"] else ""
    return f"{name}{entity['state']}{unit}"


# Also "on" and "off" stay words: some devices have modes of these names.
_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,15})?")


def _pair(text: str) -> tuple[str, bool | int | float | str | None]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise click.UsageError(f"'{text}' is not of the form capability=value, such as brightness=40")
    if value.casefold() in {"true", "false"}:
        return key, value.casefold() == "true"
    if _NUMBER.fullmatch(value):
        return key, float(value) if "." in value else int(value)
    return key, value


def _because(settled: Json) -> str:
    return f" ({settled['error']})" if settled.get("error") else ""


def _quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name, safe="")
