"""The rows to send, claimed and answered for through two functions of the database (sql/replaceable/05_notifier.sql)."""

from collections.abc import Sequence
from typing import Any

import psycopg

from cloud_schema.apply import ApplyError, connect

STATEMENT_TIMEOUT = "30s"
LEASE_S = 120


class Ledger:
    """One connection. What it raises as psycopg.OperationalError has lost it: open it again."""

    def __init__(self, dsn: str, worker: str, lease_s: float = LEASE_S) -> None:
        self._dsn = dsn
        self._worker = worker
        self._lease_s = lease_s
        self._connection: psycopg.Connection | None = None

    def open(self) -> None:
        """Raises ApplyError with what is wrong, in words."""
        self.close()
        with connect(self._dsn) as tried:
            row = tried.execute(
                "SELECT to_regprocedure('public.claim_notifications(text, integer, interval)') IS NOT NULL,"
                " has_function_privilege(to_regprocedure('public.claim_notifications(text, integer, interval)'), 'EXECUTE')"
            ).fetchone()
        if row is None or not row[0]:
            raise ApplyError("This database has no central schema of this version yet. Run `nexa-cloud apply` first.")
        if not row[1]:
            raise ApplyError("This login may not take notifications. GRANT service_role TO it.")
        self.reopen()

    def reopen(self) -> None:
        """The same without looking: for a database that was there before."""
        self.close()
        self._connection = psycopg.connect(
            self._dsn,
            autocommit=True,
            connect_timeout=5,
            application_name="nexa-notify",
            # Poolers in front of the database do not keep prepared statements.
            prepare_threshold=None,
            keepalives_idle=15,
        )

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def claim(self, rows_max: int) -> list[dict[str, Any]]:
        """Rows that are ours for the time of the lease."""
        return [
            row[0]
            for row in self._run(
                "SELECT public.claim_notifications(%s, %s, make_interval(secs => %s))",
                (self._worker, rows_max, self._lease_s),
            )
        ]

    def record(
        self,
        row: dict[str, Any],
        outcome: str,
        error: str | None = None,
        retry_in_s: float | None = None,
        details: str = "{}",
    ) -> str | None:
        """The row's status after it, or None if it is no longer ours."""
        found = self._run(
            "SELECT public.record_notification(%s, %s, %s, %s, %s, %s, %s::jsonb)",
            (row["id"], row["time"], row["lease"], outcome, error, retry_in_s, details),
        )
        status: str | None = found[0][0]
        return status

    def _run(self, statement: Any, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        if self._connection is None:
            raise psycopg.OperationalError("not connected")
        with self._connection.transaction():
            self._connection.execute("SELECT set_config('statement_timeout', %s, true)", (STATEMENT_TIMEOUT,))
            return self._connection.execute(statement, values).fetchall()
