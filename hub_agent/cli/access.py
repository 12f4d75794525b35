"""nexa-hub access"""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import click

from hub_agent.cli.link import Json, Link, as_json_option, print_json, print_table
from hub_agent.cli.pair import SCOPES


@click.group(name="access", invoke_without_command=True)
@as_json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Which browsers are paired and which tokens there are; make a token, revoke either."""
    if ctx.invoked_subcommand is not None:
        return
    found = Link(ctx.obj).get("access")
    if as_json:
        print_json(found)
        return
    rows = [*(_row("browser", each) for each in found["sessions"]), *(_row("token", each) for each in found["tokens"])]
    if rows:
        print_table(rows, ("id", "what", "name", "may", "last seen", "until", "let in by"))
    else:
        click.echo("No browser is paired, and there is no token. To pair one: nexa-hub pair")


@command.command(name="token")
@click.argument("name")
@click.option("--scope", type=click.Choice(SCOPES), default="control", show_default=True, help="What it may do.")
@click.option("--scene", help="It may activate this scene and nothing else.")
@click.option(
    "--days", type=click.IntRange(1, 3650), help="It ends after so many days; without, it holds until revoked."
)
@as_json_option
@click.pass_obj
def token(socket: str | None, *, name: str, scope: str, scene: str | None, days: int | None, as_json: bool) -> None:
    """Make a token for a program, a wall tablet or a button. It is shown this once."""
    ends = None if days is None else (datetime.now(UTC) + timedelta(days=days)).isoformat()
    made = Link(socket).post("access/tokens", {"name": name, "scope": scope, "scene": scene, "expires_at": ends})
    if as_json:
        print_json(made)
        return
    click.echo(made["token"])
    click.echo("Keep it safe: it is not shown again. Send it as  Authorization: Bearer TOKEN", err=True)
    if made["scene_id"]:
        click.echo(f"It may do one thing: POST /api/v1/scenes/{made['scene_id']}/activate", err=True)


@command.command(name="revoke")
@click.argument("name")
@as_json_option
@click.pass_obj
def revoke(socket: str | None, name: str, as_json: bool) -> None:
    """End a browser's session or a token, by id or name."""
    gone = Link(socket).delete(f"access/{quote(name, safe='')}")
    if as_json:
        print_json(gone)
    else:
        click.echo(f"“{gone['name']}” may not come in any more.")


def _row(what: str, key: Json) -> tuple[object, ...]:
    may = "one scene" if key["scene_id"] else key["scope"]
    seen = key["last_seen_at"] or "never"
    return key["id"], what, key["name"], may, seen, key["expires_at"] or "revoked", key["made_by"]
