"""nexa-hub safe-mode"""

import click

from hub_agent.cli.link import Link, as_json_option, home_time, print_json


@click.group(name="safe-mode", invoke_without_command=True)
@as_json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Whether the hub runs without what is optional, because it kept failing; leave that."""
    if ctx.invoked_subcommand is not None:
        return
    mode = Link(ctx.obj).get("status")["safe_mode"]
    if as_json:
        print_json(mode)
    elif mode is None:
        click.echo("The hub runs with everything.")
    else:
        click.echo(
            f"Since {home_time(mode['since'])} the hub runs in safe mode, for it ended {mode['failed']} times soon after its start.\n"
            f"Left out: {', '.join(mode['left_out'])}.\n"
            f"Everything is tried again at {home_time(mode['trial_at'])}; at once: nexa-hub safe-mode leave.\n"
            "Why it failed: journalctl -u nexa-hub"
        )


@command.command(name="leave")
@click.pass_obj
def leave(socket: str | None) -> None:
    """Start the hub's program again, with everything."""
    click.echo(Link(socket).post("safe-mode/leave")["text"])
