"""nexa-hub sync"""

import click

from hub_agent.cli.link import Link, as_json_option, print_json, print_table


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
