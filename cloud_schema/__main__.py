"""nexa-cloud: the operator's command line for the central schema and its gateway."""

import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloud_schema.apply import LOCK_TIMEOUT_S, ApplyError, apply, issue_claim_code
from cloud_schema.notifier.command import notify_command
from cloud_schema.operating import COMMANDS, as_json_option, with_database
from cloud_schema.queue.command import queue_group, with_nats, writer_command
from cloud_schema.vault_commands import vault_group
from cloud_schema.watching import dead_letters_group, hubs_command

if TYPE_CHECKING:
    from cloud_schema.queue.servers import NatsServers

DSN_HELP = (
    "PostgreSQL connection string; better in NEXA_CLOUD_DSN or --dsn-file, where a list of processes does not show it."
)
STOP_WITHIN_S = 3


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Installs the central schema and serves it to hubs."""


@cli.command("apply")
@with_database
@click.option("--dry-run", is_flag=True, help="Look whether it could be done and say what would be; change nothing.")
@click.option(
    "--lock-timeout-s",
    default=LOCK_TIMEOUT_S,
    show_default=True,
    type=click.FloatRange(0.1, 3600),
    help="How long to wait for a table that another transaction holds.",
)
@as_json_option
def apply_command(*, dsn: str, dry_run: bool, lock_timeout_s: float, as_json: bool) -> None:
    """Install the schema in the database DSN, upgrade it, or renew its functions.

    May run any number of times; interrupted, it goes on at the next call. Everything is checked before anything is changed.
    """

    def say(line: str) -> None:
        click.echo(line, err=as_json)

    summary = apply(dsn, say, dry_run=dry_run, lock_timeout_s=lock_timeout_s)
    if as_json:
        click.echo(json.dumps(summary.document(), indent=2))


@cli.command("claim-code")
@with_database
@click.option("--home", "home_id", required=True, help="Id of the home the hub shall serve.")
@click.option("--expires-in-s", default=86400, show_default=True, type=click.IntRange(60, 30 * 86400))
@as_json_option
def claim_code_command(*, dsn: str, home_id: str, expires_in_s: int, as_json: bool) -> None:
    """Make a one-time claim code for a home, and print it."""
    answer = issue_claim_code(dsn, home_id, expires_in_s)
    if as_json:
        click.echo(json.dumps(answer, indent=2))
        return
    click.echo(answer["claim_code"])
    click.echo(f"Valid once, until {answer['expires_at']}.", err=True)


@cli.command("gateway")
@click.option("--dsn", envvar="NEXA_CLOUD_DSN", help=DSN_HELP)
@click.option(
    "--dsn-file", type=click.Path(dir_okay=False, path_type=Path), help="File that holds the connection string."
)
@click.option(
    "--jwt-secret-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File that holds the secret; or NEXA_CLOUD_JWT_SECRET.",
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8787, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--trusted-proxies",
    default="127.0.0.1,::1",
    show_default=True,
    help="Addresses or networks, by commas, whose X-Forwarded-For is believed: the proxy with the certificate.",
)
@with_nats
def gateway_command(
    *,
    dsn: str | None,
    dsn_file: Path | None,
    jwt_secret_file: Path | None,
    host: str,
    port: int,
    trusted_proxies: str,
    servers: "NatsServers | None",
) -> None:
    """Serve the hub functions over HTTP until stopped.

    With --nats, records that may wait go into a queue, and `nexa-cloud writer` stores them.
    """
    import uvicorn

    from cloud_schema.gateway import create_app
    from cloud_schema.gateway.patience import KEEP_ALIVE_S, ImpatientProtocol

    dsn = dsn or _text_of(dsn_file)
    secret = _text_of(jwt_secret_file) or os.environ.get("NEXA_CLOUD_JWT_SECRET")
    if not dsn:
        raise ApplyError("No database given. Set NEXA_CLOUD_DSN, or use --dsn-file or --dsn.")
    if not secret:
        raise ApplyError(
            "No JWT secret given. Set NEXA_CLOUD_JWT_SECRET or use --jwt-secret-file; make one with `openssl rand -hex 32`."
        )
    try:
        app = create_app(dsn, secret, servers)
    except ValueError as err:
        raise ApplyError(f"{err} Make one with `openssl rand -hex 32`.") from err
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        http=ImpatientProtocol,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_WITHIN_S,
        proxy_headers=True,
        forwarded_allow_ips=trusted_proxies,
    )


for _command in (*COMMANDS, notify_command, vault_group, writer_command, queue_group, hubs_command, dead_letters_group):
    cli.add_command(_command)


def _text_of(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as err:
        raise ApplyError(f"{path} cannot be read: {err.strerror}.") from err


def main() -> None:
    """The console script: errors of the world in one line, and exit code 1."""
    try:
        cli(prog_name="nexa-cloud")
    except ApplyError as err:
        click.echo(f"Error: {err}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
