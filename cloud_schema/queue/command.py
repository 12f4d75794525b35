"""nexa-cloud writer, nexa-cloud queue status. The servers' addresses hold passwords: they come from a file or the environment."""

import asyncio
import functools
import importlib.util
import json
import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cloud_schema.connection import ApplyError
from cloud_schema.operating import as_json_option, with_database

if TYPE_CHECKING:
    from cloud_schema.queue.servers import NatsServers

_file = click.Path(dir_okay=False, path_type=Path)


def with_nats(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command --nats, --nats-file and --nats-ca-file, and hands it `servers` (None: nothing was given)."""

    @click.option(
        "--nats", "urls", help="NATS servers by commas: nats://user:password@host:4222, or tls://; or NEXA_CLOUD_NATS."
    )
    @click.option("--nats-file", type=_file, help="File that holds the servers. A list of processes does not show it.")
    @click.option(
        "--nats-ca-file", type=_file, help="Certificates of the authority that signed the servers', if it is your own."
    )
    @functools.wraps(command)
    def run(urls: str | None, nats_file: Path | None, nats_ca_file: Path | None, **options: Any) -> Any:
        return command(servers=_servers(urls, nats_file, nats_ca_file), **options)

    return run


def _servers(urls: str | None, nats_file: Path | None, ca_file: Path | None) -> "NatsServers | None":
    text = urls
    if text is None and nats_file is not None:
        try:
            text = nats_file.read_text(encoding="utf-8")
        except OSError as err:
            raise ApplyError(f"{nats_file} cannot be read: {err.strerror}.") from err
    text = (text if text is not None else os.environ.get("NEXA_CLOUD_NATS", "")).strip()
    if not text:
        return None
    if importlib.util.find_spec("nats") is None:
        raise ApplyError("The library for NATS is not installed: pip install 'nexa-hub[cloud,nats]'.")
    from cloud_schema.queue.servers import NatsServers

    return NatsServers.read(text, ca_file)


def _required(servers: "NatsServers | None") -> "NatsServers":
    if servers is None:
        raise ApplyError("No NATS servers given. Set NEXA_CLOUD_NATS, or use --nats-file or --nats.")
    return servers


@click.command("writer")
@with_database
@with_nats
@click.option(
    "--replicas",
    default=3,
    show_default=True,
    type=click.IntRange(1, 5),
    help="On how many of the servers each envelope is kept; 1 for a single server.",
)
def writer_command(*, dsn: str, servers: "NatsServers | None", replicas: int) -> None:
    """Store in the database DSN what gateways with --nats have queued.

    Run as many as you like, up to 16 of them share the work. Each envelope is stored once, however often it is tried. SIGTERM or
    Ctrl-C: what is under way is finished first.
    """
    given = _required(servers)
    from cloud_schema.queue.writer import Writer

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")

    async def write() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await Writer(dsn, given, replicas=replicas).run(stop)

    asyncio.run(write())


@click.group("queue")
def queue_group() -> None:
    """The queue between gateways and writers."""


@queue_group.command("status")
@with_nats
@as_json_option
def status_command(*, servers: "NatsServers | None", as_json: bool) -> None:
    """Say what waits, since when, and how the servers' copies stand."""
    given = _required(servers)
    import nats.errors

    from cloud_schema.queue.state import look

    try:
        state = asyncio.run(look(given))
    except (nats.errors.Error, OSError) as err:
        raise ApplyError(f"No queue can be reached at {given.shown}: {str(err) or type(err).__name__}.") from err
    if as_json:
        click.echo(json.dumps(state.document(), indent=2))
        return
    since = "" if state.oldest_s is None else f", the oldest for {state.oldest_s:.0f} s"
    click.echo(f"{state.waiting} envelopes wait ({state.bytes:,} bytes){since}.")
    behind = f", behind: {', '.join(state.copies_behind)}" if state.copies_behind else ""
    click.echo(f"{state.copies} copies, led by {state.leader or 'the only server'}{behind}.")
    if not any(each.writers_waiting or each.waiting for each in state.partitions):
        click.echo("No writer is asking for work.")
    for each in state.partitions:
        if each.waiting or each.redelivered:
            oldest = "" if each.oldest_s is None else f", the oldest for {each.oldest_s:.0f} s"
            click.echo(f"  partition {each.partition}: {each.waiting} wait{oldest}; {each.redelivered} came again")
