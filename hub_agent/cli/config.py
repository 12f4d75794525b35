"""nexa-hub config"""

from pathlib import Path

import click

from hub_agent.cli.link import as_json_option, print_json


@click.command(name="config")
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="Settings file.")
@click.option("--default", "is_default", is_flag=True, help="Print the settings file with every default.")
@as_json_option
def command(config: Path | None, is_default: bool, as_json: bool) -> None:
    """Show the settings in force, after the file and the environment."""
    from hub_agent.config import load_config, render_default
    from hub_agent.store.keeping import in_force

    if is_default:
        click.echo(render_default(), nl=False)
        return
    settings = in_force(load_config(config))
    if as_json:
        print_json(settings)
        return
    for section, values in settings.items():
        for key, value in values.items():
            click.echo(f"{section}.{key} = {value}")
