"""nexa-hub pair"""

import click

from hub_agent.cli.link import Link, as_json_option, print_json


@click.command(name="pair")
@as_json_option
@click.pass_obj
def command(socket: str | None, as_json: bool) -> None:
    """Show the code with which a browser pairs; it holds for a quarter of an hour."""
    body = Link(socket).get("pairing")
    if as_json:
        print_json(body)
    else:
        click.echo(body["code"])
