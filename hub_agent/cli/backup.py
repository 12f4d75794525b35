"""nexa-hub backup"""

from datetime import UTC, datetime
from pathlib import Path

import click

from hub_agent.cli.link import as_json_option, print_json
from hub_agent.config import load_config, read_secret, settings_file


@click.command(name="backup")
@click.argument("to", type=click.Path(path_type=Path), required=False)
@click.option("--keep", type=click.IntRange(1), default=None, help="How many stay in the folder TO; default: all.")
@click.option(
    "--passphrase-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Encrypt with the passphrase in this file (format age); - asks for it.",
)
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="Settings file.")
@as_json_option
def command(
    to: Path | None, keep: int | None, passphrase_file: Path | None, config: Path | None, as_json: bool
) -> None:
    """Make a backup of this hub, while it runs: one file, read back before it counts. TO is a file or a folder; the default is this folder.

    It holds the mirror, the hub's identity, devices' secrets, paired browsers and settings: whoever has it, unencrypted, can be this hub.
    On another machine, with nexa-hub installed: nexa-hub restore FILE.
    """
    from hub_agent.store import archive

    settings = load_config(config)
    passphrase = passphrase_of(passphrase_file, confirm=True)
    source = archive.Source(settings.agent.state_dir, settings_file(config))
    target, now = to or Path.cwd(), datetime.now(UTC)
    if target.is_dir():
        made = archive.make_in(target, source, passphrase, now, keep)
    else:
        made = archive.make(source, target, passphrase, now)
    body = {
        "file": str(made.path),
        "bytes": made.bytes,
        "made_at": made.made_at.isoformat(),
        "version": made.version,
        "holds": sorted(made.sha256),
        "is_encrypted": made.is_encrypted,
    }
    if as_json:
        print_json(body)
    else:
        click.echo(
            f"{made.path}: {made.bytes:,} bytes, {'encrypted' if made.is_encrypted else 'not encrypted'}, read back"
        )


def passphrase_of(file: Path | None, *, confirm: bool) -> str | None:
    if file is None:
        return None
    if str(file) == "-":
        asked: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm)
        return asked
    return read_secret(file)
