"""What operators see of hubs, and what they do about what was refused: `nexa-cloud hubs`, `nexa-cloud dead-letters`."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import psycopg
from psycopg.rows import dict_row

from cloud_schema.connection import ApplyError, connect, first_line
from cloud_schema.operating import as_json_option, with_database

HUBS = """
    SELECT o.*, h.doubled_at FROM hub_sync_overview o JOIN hub_hubs h ON h.id = o.hub_id
    WHERE (%(home)s::uuid IS NULL OR o.home_id = %(home)s) AND o.retired_at IS NULL
    ORDER BY o.last_seen_at NULLS FIRST, o.hub_id
"""
STREAMS = """
    SELECT * FROM hub_stream_positions
    WHERE home_id = %(home)s AND (mark > 0 OR made > 0 OR shed > 0 OR refused > 0)
    ORDER BY hub_id, stream
"""
LETTERS = """
    SELECT * FROM hub_dead_letters
    WHERE (%(home)s::uuid IS NULL OR home_id = %(home)s) AND (%(hub)s::uuid IS NULL OR hub_id = %(hub)s)
      AND (%(stream)s::text IS NULL OR stream = %(stream)s)
    ORDER BY id LIMIT %(limit)s
"""
LETTERS_SHOWN = 1000

Found = list[dict[str, Any]]

home_option = click.option("--home", "home_id", help="Only this home, by its id.")
hub_option = click.option("--hub", "hub_id", help="Only this hub, by its id.")
stream_option = click.option("--stream", help="Only this stream or kind of case.")


@click.command("hubs")
@with_database
@home_option
@as_json_option
def hubs_command(*, dsn: str, home_id: str | None, as_json: bool) -> None:
    """Show how the link to each hub stands: last heard, waiting, shed, refused, in conflict; of one home by stream.

    Those that were not heard of for the longest time come first.
    """
    home = _id(home_id)
    hubs = _read(dsn, HUBS, home=home)
    # Of all homes that would be hundreds of thousands of rows, which nobody looks at.
    if home is not None:
        streams = _read(dsn, STREAMS, home=home)
        for hub in hubs:
            hub["streams"] = [each for each in streams if each["hub_id"] == hub["hub_id"]]
    if as_json:
        click.echo(json.dumps({"hubs": hubs}, indent=2, default=str))
        return
    for line in [line for hub in hubs for line in _hub_in_words(hub, with_streams=home is not None)] or ["No hub."]:
        click.echo(line)


@click.group("dead-letters")
def dead_letters_group() -> None:
    """What hubs sent and could not be stored."""


@dead_letters_group.command("list")
@with_database
@home_option
@hub_option
@stream_option
@as_json_option
def list_command(*, dsn: str, home_id: str | None, hub_id: str | None, stream: str | None, as_json: bool) -> None:
    """List what was refused, with the reason; the oldest first, at most 1,000."""
    found = _read(dsn, LETTERS, home=_id(home_id), hub=_id(hub_id), stream=stream, limit=LETTERS_SHOWN)
    if as_json:
        click.echo(json.dumps({"letters": found}, indent=2, default=str))
        return
    for letter in found:
        number = "" if letter["seq"] is None else f" {letter['seq']}"
        often = "" if letter["times"] == 1 else f" ({letter['times']} times)"
        click.echo(f"{letter['id']}  {letter['stream']}{number}, home {letter['home_id']}: {letter['reason']}{often}")
    if not found:
        click.echo("No dead letters.")


@dead_letters_group.command("replay")
@with_database
@home_option
@hub_option
@stream_option
@click.option("--id", "ids", type=int, multiple=True, help="Only this letter; may be given several times.")
@click.option("--all", "is_all", is_flag=True, help="Those of all homes.")
@click.option("--dry-run", is_flag=True, help="Say what would go in; store nothing.")
@as_json_option
def replay_command(
    *,
    dsn: str,
    home_id: str | None,
    hub_id: str | None,
    stream: str | None,
    ids: tuple[int, ...],
    is_all: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Try letters again after what was in the way has been put right. What goes in is a letter no longer."""
    if not (home_id or hub_id or stream or ids or is_all):
        raise click.UsageError("Say which: --home, --hub, --stream, --id, or --all.")
    request: dict[str, Any] = {"dry_run": dry_run, "stream": stream}
    request |= {"home_id": home_id and str(_id(home_id)), "hub_id": hub_id and str(_id(hub_id))}
    letters = _replay(dsn, {key: value for key, value in request.items() if value} | ({"ids": ids} if ids else {}))
    stored = sum(letter["is_stored"] for letter in letters)
    if as_json:
        click.echo(json.dumps({"tried": len(letters), "stored": stored, "letters": letters}, indent=2))
        return
    for letter in letters:
        if not letter["is_stored"]:
            click.echo(f"{letter['id']}  {letter['stream']}: {letter['reason']}")
    would = "would go in" if dry_run else "went in"
    click.echo(f"{stored} {would}, {len(letters) - stored} are still refused.")


