"""nexa-hub notices"""

from typing import Any

import click

from hub_agent.cli.link import Link, as_json_option, home_time, print_json

DISMISS = "persistent_notification.dismiss"


@click.group(name="notices", invoke_without_command=True)
@as_json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """What rules said to people, newest first; dismiss one, or all."""
    if ctx.invoked_subcommand is not None:
        return
    notices = Link(ctx.obj).get("notices")
    if as_json:
        print_json(notices)
    elif not notices:
        click.echo("No notices.")
    else:
        for notice in notices:
            click.echo(_in_words(notice))


@command.command(name="dismiss")
@click.argument("notice_id", required=False)
@click.option("--all", "is_all", is_flag=True, help="All of them.")
@click.pass_obj
def dismiss(socket: str | None, notice_id: str | None, is_all: bool) -> None:
    """Take a notice away, by its id. Exit code 1 if there is none of that id."""
    if is_all == (notice_id is not None):
        raise click.UsageError("Give the id of a notice, or --all.")
    link = Link(socket)
    known = [notice["id"] for notice in link.get("notices")]
    if is_all:
        link.post("call", {"action": f"{DISMISS}_all"})
    elif notice_id in known:
        link.post("call", {"action": DISMISS, "data": {"notification_id": notice_id}})
    else:
        click.echo(f"There is no notice '{notice_id}'. List them with: nexa-hub notices", err=True)
        raise click.exceptions.Exit(1)


def _in_words(notice: Any) -> str:
    head = f"{notice['title']}: " if notice["title"] else ""
    return f"{home_time(notice['created_at'])}  {head}{notice['message']}  [{notice['id']}]"
