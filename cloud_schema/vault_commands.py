"""nexa-cloud vault: the keys that seal other platforms' tokens. No command prints a key."""

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cloud_schema.apply import ApplyError, connect
from cloud_schema.operating import as_json_option, with_database

KEYS_FILE = "NEXA_CLOUD_VAULT_KEYS_FILE"


def with_keys_file(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the option --keys-file, and says the vault's errors as the other commands say theirs."""

    @click.option(
        "--keys-file",
        envvar=KEYS_FILE,
        required=True,
        type=click.Path(dir_okay=False, path_type=Path),
        help=f"File with the keys, the newest first; or {KEYS_FILE}.",
    )
    @functools.wraps(command)
    def run(**options: Any) -> Any:
        from cloud_schema.vault import VaultError

        try:
            return command(**options)
        except VaultError as err:
            raise ApplyError(str(err)) from err

    return run


@click.group("vault")
def vault_group() -> None:
    """Keys that seal the tokens of other platforms, and what is sealed with them."""


@vault_group.command("new-key")
@with_keys_file
@as_json_option
def new_key_command(*, keys_file: Path, as_json: bool) -> None:
    """Put a new key on top of the keys file; make the file if there is none.

    Give the file to every gateway and restart them before `rotate`: those that do not have the new key cannot open what it seals.
    """
    from cloud_schema.vault import add_key

    name = add_key(keys_file)
    if as_json:
        click.echo(json.dumps({"key": name, "file": str(keys_file)}))
    else:
        click.echo(
            f"Key {name} is the first in {keys_file}. Keep a copy of the file apart from the database's backups."
        )


@vault_group.command("rotate")
@with_database
@with_keys_file
@as_json_option
@click.pass_context
def rotate_command(context: click.Context, *, dsn: str, keys_file: Path, as_json: bool) -> None:
    """Seal every token in the database DSN with the newest key.

    In batches; may be interrupted and run again. Tokens that cannot be opened are named and left as they are (exit code 1).
    """
    import psycopg

    from cloud_schema.connection import first_line
    from cloud_schema.resealing import keys_in_use, reseal
    from cloud_schema.vault import load_vault

    vault = load_vault(keys_file)
    with connect(dsn) as connection:
        try:
            done = reseal(connection, vault, lambda line: click.echo(line, err=as_json))
            in_use = keys_in_use(connection)
        except psycopg.Error as err:
            raise ApplyError(f"{first_line(err)}. What is resealed stays so; run it again.") from err
    idle = [name for name in vault.key_ids[1:] if name not in in_use]
    if as_json:
        click.echo(
            json.dumps({"resealed": done.rows, "unreadable": done.unreadable, "keys_in_use": in_use, "keys_idle": idle})
        )
    else:
        for problem in done.problems:
            click.echo(problem, err=True)
        click.echo(f"Resealed {done.rows} rows with key {vault.newest}; {done.unreadable} could not be opened.")
        if idle:
            click.echo(f"No longer needed here: {', '.join(idle)}. Older backups still need them.")
    context.exit(1 if done.unreadable else 0)


@vault_group.command("status")
@with_database
@with_keys_file
@as_json_option
@click.pass_context
def status_command(context: click.Context, *, dsn: str, keys_file: Path, as_json: bool) -> None:
    """Say how many values each key seals in the database DSN. Exit code 1 if a key is missing in the file."""
    from cloud_schema.resealing import keys_in_use
    from cloud_schema.vault import load_vault

    vault = load_vault(keys_file)
    with connect(dsn) as connection:
        in_use = keys_in_use(connection)
    missing = sorted(set(in_use) - set(vault.key_ids))
    if as_json:
        click.echo(json.dumps({"newest": vault.newest, "keys_in_use": in_use, "keys_missing": missing}))
    else:
        for name in [*vault.key_ids, *missing]:
            note = " (newest)" if name == vault.newest else " (missing in the file)" if name in missing else ""
            click.echo(f"{name}  {in_use.get(name, 0)}{note}")
    context.exit(1 if missing else 0)
