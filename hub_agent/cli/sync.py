"""nexa-hub sync"""

import click

from hub_agent.cli.link import Json, Link, as_json_option, print_json, print_table


@click.group(name="sync")
def command() -> None:
    """The link to the cloud."""


@command.command(name="status")
@as_json_option
@click.pass_obj
def status(socket: str | None, as_json: bool) -> None:
    """What is going on between this hub and the cloud, in words."""
    sync = Link(socket).get("sync")
    if as_json:
        print_json(sync)
        return
    click.echo(sync["text"])
    if sync["definitions_owed"]:
        click.echo(f"{sync['definitions_owed']} changed definitions wait to be sent.")
    if sync["streams"]:
        rows = [
            (each["stream"], each["waiting"], each["last"], each["acknowledged"], each["acknowledged_at"])
            for each in sync["streams"]
        ]
        print_table(rows, ("STREAM", "WAITING", "NEWEST", "ACKNOWLEDGED", "AT"))


@command.command(name="verify")
@click.option("--days", type=click.IntRange(1, 400), default=8, show_default=True, help="So many days back.")
@click.option("--stream", help="Only this stream of records (device_telemetry ...).")
@as_json_option
@click.pass_obj
def verify(socket: str | None, days: int, stream: str | None, as_json: bool) -> int:
    """Compare what hub and cloud hold, and send again what the cloud lost.

    Exit codes: 0 hub and cloud agree (now), 1 something still differs or could not be compared.
    """
    from hub_agent.cli.replay import followed

    body = followed(Link(socket).lines("POST", "sync/verify", {"days": days, "stream": stream}), "verified")
    if as_json:
        print_json(body)
    else:
        _print_verified(body)
    return 0 if body["is_agreed"] else 1


def _print_verified(body: Json) -> None:
    click.echo(f"{body['since']} to {body['until']}: {body['text']}")
    rows = [
        (each["stream"], each["records"], each["missing"], each["repaired"], each["refused"], each["still"])
        for each in body["streams"]
        if each["records"]
    ]
    if rows:
        print_table(rows, ("STREAM", "RECORDS", "MISSING", "REPAIRED", "REFUSED", "STILL DIFFERENT"))
    for each in body["streams"]:
        for reason, count in each["reasons"].items():
            click.echo(f"refused in the cloud: {count} of {each['stream']}: {reason}")
