"""nexa-hub issues"""

import click

from hub_agent.cli.link import Link, as_json_option, home_time, print_json


@click.command(name="issues")
@as_json_option
@click.pass_obj
def command(socket: str | None, as_json: bool) -> None:
    """Everything that is wrong now. Exit code 1 if there is anything."""
    issues = Link(socket).get("issues")
    if as_json:
        print_json(issues)
    elif not issues:
        click.echo("Nothing is wrong.")
    else:
        for issue in issues:
            click.echo(f"{issue['severity'].upper():8} {issue['text']} (since {home_time(issue['since'])})")
    if issues:
        raise click.exceptions.Exit(1)
