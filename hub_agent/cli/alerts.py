"""nexa-hub alerts"""

from typing import Any

import click

from hub_agent.cli.link import Link, as_json_option, home_time, print_json

TEST_TIMEOUT_S = 60.0


@click.group(name="alerts", invoke_without_command=True)
@as_json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """What is wrong and was told to people, newest first. Exit code 1 if there is anything."""
    if ctx.invoked_subcommand is not None:
        return
    alerts = Link(ctx.obj).get("alerts")
    if as_json:
        print_json(alerts)
    elif not alerts:
        click.echo("No alerts.")
    else:
        for alert in alerts:
            click.echo(_in_words(alert))
    if alerts:
        raise click.exceptions.Exit(1)


@command.command(name="acknowledge")
@click.argument("alert_id")
@click.pass_obj
def acknowledge(socket: str | None, alert_id: str) -> None:
    """You know of it: no reminders. The beginning of its id is enough."""
    _answer(socket, alert_id, "acknowledge")


@command.command(name="resolve")
@click.argument("alert_id")
@click.pass_obj
def resolve(socket: str | None, alert_id: str) -> None:
    """It is mended, or of no concern; it comes back only if it becomes worse, or happens again."""
    _answer(socket, alert_id, "resolve")


@command.command(name="dismiss")
@click.argument("alert_id")
@click.pass_obj
def dismiss(socket: str | None, alert_id: str) -> None:
    """You do not want to hear of it."""
    _answer(socket, alert_id, "dismiss")


@command.command(name="test")
@click.argument("channel")
@click.pass_obj
def try_channel(socket: str | None, channel: str) -> None:
    """Send a message over a channel of the settings, and see whether it comes."""
    Link(socket).post(f"alerts/channels/{channel}/test", timeout_s=TEST_TIMEOUT_S)
    click.echo(f"A message went out over {channel}.")


@command.command(name="rules")
@as_json_option
@click.pass_obj
def rules(socket: str | None, as_json: bool) -> None:
    """Which rules are in force, and which are broken and why. Exit code 1 if one is broken."""
    told = Link(socket).get("alerts/rules")
    if as_json:
        print_json(told)
    else:
        for rule in told:
            reason = f": {rule['reason']}" if rule["reason"] else ""
            about = ", ".join(rule["when"]) or "-"
            click.echo(f"{rule['status']:9} {rule['name']} ({about}){reason}  [{rule['id']}]")
    if any(rule["status"] == "broken" for rule in told):
        raise click.exceptions.Exit(1)


@command.command(name="channels")
@as_json_option
@click.pass_obj
def channels(socket: str | None, as_json: bool) -> None:
    """Where messages may go, and whether they get through."""
    told = Link(socket).get("alerts/channels")
    if as_json:
        print_json(told)
    elif not told:
        click.echo("No channels. Name one in the settings: [notify.phone]")
    else:
        for each in told:
            state = f"failing: {each['failing']} ({each['waiting']} waiting)" if each["failing"] else "in use"
            click.echo(f"{each['name']:16} {each['kind']:8} {state}")


def _answer(socket: str | None, alert_id: str, verb: str) -> None:
    answered = Link(socket).post(f"alerts/{alert_id}", {"answer": verb})
    click.echo(f"{answered['status'].capitalize()}.")


def _in_words(alert: Any) -> str:
    known = ", acknowledged" if alert["status"] == "acknowledged" else ""
    return f"{alert['severity'].upper():8} {alert['title']}: {alert['message']} (since {home_time(alert['time'])}{known})  [{alert['id'][:8]}]"
