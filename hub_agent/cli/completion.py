"""nexa-hub completion"""

import click
from click.shell_completion import get_completion_class


@click.command(name="completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script: nexa-hub completion bash > /etc/bash_completion.d/nexa-hub"""
    click.echo(script(shell))


def script(shell: str) -> str:
    from hub_agent.cli import cli

    kind = get_completion_class(shell)
    assert kind is not None  # the choice above allows known shells only
    return kind(cli, {}, "nexa-hub", "_NEXA_HUB_COMPLETE").source()
