"""nexa-hub restore"""

from datetime import UTC, datetime
from pathlib import Path

import click

from hub_agent.cli.backup import passphrase_of
from hub_agent.cli.link import as_json_option, print_json
from hub_agent.config import load_config


@click.command(name="restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--passphrase-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The passphrase that opens it is in this file; - asks for it.",
)
@click.option("--check", "is_check", is_flag=True, help="Only read it: say what it is, and touch nothing.")
@click.option(
    "--revoke-all-access", is_flag=True, help="Let in no browser and no token: pair and make them anew afterwards."
)
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="Settings file.")
@as_json_option
def command(
    *,
    file: Path,
    passphrase_file: Path | None,
    is_check: bool,
    revoke_all_access: bool,
    config: Path | None,
    as_json: bool,
) -> None:
    """Put a backup in the place of this hub's state: it goes on as the home it was made of.

    The agent must not run meanwhile (systemctl stop nexa-hub). What was there is set aside, in a folder before-restore-… beside the mirror.
    Which browsers and tokens may come in stays as it is now; on another machine it is as it was then.
    The settings of then are laid beside the mirror, to be compared with those of now. What was recorded after the backup, the cloud has;
    the hub notices that it is an older copy of itself, and nothing is doubled. The machine that it came from must stay off.
    """
    from hub_agent.store import archive

    passphrase = passphrase_of(passphrase_file, confirm=False)
    done = None
    if is_check:
        found = archive.read(file, passphrase)
    else:
        state_dir = load_config(config).agent.state_dir
        done = archive.restore(file, passphrase, state_dir, datetime.now(UTC), revokes_access=revoke_all_access)
        found = done.archive
    aside, settings = (done.former_state, done.settings) if done else (None, None)
    body = {
        "file": str(file),
        "made_at": found.made_at.isoformat(),
        "version": found.version,
        "holds": sorted(found.sha256),
        "is_encrypted": found.is_encrypted,
        "is_restored": not is_check,
        "former_state": None if aside is None else str(aside),
        "settings": None if settings is None else str(settings),
        "has_keys_of_then": done is not None and done.has_keys_of_then,
    }
    if as_json:
        print_json(body)
        return
    click.echo(f"{file}: of {found.made_at:%Y-%m-%d %H:%M} UTC, made by version {found.version}, whole and sound")
    if done is None:
        return
    if aside is not None:
        click.echo(f"What was there is in {aside}")
    if settings is not None:
        click.echo(f"The settings of then: {settings}")
    if revoke_all_access:
        click.echo("Nobody is paired any more, and no token holds. To pair a browser: nexa-hub pair")
    elif done.has_keys_of_then:
        click.echo("Browsers and tokens may come in as on that day: what was revoked since then opens again.")
        click.echo(f"To let none of them in, before the start: nexa-hub restore {file} --revoke-all-access")
    click.echo("Restored. Start the agent: systemctl start nexa-hub")
