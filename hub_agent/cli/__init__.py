"""`nexa-hub`: one file per command, imported when it is called, so that help and completion are quick."""

import sys
from importlib import import_module

import click

from hub_agent import __version__
from hub_agent.errors import AgentNotRunning, ConfigError, OperatingError

# Command -> (module, one line for the list).
COMMANDS = {
    "run": ("run", "Run the agent (what the service does)."),
    "status": ("status", "How the agent, its broker and its cloud are."),
    "devices": ("devices", "List devices; set, rename or place one."),
    "scenes": ("scenes", "List scenes; activate, make, edit or delete one."),
    "automations": ("automations", "List automations and their runs; show a run's trace."),
    "definitions": ("definitions", "How automations, scenes, groups ... are and were; undo a change."),
    "import": ("import_", "Bring automations, scripts and scenes from Home Assistant."),
    "health": ("health", "How well the devices are, and how they are healed; answer, try, declare."),
    "issues": ("issues", "Everything that is wrong now, in words."),
    "diagnose": ("diagnose", "What is wrong with a device or the home, step by step."),
    "security": ("security", "What is open in the home, who was refused, who may come in; look now."),
    "forecasts": ("forecasts", "What is foreseen, what is not as usual, and what could be better."),
    "activity": ("activity", "What happened in the home and who did it."),
    "energy": ("energy", "What the home and its devices used: today, this month, this year."),
    "alerts": ("alerts", "What people were told of; answer it, try a channel, see the rules."),
    "notices": ("notices", "What rules said to people; dismiss it."),
    "sync": ("sync", "The link to the cloud; decide what both sides changed."),
    "simulate": ("simulate", "Run scenarios of automations under virtual time."),
    "decode": ("decode", "Show what the drivers make of captured MQTT messages."),
    "metrics": ("metrics", "Print the hub's figures in the text format of Prometheus."),
    "doctor": ("doctor", "Check this hub, and say what to do about what is wrong."),
    "safe-mode": ("safe_mode", "Whether the hub runs without what is optional; leave that."),
    "backup": ("backup", "Make a backup: one file with all that this hub is."),
    "restore": ("restore", "Put a backup in the place of this hub's state."),
    "pair": ("pair", "Show the code with which a browser pairs."),
    "access": ("access", "Which browsers and programs may come in; make a token, revoke either."),
    "config": ("config", "Show the settings in force, or the default settings file."),
    "manual": ("manual", "Print the manual page of all commands."),
    "completion": ("completion", "Print the completion script for your shell."),
}

EXIT_NEGATIVE = 1
EXIT_USAGE = 2
EXIT_NOT_RUNNING = 3


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"hub_agent.cli.{COMMANDS[cmd_name][0]}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])


@click.group(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 all is well, 1 the answer is no (a check failed, a scenario did not pass, nothing of that name), "
    "2 wrong usage or an unreadable file, 3 the agent is not running.",
)
@click.version_option(__version__, prog_name="nexa-hub")
@click.option("--socket", envvar="NEXA_SOCKET", help="Unix socket of the running agent.", type=click.Path())
@click.pass_context
def cli(ctx: click.Context, socket: str | None) -> None:
    """The NEXA home hub: runs the home, with or without the internet."""
    ctx.obj = socket


def main() -> None:
    """The console script. Errors of the world become one line."""
    try:
        code = cli(standalone_mode=False)  # what a command ended with, if it said so
    except click.ClickException as err:
        err.show()
        sys.exit(EXIT_USAGE)
    except click.Abort:
        sys.exit(130)
    except AgentNotRunning as err:
        click.echo(f"nexa-hub: {err}", err=True)
        sys.exit(EXIT_NOT_RUNNING)
    except ConfigError as err:
        click.echo(f"nexa-hub: {err}", err=True)
        sys.exit(EXIT_USAGE)
    except OperatingError as err:
        click.echo(f"nexa-hub: {err}", err=True)
        sys.exit(EXIT_NEGATIVE)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    sys.exit(code if isinstance(code, int) else 0)
