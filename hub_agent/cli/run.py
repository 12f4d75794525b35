"""nexa-hub run"""

from pathlib import Path

import click


@click.command(name="run")
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="Settings file.")
def command(config: Path | None) -> None:
    """Run the agent in the foreground until SIGTERM or Ctrl-C."""
    from hub_agent.agent import run
    from hub_agent.config import load_config, settings_file

    run(load_config(config), settings_file(config))
