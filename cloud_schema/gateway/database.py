"""The database behind the gateway: one transaction a call, under the caller's role and claims."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, LiteralString

import orjson
import psycopg
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from cloud_schema.gateway.admission import Admission
from cloud_schema.gateway.columns import rows_in
from cloud_schema.gateway.copying import stored_by_copy
from cloud_schema.gateway.metrics import Metrics
from cloud_schema.gateway.refusal import database_away, from_database, nested_too_deep
from cloud_schema.gateway.schema import Schema

CONNECTIONS_MAX = 10
CONNECTION_WAIT_S = 5.0
# They are served in the order in which they came, one call of a hub after the other: a hub with a backlog stands in line again for each envelope.
WAITING_MAX = 200
RECONNECT_S = 15.0
STATEMENT_TIMEOUT = "30s"
LOCK_TIMEOUT = "10s"

# The calls that may come in, each with its statement. A new function is one line.
STATEMENTS: Mapping[str, LiteralString] = {
    "hub_claim_v1": "SELECT public.hub_claim_v1(%s::jsonb)::text",
    "hub_token_v1": "SELECT public.hub_token_v1(%s::jsonb)::text",
    "hub_ingest_v1": "SELECT public.hub_ingest_v1(%s::jsonb)::text",
    "hub_changes_v1": "SELECT public.hub_changes_v1(%s::jsonb)::text",
    "hub_reconcile_v1": "SELECT public.hub_reconcile_v1(%s::jsonb)::text",
    "hub_command_v1": "SELECT public.hub_command_v1(%s::jsonb)::text",
    "hub_decide_conflict_v1": "SELECT public.hub_decide_conflict_v1(%s::jsonb)::text",
    "hub_issue_claim_code_v1": "SELECT public.hub_issue_claim_code_v1(%s::jsonb)::text",
}
BECOME: LiteralString = (
    "SELECT set_config('role', %s, true), set_config('request.jwt.claims', %s, true), set_config('request.headers', %s, true),"
    " set_config('statement_timeout', %s, true), set_config('lock_timeout', %s, true)"
)


class Database:
    def __init__(self, dsn: str, admission: Admission | None = None, metrics: Metrics | None = None) -> None:
        self._admission = admission or Admission()
        self._metrics = metrics = metrics or Metrics()
        self._schema = Schema()
        self._pool = AsyncConnectionPool(
            dsn,
            min_size=1,
            max_size=CONNECTIONS_MAX,
            timeout=CONNECTION_WAIT_S,
            max_waiting=WAITING_MAX,
            reconnect_timeout=RECONNECT_S,
            check=AsyncConnectionPool.check_connection,
            configure=self._schema.check,  # at the start and whenever the database comes back
            open=False,
            # Poolers in front of the database, and tests' proxies, do not keep prepared statements.
            kwargs={
                "autocommit": True,
                "prepare_threshold": None,
                "connect_timeout": 5,
                "application_name": "nexa-gateway",
            },
        )
        self._at_work = 0
        metrics.watch("nexa_gateway_database_connections", partial(self._pool_figure, "pool_available"), state="idle")
        metrics.watch("nexa_gateway_database_connections", partial(self._pool_figure, "pool_size"), state="all")
        metrics.watch("nexa_gateway_database_waiting", partial(self._pool_figure, "requests_waiting"))

    async def start(self) -> None:
        await self._pool.open()

    async def stop(self) -> None:
        await self._pool.close()

    async def require_ready(self) -> None:
        """Raises Refused while calls would be refused."""
        try:
            async with self._pool.connection() as connection:
                await self._schema.require(connection)
        except (PoolTimeout, PoolClosed) as err:
            raise database_away() from err
        except psycopg.Error as err:
            raise from_database(err, "service_role") from err

    async def call(
        self, function: str, claims: Mapping[str, Any], request: Mapping[str, Any], headers: Mapping[str, str]
    ) -> bytes:
        """The function's answer as JSON. `headers` are for the audit. Raises Refused."""
        role = str(claims["role"])
        hub_id = str(claims.get("hub_id")) if role == "hub" else None
        try:
            with self._admission.calling(hub_id):
                async with self._pool.connection() as connection:
                    with self._working():
                        await self._schema.require(connection)
                        return await self._answer(connection, function, claims, request, headers)
        except TooManyRequests as err:
            raise self._admission.busy() from err
        except (PoolTimeout, PoolClosed) as err:
            # Others have the connections, or nobody gets one.
            raise self._admission.busy() if self._at_work else database_away() from err
        except psycopg.Error as err:
            raise from_database(err, role) from err
        except orjson.JSONEncodeError as err:
            raise nested_too_deep() from err

    async def as_operator(self, *statements: tuple[LiteralString, Mapping[str, Any]]) -> None:
        """In one transaction, as service_role. Raises Refused."""
        try:
            async with self._pool.connection() as connection, connection.transaction():
                settings = ("service_role", "{}", "{}", STATEMENT_TIMEOUT, LOCK_TIMEOUT)
                await connection.execute(BECOME, settings)
                for statement, values in statements:
                    await connection.execute(statement, values)
        except (PoolTimeout, PoolClosed) as err:
            raise database_away() from err
        except psycopg.Error as err:
            raise from_database(err, "service_role") from err

    @contextmanager
    def _working(self) -> Iterator[None]:
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1

    async def _answer(
        self,
        connection: psycopg.AsyncConnection,
        function: str,
        claims: Mapping[str, Any],
        request: Mapping[str, Any],
        headers: Mapping[str, str],
    ) -> bytes:
        async with connection.transaction():
            settings = (str(claims["role"]), _json(claims), _json(headers), STATEMENT_TIMEOUT, LOCK_TIMEOUT)
            await connection.execute(BECOME, settings)
            if function == "hub_ingest_v1" and claims["role"] == "hub":
                rest = await stored_by_copy(connection, request)
                self._count_rows(request, rest)
                request = rest
            cursor = await connection.execute(STATEMENTS[function], (_json(request),))
            row = await cursor.fetchone()
        assert row is not None
        return str(row[0]).encode()

    def _pool_figure(self, name: str) -> float:
        return self._pool.get_stats().get(name, 0)

    def _count_rows(self, request: Mapping[str, Any], rest: Mapping[str, Any]) -> None:
        left = rows_in(rest)
        self._metrics.add("nexa_gateway_rows_total", left, way="function")
        self._metrics.add("nexa_gateway_rows_total", rows_in(request) - left, way="copy")


def _json(document: Mapping[str, Any]) -> str:
    return orjson.dumps(document).decode()
