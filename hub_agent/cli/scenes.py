"""nexa-hub scenes"""

from urllib.parse import quote

import click

from hub_agent.cli.link import Json, Link, as_json_option, print_json, print_table


@click.group(name="scenes")
def command() -> None:
    """List scenes; activate one."""


@command.command(name="list")
@as_json_option
@click.pass_obj
def list_scenes(socket: str | None, as_json: bool) -> None:
    """Every scene of the home."""
    scenes = Link(socket).get("scenes")
    if as_json:
        print_json(scenes)
    elif not scenes:
        click.echo("No scenes yet. They come from the cloud once the hub is claimed; see: nexa-hub sync status")
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
