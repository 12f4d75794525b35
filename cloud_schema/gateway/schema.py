"""Whether the database behind has a schema that this gateway speaks."""

import logging
import random
import time
from dataclasses import dataclass

import psycopg

from cloud_schema.gateway.refusal import Refused
from cloud_schema.versions import program_version, schema_version, version_parts

# An upgrade beneath a running gateway is noticed within this time; at a new connection it is asked for at once.
CHECK_EVERY_S = 60.0
CHECK_UNFIT_EVERY_S = 2.0
RETRY_AFTER_S = (20, 60)
VERSIONS = (
    "SELECT version, gateway_version_min FROM public.hub_schema_versions WHERE applied_at IS NOT NULL ORDER BY version"
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Unfit:
    """Why calls are refused, and what the operator does."""

    details: str
    message: str
    hint: str

    def refused(self) -> Refused:
        retry_after_s = random.randint(*RETRY_AFTER_S)
        return Refused(503, "PT503", self.message, self.details, hint=self.hint, retry_after_s=retry_after_s)


def judged(versions: list[tuple[int, str | None]], needed: int, program: str) -> Unfit | None:
    """`versions`: those of the database that were applied whole, each with the oldest gateway that fits it."""
    found = versions[-1][0] if versions else None
    if found is None or found < needed:
        has = "has no central schema" if found is None else f"has schema {found}"
        return Unfit(
            "schema_too_old", f"The database {has}, and this gateway needs {needed}.", "Run `nexa-cloud apply`."
        )
    for version, gateway_version_min in versions:
        if version > needed and gateway_version_min and version_parts(program) < version_parts(gateway_version_min):
            return Unfit(
                "gateway_too_old",
                f"The database has schema {found}, which needs a gateway of {gateway_version_min} or later; this is {program}.",
                "Upgrade the gateway.",
            )
    return None


class Schema:
    """Remembers what was found, asks again now and then, and says a change once."""

    def __init__(self) -> None:
        self._unfit: Unfit | None = None
        self._check_at = 0.0

    async def require(self, connection: psycopg.AsyncConnection) -> None:
        """Raises Refused while the database does not fit."""
        if time.monotonic() >= self._check_at:
            await self.check(connection)
        if self._unfit is not None:
            raise self._unfit.refused()

    async def check(self, connection: psycopg.AsyncConnection) -> None:
        try:
            unfit = judged(await _versions(connection), schema_version(), program_version())
        except psycopg.errors.InsufficientPrivilege as err:
            unfit = Unfit(
                "rights_missing",
                f"The gateway's login may not find out the schema's version: {str(err).strip()}.",
                "GRANT anon, authenticated, service_role, hub TO it, or run `nexa-cloud apply` to its end.",
            )
        if unfit != self._unfit:
            if unfit is None:
                log.info("the database's schema fits now")
            else:
                log.error("%s %s", unfit.message, unfit.hint)
        self._unfit = unfit
        self._check_at = time.monotonic() + (CHECK_EVERY_S if unfit is None else CHECK_UNFIT_EVERY_S)


async def _versions(connection: psycopg.AsyncConnection) -> list[tuple[int, str | None]]:
    try:
        async with connection.transaction():
            await connection.execute("SELECT set_config('role', 'service_role', true)")
            return await (await connection.execute(VERSIONS)).fetchall()
    except psycopg.errors.UndefinedTable:
        is_first_release = await connection.execute("SELECT to_regnamespace('hub_sync') IS NOT NULL")
        row = await is_first_release.fetchone()
        return [(1, None)] if row and row[0] else []
    except psycopg.errors.InvalidParameterValue:
        return []  # no such role either: nothing was ever installed on this server
