"""Bulk streams by COPY into the base tables, within the transaction in which hub_ingest_v1 takes the rest of the envelope."""

from collections.abc import Mapping
from typing import Any, LiteralString

import orjson
import psycopg
from psycopg import sql

from cloud_schema.gateway.columns import NotPlain, Split, encode, split

# Only the gateway's login can become this role; a hub's token never does. It is taken back with the savepoint, or by BECOME_HUB.
BECOME_SERVICE: LiteralString = "SELECT set_config('role', 'service_role', true)"
BECOME_HUB: LiteralString = "SELECT set_config('role', 'hub', true)"
PLAN: LiteralString = "SELECT public.hub_columns_v1(%s::jsonb)"
# Worth trying the same again later, so nobody's fault (hub_sync.is_passing).
PASSING = frozenset({"08", "25", "40", "53", "55", "57", "58"})


async def stored_by_copy(connection: psycopg.AsyncConnection, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is left for hub_ingest_v1: all of the envelope, wherever anything in its columns is not plain."""
    parted = split(request)
    if parted is None:
        return request
    try:
        async with connection.transaction():
            await _store(connection, parted)
    except NotPlain:
        return request
    except psycopg.Error as err:
        if err.sqlstate is None or err.sqlstate[:2] in PASSING:
            raise
        return request
    return parted.rest


async def _store(connection: psycopg.AsyncConnection, parted: Split) -> None:
    await connection.execute(BECOME_SERVICE)
    described = orjson.dumps(parted.described()).decode()
    row = await (await connection.execute(PLAN, (described,))).fetchone()
    plans = row[0] if row else {}
    for stream in parted.streams:
        plan = plans.get(stream.name)
        if plan is None or plan["columns"] is None:
            raise NotPlain
        if lines := encode(stream, plan):
            names = sql.SQL(", ").join(sql.Identifier(column["name"]) for column in plan["columns"])
            statement = sql.SQL("COPY ts.{} ({}) FROM STDIN").format(sql.Identifier(plan["table"]), names)
            async with connection.cursor() as cursor, cursor.copy(statement) as copy:
                await copy.write(lines)
    await connection.execute(BECOME_HUB)
