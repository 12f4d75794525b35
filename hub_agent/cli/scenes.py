"""nexa-hub scenes"""

from typing import Any
from urllib.parse import quote

import click

from hub_agent.cli.link import Json, Link, as_json_option, print_json, print_table


@click.group(name="scenes")
def command() -> None:
    """List scenes; activate, make, edit or delete one."""


@command.command(name="list")
@as_json_option
@click.pass_obj
def list_scenes(socket: str | None, as_json: bool) -> None:
    """Every scene of the home."""
    scenes = Link(socket).get("scenes")
    if as_json:
        print_json(scenes)
    elif not scenes:
        click.echo("No scenes yet. Make one of how a room is now: nexa-hub scenes new NAME --room ROOM")
    else:
        rows = [
            (
                each["name"],
                each["devices"],
                each["activation_count"],
                each["last_activated_at"],
                each["last_status"],
                _kept(each),
            )
            for each in scenes
        ]
        print_table(rows, ("NAME", "DEVICES", "TIMES", "LAST", "OUTCOME", "ALSO KEPT BY"))


def _kept(scene: Json) -> str:
    """Bridges that keep a copy; one that is not in order says why."""
    told = [
        each["dialect"]
        if each["status"] == "synced"
        else f"{each['dialect']}: {each['status']}" + (f" ({each['error']})" if each["error"] else "")
        for each in scene["copies"]
    ]
    return ", ".join(told) or "-"


@command.command(name="activate")
@click.argument("name")
@as_json_option
@click.pass_obj
def activate(socket: str | None, name: str, as_json: bool) -> None:
    """Activate a scene, by name or id. Exit code 1 if a device did not follow."""
    answer = Link(socket).post(f"scenes/{quote(name, safe='')}/activate")
    if as_json:
        print_json(answer)
    elif answer.get("status") == "pending":
        click.echo(f"{answer.get('scene') or name}: {answer.get('text') or 'on its way; some devices take longer'}")
    else:
        reached, targeted = answer.get("devices_succeeded", 0), answer.get("devices_targeted", 0)
        click.echo(f"{answer.get('scene', name)}: {reached} of {targeted} devices, {answer.get('duration_ms', 0)} ms")
        for failed in answer.get("failed_devices", []):
            click.echo(f"  {failed.get('name') or failed['id']}: {failed.get('error') or 'did not answer'}")
    if answer.get("status") not in {"success", "pending"}:
        raise click.exceptions.Exit(1)


_names = {
    "room": click.option("--room", help="Its room, by name or id; an empty one for none."),
    "now": click.option("--now", "now", multiple=True, metavar="ENTITY", help="This entity as it is now."),
    "set": click.option(
        "--set", "wanted", multiple=True, metavar="ENTITY=STATE[,NAME=VALUE...]", help="What an entity is to be."
    ),
}


@command.command(name="new")
@click.argument("name")
@_names["room"]
@_names["now"]
@_names["set"]
@click.pass_obj
def new(socket: str | None, name: str, room: str | None, now: tuple[str, ...], wanted: tuple[str, ...]) -> None:
    """Make a scene of how a room (or the home) stands now, or of the named entities."""
    link = Link(socket)
    body = {"name": name, "room_id": _room_id(link, room), "desired": _desired(now, wanted, ())}
    answer = link.post("scenes", body)
    click.echo(f"{answer['name']}: made ({answer['id']})")


@command.command(name="edit")
@click.argument("name")
@click.option("--name", "new_name", help="Its new name.")
@click.option("--icon", help="Its icon.")
@click.option("--color", help="Its colour.")
@click.option("--favorite/--no-favorite", default=None, help="Whether it is a favourite.")
@_names["room"]
@_names["now"]
@_names["set"]
@click.option("--leave", multiple=True, metavar="ENTITY", help="This entity is not in the scene any more.")
@click.pass_obj
def edit(socket: str | None, /, name: str, **given: Any) -> None:
    """Change a scene; what is not named stays."""
    link = Link(socket)
    named = {"name": "new_name", "icon": "icon", "color": "color", "is_favorite": "favorite"}
    body = {key: given[option] for key, option in named.items() if given[option] is not None}
    if given["room"] is not None:
        body["room_id"] = _room_id(link, given["room"])
    if desired := _desired(given["now"], given["wanted"], given["leave"]):
        body["desired"] = desired
    if not body:
        raise click.UsageError("Nothing to change was named.")
    answer = link.patch(f"scenes/{quote(name, safe='')}", body)
    click.echo(f"{answer['name']}: changed")


@command.command(name="delete")
@click.argument("name")
@click.pass_obj
def delete(socket: str | None, name: str) -> None:
    """Delete a scene, here and in the cloud."""
    Link(socket).delete(f"scenes/{quote(name, safe='')}")
    click.echo(f"{name}: deleted")


def _room_id(link: Link, room: str | None) -> str | None:
    if not room:
        return None
    for each in link.get("rooms"):
        if room in {each["id"], each["name"]} or room.casefold() == each["name"].casefold():
            return str(each["id"])
    return room  # the hub says that there is none


def _desired(now: tuple[str, ...], wanted: tuple[str, ...], leave: tuple[str, ...]) -> dict[str, object]:
    desired: dict[str, object] = {**dict.fromkeys(now, "now"), **dict.fromkeys(leave)}
    for each in wanted:
        entity, is_set, rest = each.partition("=")
        state, *attributes = rest.split(",")
        pairs = [one.partition("=") for one in attributes]
        if not is_set or not state or not all(middle for _, middle, _ in pairs):
            raise click.BadParameter(f"'{each}' is not such as light.hall=on,brightness=128", param_hint="--set")
        desired[entity] = {"state": state, "attributes": {key: _number(value) for key, _, value in pairs}}
    return desired


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