def _replay(dsn: str, request: dict[str, Any]) -> Found:
    """Page by page, each in a transaction of its own: what went in stays in."""
    letters: Found = []
    with _asking(dsn) as db:
        while True:
            after = {"after": letters[-1]["id"]} if letters else {}
            row = db.execute("SELECT hub_replay_dead_letters_v1(%s::jsonb)", (json.dumps(request | after),)).fetchone()
            assert row is not None
            letters += row[0]["letters"]
            if not row[0]["more"]:
                return letters


def _read(dsn: str, query: str, **values: Any) -> Found:
    with _asking(dsn) as db, db.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, values).fetchall()


@contextmanager
def _asking(dsn: str) -> Iterator[psycopg.Connection]:
    with connect(dsn) as db:
        try:
            yield db
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction) as err:
            raise ApplyError(
                "This database's schema is none or older than this program. Run `nexa-cloud apply` first."
            ) from err
        except psycopg.Error as err:
            raise ApplyError(first_line(err)) from err


def _id(given: str | None) -> uuid.UUID | None:
    try:
        return None if given is None else uuid.UUID(given)
    except ValueError:
        raise ApplyError(f"{given} is no id.") from None


def _hub_in_words(hub: dict[str, Any], *, with_streams: bool) -> list[str]:
    heard = "never heard" if hub["last_seen_at"] is None else f"last heard {hub['last_seen_at']:%Y-%m-%d %H:%M:%S %Z}"
    since = "" if hub["oldest_waiting_at"] is None else f" since {hub['oldest_waiting_at']:%Y-%m-%d %H:%M}"
    counted = [
        f"{hub['waiting']} records waiting{since}",
        *(f"{hub[name]} {word}" for name, word in _TROUBLES if hub[name]),
    ]
    lines = [
        f"{hub['hub_name']} of home {hub['home_id']}: {heard}, agent {hub['agent_version'] or 'unknown'}",
        f"  {', '.join(counted)}",
    ]
    if hub["doubled_at"] is not None:
        lines.append(
            f"  two machines live under its identity, last seen {hub['doubled_at']:%Y-%m-%d %H:%M}: claim one of them anew"
        )
    return lines + ([f"  {_stream_in_words(each)}" for each in hub["streams"]] if with_streams else [])


_TROUBLES = (
    ("shed", "shed for lack of room"),
    ("refused", "refused"),
    ("undated", "with unconfirmed times"),
    ("in_conflict", "definitions in conflict"),
    ("failed", "definitions failed"),
    ("pending", "definitions not taken over yet"),
    ("commands_waiting", "commands waiting"),
)


def _stream_in_words(stream: dict[str, Any]) -> str:
    said = [f"stored up to {stream['mark'] or 0}"]
    if stream["waiting"]:
        said.append(f"{stream['waiting']} waiting")
    if stream["shed"]:
        said.append(f"{stream['shed']} shed ({'; '.join(stream['shed_reasons'])})")
    if stream["refused"]:
        said.append(f"{stream['refused']} refused ({stream['newest_refusal']})")
    return f"{stream['stream']}: {', '.join(said)}"
