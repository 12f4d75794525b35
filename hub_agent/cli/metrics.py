"""nexa-hub metrics"""

import click

from hub_agent.cli.link import Link


@click.command(name="metrics")
@click.pass_obj
def command(socket: str | None) -> None:
    """Print the hub's figures in the text format of Prometheus, as GET /metrics has them."""
    click.echo(Link(socket).text("metrics"), nl=False)
