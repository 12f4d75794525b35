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
    from hub_agent.config import NAMED_SECTIONS, SECRETS, load_config, render_default

    if is_default:
        click.echo(render_default(), nl=False)
        return
    settings = load_config(config).model_dump(mode="json")
    for name in NAMED_SECTIONS:
        settings |= {f"{name}.{each}": section for each, section in settings.pop(name).items()}
    for section in settings.values():
        section |= {key: "(set)" for key in SECRETS & section.keys() if section[key]}
    if as_json:
        print_json(settings)
        return
    for section, values in settings.items():
        for key, value in values.items():
            click.echo(f"{section}.{key} = {value}")
