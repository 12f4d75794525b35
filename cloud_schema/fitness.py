"""Whether a database can be brought to the schema, found out before anything in it is changed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from cloud_schema.connection import ApplyError
from cloud_schema.statements import ask, ask_one
from cloud_schema.versions import FIRST, Migration, migrations, schema_version

CONTRACT = Path(__file__).parent / "contract" / "contract.json"
SERVER_VERSION_MIN = 150000
KINDS = {
    "r": "table",
    "p": "table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
    "S": "sequence",
    "c": "type",
}
NAMED_MAX = 12


@dataclass(frozen=True)
class Found:
    """How far the database is. `version` None: nothing of ours is there yet."""

    version: int | None
    is_new: bool
    pending: tuple[Migration, ...]
    interrupted: str | None
    is_operator: bool


def examine(connection: psycopg.Connection) -> Found:
    """Raises ApplyError where the database does not fit; changes nothing."""
    if connection.info.server_version < SERVER_VERSION_MIN:
        raise ApplyError(
            f"PostgreSQL {connection.info.server_version // 10000} is too old: the schema needs 15 or later. Upgrade the server."
        )
    server = ask(connection, "server")[0]
    if server["is_standby"]:
        raise ApplyError("This server is a standby: it only repeats what the primary does. Connect to the primary.")
    if server["is_read_only"]:
        raise ApplyError(
            "This connection may only read (default_transaction_read_only is on). Connect to the primary, or as another user."
        )
    if server["has_versions"]:
        found = _by_its_table(connection, server)
        _require_ours(connection, compare_columns=False)
    else:
        _require_ours(connection, compare_columns=True)
        is_new = not ask_one(connection, "is_first_release")
        found = Found(
            version=None if is_new else FIRST,
            is_new=is_new,
            pending=tuple(migrations()),
            interrupted=None,
            is_operator=server["is_operator"],
        )
    if missing := list(_rights_missing(connection, server)):
        raise ApplyError(
            f"User {server['login']!r} lacks rights in database {server['database']!r}; nothing was changed. "
            + " ".join(missing)
        )
    return found


def _by_its_table(connection: psycopg.Connection, server: dict[str, Any]) -> Found:
    try:
        rows = ask(connection, "versions")
    except psycopg.errors.InsufficientPrivilege as err:
        raise ApplyError(
            f"User {server['login']!r} may not read public.hub_schema_versions: another user installed this schema. Connect as that user."
        ) from err
    except psycopg.errors.UndefinedColumn as err:
        raise ApplyError(
            "public.hub_schema_versions is not ours: it has other columns. Nothing was changed. Use another database, or rename it."
        ) from err
    _require_not_newer(rows)
    known = {row["version"]: row for row in rows}
    _require_unchanged(known)
    open_ones = [row for row in rows if row["applied_at"] is None]
    ended = [row["version"] for row in rows if row["applied_at"] is not None]
    return Found(
        version=max(ended, default=None),
        is_new=not ended,
        pending=tuple(one for one in migrations() if one.version not in ended),
        interrupted=f"{open_ones[0]['begun_at']:%Y-%m-%d %H:%M}" if open_ones else None,
        is_operator=server["is_operator"],
    )


def _require_not_newer(rows: list[dict[str, Any]]) -> None:
    newest = rows[-1] if rows else None
    if newest is not None and newest["version"] > schema_version():
        raise ApplyError(
            f"This database was installed by a newer nexa-cloud ({newest['applied_by_program']}): it has schema {newest['version']}, "
            f"and this program brings {schema_version()}. Upgrade the program. Nothing was changed."
        )


def _require_unchanged(known: dict[int, dict[str, Any]]) -> None:
    for one in migrations():
        row = known.get(one.version)
        for path, ran, is_now in (
            (one.pre, row and row["pre_sha256"], one.pre_sha256),
            (one.post, row and row["post_sha256"], one.post_sha256),
        ):
            if ran and ran != is_now:
                raise ApplyError(
                    f"migrations/{path.name if path else one.name} is not what ran in this database as schema {one.version}: "
                    "a migration never changes once it has run somewhere. Use the released program. Nothing was changed."
                )


@cache
def _contract() -> dict[str, Any]:
    contract: dict[str, Any] = json.loads(CONTRACT.read_text(encoding="utf-8"))
    return contract


def _expected() -> dict[tuple[str, str], tuple[str, set[str]]]:
    """Kind and columns of each relation of the contract, as we make them."""
    expected: dict[tuple[str, str], tuple[str, set[str]]] = {}
    for name, table in _contract()["tables"].items():
        columns = {column["name"] for column in table["columns"]}
        if table["hypertable"]:
            expected["ts", name] = ("table", columns)
            expected["public", name] = ("view", columns)
        else:
            expected["public", name] = ("table", columns)
    for kind in ("views", "materialized_views", "continuous_aggregates"):
        for name, view in _contract()[kind].items():
            expected["public", name] = ("view", {column["name"] for column in view["columns"]})
    return expected


def _require_ours(connection: psycopg.Connection, *, compare_columns: bool) -> None:
    expected = _expected()
    foreign, of_others = [], {}
    for row in ask(connection, "relations", names=sorted({name for _, name in expected})):
        place = (row["schema"], row["name"])
        if place not in expected:
            continue
        kind, columns = expected[place]
        full_name = f"{row['schema']}.{row['name']}"
        if KINDS[row["kind"]] != kind:
            foreign.append(f"{full_name} (a {KINDS[row['kind']]}, ours is a {kind})")
        elif compare_columns and (missing := columns - set(row["columns"])):
            foreign.append(f"{full_name} (has no {_some(missing)})")
        elif not row["is_ours_to_change"]:
            of_others[full_name] = row["owner"]
    for row in ask(connection, "enums", names=sorted(_contract()["enums"])):
        missing = set(_contract()["enums"][row["name"]]) - set(row["values"])
        if row["kind"] != "e" or (compare_columns and missing):
            foreign.append(f"public.{row['name']} (a type without {_some(missing)})")
    if foreign:
        raise ApplyError(
            f"This database has other things under our names: {_listed(foreign)}. They belong to another application, or to another "
            "version of this one. Nothing was changed. Use a database of its own, or rename them."
        )
    if of_others:
        owners = ", ".join(repr(owner) for owner in sorted(set(of_others.values())))
        raise ApplyError(
            f"Our tables here belong to {owners} ({_listed(list(of_others))}). Connect as that user, or as a member of it. Nothing was changed."
        )


def _rights_missing(connection: psycopg.Connection, server: dict[str, Any]) -> Iterator[str]:
    """Each a sentence with the remedy in it."""
    schemas = {row["name"]: row for row in ask(connection, "schemas")}
    login, database = server["login"], server["database"]
    if not server["may_create_schemas"] and not {"ts", "hub_sync", "auth"} <= schemas.keys():
        yield f'It may not create schemas: GRANT CREATE ON DATABASE "{database}" TO "{login}".'
    if not server["may_create_in_public"]:
        yield f'It may not create tables in schema public: GRANT CREATE ON SCHEMA public TO "{login}".'
    for name in ("ts", "hub_sync"):
        if name in schemas and not schemas[name]["may_create"]:
            yield f"Schema {name} belongs to {schemas[name]['owner']!r}: connect as that user."
    if server["roles_missing"] and not server["may_create_roles"]:
        roles = "; ".join(f"CREATE ROLE {role} NOLOGIN" for role in server["roles_missing"])
        yield f"Roles are missing and it may not create them (CREATEROLE): have an administrator run {roles}."
    if "auth" in schemas:
        yield from _auth_rights_missing(connection, server, schemas["auth"])


def _auth_rights_missing(connection: psycopg.Connection, server: dict[str, Any], auth: dict[str, Any]) -> Iterator[str]:
    login, owner = server["login"], auth["owner"]
    if not auth["may_use"]:
        yield f'It may not use schema auth of {owner!r}: GRANT USAGE ON SCHEMA auth TO "{login}".'
        return
    if not (server["has_auth_users"] and server["has_auth_uid"]) and not auth["may_create"]:
        yield f'Schema auth of {owner!r} has no users or no uid(), and it may not make them: GRANT CREATE ON SCHEMA auth TO "{login}".'
    if server["has_auth_users"] and not server["has_users"]:
        rights = ask(connection, "auth_rights")[0]
        if not rights["has_id"]:
            yield "auth.users has no column id of type uuid: it is not the platform's table."
        elif not rights["may_reference_users"]:
            yield f'It may not refer to auth.users: GRANT REFERENCES ON auth.users TO "{login}".'
    if server["has_auth_uid"] and not ask_one(connection, "uid_right"):
        yield f'It may not call auth.uid(): GRANT EXECUTE ON FUNCTION auth.uid() TO "{login}".'


def _some(names: set[str]) -> str:
    listed = sorted(names)
    return ", ".join(listed[:3]) + (" …" if len(listed) > 3 else "")


def _listed(names: list[str]) -> str:
    more = len(names) - NAMED_MAX
    return ", ".join(names[:NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
