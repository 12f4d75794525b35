"""Compares a catalogue with the contract, both ways. Pure: it is handed both and answers with findings.

A finding has a key, `<problem> <kind> <name>`, by which contract/differences.json accepts what differs on purpose.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from cloud_schema.catalogue import Catalogue, Row

Problem = Literal["missing", "wrong", "extra", "unsafe"]


@dataclass(frozen=True)
class Finding:
    """Something that is not as the contract says. `expected` and `found` are shown, and compared with what is declared."""

    problem: Problem
    kind: str
    name: str
    expected: Any = None
    found: Any = None

    @property
    def key(self) -> str:
        return f"{self.problem} {self.kind} {self.name}"


def compare(contract: dict[str, Any], catalogue: Catalogue, left_out: dict[str, str]) -> Iterator[Finding]:
    """Every difference, deliberate or not. `left_out` names the contract's indexes that are not wanted."""
    yield from _relations(contract, catalogue)
    yield from _enums(contract, catalogue)
    for table, entry in contract["tables"].items():
        schema = "ts" if entry["hypertable"] else "public"
        if catalogue.relation(schema, table) is None:
            continue
        yield from _columns(table, entry["columns"], catalogue.of(catalogue.columns, schema, table))
        constraints = catalogue.of(catalogue.constraints, schema, table)
        yield from _keys(table, entry, constraints, catalogue.of(catalogue.indexes, schema, table))
        yield from _references(table, entry["columns"], constraints)
        yield from _checks(table, entry["columns"], constraints)
        if entry["hypertable"]:
            yield from _declared_settings(table, entry["hypertable"], catalogue)
            yield from _view_of(table, catalogue)
    yield from _summaries(contract, catalogue)
    yield from _indexes(contract, catalogue, left_out)
    yield from _functions(contract, catalogue)
    yield from _triggers(contract, catalogue)
    yield from _policies(contract, catalogue)
    yield from _declared_policies(catalogue)
    yield from _isolation(catalogue)
    yield from _engine(contract, catalogue)


def base_schema(contract: dict[str, Any], name: str) -> str:
    """Where a relation's rows lie: `public`, or `ts` behind a view."""
    entry = contract["tables"].get(name)
    behind = {*contract["continuous_aggregates"], *contract["materialized_views"]}
    return "ts" if name in behind or (entry and entry["hypertable"]) else "public"


def is_ours(name: str) -> bool:
    """What hubs need comes on top of the contract, under one prefix."""
    return name.startswith("hub_")


def _relations(contract: dict[str, Any], catalogue: Catalogue) -> Iterator[Finding]:
    behind_views = {*contract["continuous_aggregates"], *contract["materialized_views"]}
    known = {*contract["tables"], *behind_views, *contract["views"]}
    for name in contract["tables"]:
        if catalogue.relation(base_schema(contract, name), name) is None:
            yield Finding("missing", "table", name)
    for name in sorted(known - set(contract["tables"])):
        if catalogue.relation(base_schema(contract, name), name) is None:
            yield Finding("missing", "view" if name in contract["views"] else "summary", name)
    kinds = {"r": "table", "p": "table", "v": "view", "m": "materialized view", "f": "foreign table"}
    for row in catalogue.relations:
        if row["schema"] == "public" and row["name"] not in known and not is_ours(row["name"]):
            yield Finding("extra", kinds[row["kind"]], row["name"])


def _enums(contract: dict[str, Any], catalogue: Catalogue) -> Iterator[Finding]:
    found = {row["name"]: row["values"] for row in catalogue.enums}
    for name, values in contract["enums"].items():
        if name not in found:
            yield Finding("missing", "enum", name, values)
        elif found[name] != values:
            yield Finding("wrong", "enum", name, values, found[name])
    for name in sorted(found.keys() - contract["enums"].keys()):
        if not is_ours(name):
            yield Finding("extra", "enum", name, found=found[name])


def _columns(table: str, expected: list[Row], rows: list[Row]) -> Iterator[Finding]:
    found = {row["name"]: row for row in rows}
    for column in expected:
        name = f"{table}.{column['name']}"
        row = found.pop(column["name"], None)
        if row is None:
            yield Finding("missing", "column", name, column["type"])
            continue
        if row["type"] != column["type"]:
            yield Finding("wrong", "type", name, column["type"], row["type"])
        if row["is_nullable"] != column["nullable"]:
            words = {True: "NULL", False: "NOT NULL"}
            yield Finding("wrong", "nullability", name, words[column["nullable"]], words[row["is_nullable"]])
        wanted, default = _wanted_default(column), _found_default(row["default"])
        if wanted != default:
            yield Finding("wrong", "default", name, wanted, default)
    for extra in found:
        yield Finding("extra", "column", f"{table}.{extra}")


def _wanted_default(column: Row) -> str | None:
    """In one spelling for both sides: calls as they are, documents as sorted JSON, everything else as its text."""
    if "default" not in column:
        return None
    default = column["default"]
    if isinstance(default, dict):
        if "call" in default:
            return {"now": "now()", "random_uuid": "gen_random_uuid()"}[default["call"]]
        return json.dumps(default["json"], sort_keys=True)
    if isinstance(default, list):
        return "{" + ",".join(default) + "}"
    return str(default).lower() if isinstance(default, bool) else str(default)


def _found_default(expression: str | None) -> str | None:
    if expression is None:
        return None
    literal = re.fullmatch(r"'((?:[^']|'')*)'::(.+)", expression)
    if literal is None:
        return expression
    text, kind = literal[1].replace("''", "'"), literal[2]
    return json.dumps(json.loads(text), sort_keys=True) if kind == "jsonb" else text


def _keys(table: str, entry: Row, constraints: list[Row], indexes: list[Row]) -> Iterator[Finding]:
    primary: list[str] = next((row["columns"] for row in constraints if row["kind"] == "p"), [])
    if primary != (entry["primary_key"] or []):
        problem: Problem = "missing" if not primary else "wrong"
        yield Finding(problem, "primary key", table, entry["primary_key"], primary or None)
    unique = [row["columns"] for row in constraints if row["kind"] == "u"]
    also_unique = [row["columns"] for row in indexes if row["is_unique"] and row["predicate"] is None]
    for columns in entry["unique"]:
        if columns not in unique and columns not in also_unique:
            yield Finding("missing", "unique constraint", f"{table}({', '.join(columns)})")
    for columns in unique:
        if columns not in entry["unique"]:
            yield Finding("extra", "unique constraint", f"{table}({', '.join(columns)})")


def _references(table: str, columns: list[Row], constraints: list[Row]) -> Iterator[Finding]:
    found = {row["columns"][0]: row for row in constraints if row["kind"] == "f" and len(row["columns"]) == 1}
    for column in columns:
        name = f"{table}.{column['name']}"
        row = found.pop(column["name"], None)
        if "references" not in column:
            if row is not None:
                yield Finding("extra", "foreign key", name, found=row["definition"])
            continue
        wanted = f"{column['references']['table']}, on delete {column['references']['on_delete']}"
        if row is None:
            yield Finding("missing", "foreign key", name, wanted)
            continue
        seen = f"{row['target']}, on delete {row['on_delete']}"
        if seen != wanted:
            yield Finding("wrong", "foreign key", name, wanted, seen)


def _checks(table: str, columns: list[Row], constraints: list[Row]) -> Iterator[Finding]:
    checks = [row for row in constraints if row["kind"] == "c"]
    accounted: set[str] = set()
    for column in columns:
        name = f"{table}.{column['name']}"
        of_column = [row for row in checks if row["columns"] == [column["name"]]]
        if allowed := column.get("allowed_values"):
            lists = {row["name"]: _literals(row["definition"]) for row in of_column}
            lists = {check: values for check, values in lists.items() if values}
            accounted |= lists.keys()
            if not lists:
                yield Finding("missing", "list of values", name, sorted(allowed))
            elif sorted(allowed) not in lists.values():
                yield Finding("wrong", "list of values", name, sorted(allowed), next(iter(lists.values())))
        if bounds := column.get("range"):
            ranges = {row["name"]: _numbers(row["definition"]) for row in of_column}
            ranges = {check: numbers for check, numbers in ranges.items() if len(numbers) == 2}
            accounted |= ranges.keys()
            if not ranges:
                yield Finding("missing", "range", name, bounds)
            elif sorted(bounds) not in ranges.values():
                yield Finding("wrong", "range", name, bounds, next(iter(ranges.values())))
    for row in checks:
        if row["name"] not in accounted:
            yield Finding("extra", "check", f"{table}.{row['name']}", found=row["definition"])
        if not row["is_validated"]:
            yield Finding("wrong", "check", f"{table}.{row['name']}", "validated", "not validated")


def _literals(definition: str) -> list[str]:
    return sorted(text.replace("''", "'") for text in re.findall(r"'((?:[^']|'')*)'", definition) if text[:1] != "{")


def _numbers(definition: str) -> list[float]:
    return sorted(float(text) for text in re.findall(r"(?<![\w'\"])\d+(?:\.\d+)?(?![\w'\"])", definition))


def _declared_settings(table: str, expected: Row, catalogue: Catalogue) -> Iterator[Finding]:
    declared = next((row for row in catalogue.declared_hypertables if row["table_name"] == table), None)
    if declared is None:
        yield Finding("missing", "hypertable declaration", table)
        return
    for setting in ("time_column", "segment_by", "order_by", "compress_after", "retain_for"):
        if declared[setting] != expected[setting]:
            yield Finding("wrong", f"hypertable {setting}", table, expected[setting], declared[setting])


def _view_of(name: str, catalogue: Catalogue) -> Iterator[Finding]:
    """A relation behind a view: the view shows all of it, and row by row."""
    view = catalogue.relation("public", name)
    if view is None or view["kind"] != "v":
        yield Finding("missing", "view", name)
        return
    shown, base = (
        [(row["name"], row["type"]) for row in catalogue.of(catalogue.columns, schema, name)]
        for schema in ("public", "ts")
    )
    if shown != base:
        yield Finding("wrong", "columns of view", name, [one for one, _ in base], [one for one, _ in shown])
    if not any(re.fullmatch(r"security_barrier(=(true|on|1))?", option) for option in view["options"]):
        yield Finding("unsafe", "view", name, "security_barrier", None)


def _summaries(contract: dict[str, Any], catalogue: Catalogue) -> Iterator[Finding]:
    for kind in ("continuous_aggregates", "materialized_views", "views"):
        for name, entry in contract[kind].items():
            schema = base_schema(contract, name)
            if catalogue.relation(schema, name) is None:
                continue
            found = {row["name"]: row["type"] for row in catalogue.of(catalogue.columns, schema, name)}
            for column in entry["columns"]:
                seen = found.pop(column["name"], None)
                if seen is None:
                    yield Finding("missing", "column", f"{name}.{column['name']}", column["type"])
                elif seen != column["type"]:
                    yield Finding("wrong", "type", f"{name}.{column['name']}", column["type"], seen)
            for extra in found:
                yield Finding("extra", "column", f"{name}.{extra}")
            if schema == "ts":
                yield from _view_of(name, catalogue)
            if kind == "materialized_views" and not any(
                row["is_unique"] for row in catalogue.of(catalogue.indexes, "ts", name)
            ):
                yield Finding("missing", "unique index", name)


def _indexes(contract: dict[str, Any], catalogue: Catalogue, left_out: dict[str, str]) -> Iterator[Finding]:
    wanted: dict[tuple[Any, ...], str] = {}
    for index in contract["indexes"]:
        if index["origin"] == "index":
            shape = (index["table"], tuple(index["columns"]), index["method"], index["partial"])
            wanted.setdefault(shape, index["name"])
    references = {
        (row["relation"], row["columns"][0]) for row in catalogue.constraints if row["kind"] == "f" and row["columns"]
    }
    time_columns = {name: entry["hypertable"]["time_column"] for name, entry in _hypertables(contract)}
    found = set()
    for row in catalogue.indexes:
        shape = (row["relation"], tuple(row["columns"]), row["method"], row["predicate"] is not None)
        found.add(shape)
        name = f"{row['relation']}.{row['name']}"
        if not row["is_valid"]:
            yield Finding("wrong", "index", name, "valid", "invalid: it was being built when something failed")
        if (
            row["is_of_constraint"]
            or is_ours(row["relation"])
            or is_ours(row["name"])
            or row["relation"] not in contract["tables"]
        ):
            continue
        # Made by create_hypertable, and kept: chunks are found by it.
        is_engines = row["columns"] == [f'"{time_columns.get(row["relation"])}" desc'] or (
            row["columns"] == [f"{time_columns.get(row['relation'])} desc"] and row["name"].endswith("_idx")
        )
        if catalogue.engine.has_hypertables and is_engines:
            continue
        if shape in wanted and wanted[shape] in left_out:
            yield Finding("extra", "index", name, "left out, says indexes_left_out.json", left_out[wanted[shape]])
        if shape not in wanted and (row["relation"], row["columns"][0]) not in references:
            yield Finding("extra", "index", name, found=", ".join(row["columns"]))
    for shape, name in wanted.items():
        if shape not in found and name not in left_out:
            yield Finding("missing", "index", f"{shape[0]}.{name}", ", ".join(shape[1]))


def _functions(contract: dict[str, Any], catalogue: Catalogue) -> Iterator[Finding]:
    found = {(row["name"], row["arguments"]): row for row in catalogue.functions if row["schema"] == "public"}
    for entry in contract["functions"]:
        name = f"{entry['name']}({entry['args']})"
        row = found.pop((entry["name"], entry["args"]), None)
        if row is None:
            yield Finding("missing", "function", name, entry["returns"])
            continue
        if row["returns"] != entry["returns"]:
            yield Finding("wrong", "result of function", name, entry["returns"], row["returns"])
        if row["is_definer"] != entry["security_definer"]:
            words = {True: "SECURITY DEFINER", False: "SECURITY INVOKER"}
            yield Finding(
                "wrong", "rights of function", name, words[entry["security_definer"]], words[row["is_definer"]]
            )
    for name, arguments in found:
        if not is_ours(name):
            yield Finding("extra", "function", f"{name}({arguments})")


def _triggers(contract: dict[str, Any], catalogue: Catalogue) -> Iterator[Finding]:
    found = {(row["relation"], row["name"]): row for row in catalogue.triggers}
    for entry in contract["triggers"]:
        name = f"{entry['table']}.{entry['name']}"
        row = found.pop((entry["table"], entry["name"]), None)
        if row is None:
            yield Finding("missing", "trigger", name)
            continue
        wanted, seen = (
            f"{one['timing']} {' or '.join(sorted(one['events']))} for each {one['level']}: {one['function']}"
            + (" when ..." if is_conditional else "")
            for one, is_conditional in ((entry, entry["conditional"]), (row, row["is_conditional"]))
        )
        if wanted != seen:
            yield Finding("wrong", "trigger", name, wanted, seen)
        if not row["is_enabled"]:
            yield Finding("wrong", "trigger", name, "enabled", "disabled")
    for (table, name), row in found.items():
        if not is_ours(name) and not is_ours(table):
            yield Finding("extra", "trigger", f"{table}.{name}", found=row["function"])


def _policies(contract: dict[str, Any], catalogue: Catalogue) -> Iterator[Finding]:
    """By table and command: on the hypertables a policy is what the view and the grant on it allow."""
    commands: dict[tuple[str, str], set[str]] = {}
    for row in catalogue.policies:
        covered = ("SELECT", "INSERT", "UPDATE", "DELETE") if row["command"] == "ALL" else (row["command"],)
        for command in covered:
            commands.setdefault((row["relation"], command), set()).add(row["name"])
    through_views = {(row["relation"], row["command"]) for row in catalogue.view_rights}
    for entry in contract["policies"]:
        wanted = ("SELECT", "INSERT", "UPDATE", "DELETE") if entry["command"] == "ALL" else (entry["command"],)
        is_view = contract["tables"][entry["table"]]["hypertable"] is not None
        there: Iterable[tuple[str, str]] = through_views if is_view else commands
        lacking = [command for command in wanted if (entry["table"], command) not in there]
        if lacking:
            yield Finding("missing", "policy", f"{entry['table']}.{entry['name']}", " ".join(lacking))


def _declared_policies(catalogue: Catalogue) -> Iterator[Finding]:
    """The policies are made from hub_sync.access_rules: whatever else there is, somebody has added by hand."""
    declared = {(row["relation"], row["name"]): row for row in catalogue.declared_policies}
    relations = {(row["schema"], row["name"]): row["kind"] for row in catalogue.relations}
    of_somebody = {row["relation"] for row in catalogue.columns if row["name"] in {"home_id", "user_id", "owner_id"}}
    there = set()
    for row in catalogue.policies:
        name = f"{row['relation']}.{row['name']}"
        there.add((row["relation"], row["name"]))
        if row["roles"] == ["service_role"]:
            continue
        rule = declared.get((row["relation"], row["name"]))
        if rule is None:
            yield Finding("extra", "policy", name, found=f"{row['command']} to {', '.join(row['roles'])}")
        elif rule["command"] != row["command"] or rule["is_restrictive"] == row["is_permissive"]:
            yield Finding("wrong", "policy", name, rule["command"], row["command"])
        elif row["is_permissive"] and "true" in (row["using"], row["check"]) and row["relation"] in of_somebody:
            yield Finding("unsafe", "policy", name, "a condition", "every row")
    for row in catalogue.altered_policies:
        yield Finding("wrong", "policy", f"{row['relation']}.{row['name']}", row["expected"], row["found"])
    for (relation, name), rule in declared.items():
        if (relation, name) not in there and relations.get(("public", relation)) in {"r", "p"}:
            yield Finding("missing", "policy", f"{relation}.{name}", rule["command"])


def _isolation(catalogue: Catalogue) -> Iterator[Finding]:
    guarded = {row["relation"] for row in catalogue.policies}
    for row in catalogue.relations:
        if row["schema"] == "public" and row["kind"] in "rp":
            if not row["has_rls"]:
                yield Finding("unsafe", "row-level security", row["name"], "on", "off")
            if row["name"] not in guarded:
                yield Finding("unsafe", "table without a policy", row["name"])
    for row in catalogue.functions:
        if row["is_definer"] and not row["has_search_path"]:
            yield Finding(
                "unsafe", "search_path of function", f"{row['schema']}.{row['name']}", "fixed", "the caller's"
            )
        strangers = [caller for caller in row["callers"] if caller in {"anon", "hub"}]
        if row["returns"] != "trigger" and strangers and not is_ours(row["name"]):
            name = f"{', '.join(strangers)} EXECUTE on {row['schema']}.{row['name']}"
            yield Finding("unsafe", "right", name, found=row["arguments"])
    for row in catalogue.rights_off:
        problem: Problem = "unsafe" if row["is_there"] else "missing"
        yield Finding(problem, "right", f"authenticated {row['command']} on public.{row['place']}")
    for row in catalogue.client_reach:
        place = f"{row['schema']}.{row['relation']}" if row["relation"] else f"schema {row['schema']}"
        yield Finding("unsafe", "right", f"{row['role']} {row['privilege']} on {place}", found=row["role"])


def _engine(contract: dict[str, Any], catalogue: Catalogue) -> Iterator[Finding]:
    """What TimescaleDB has been told, against what is declared in ts.hypertables and in the contract."""
    if not catalogue.engine.has_hypertables:
        return
    made = {row["name"]: row for row in catalogue.engine_hypertables}
    settings = {row["name"]: row for row in catalogue.engine_compression}
    policies = {(row["name"], row["policy"]): row for row in catalogue.engine_policies}
    for declared in catalogue.declared_hypertables:
        name = declared["table_name"]
        if name not in made:
            yield Finding("missing", "hypertable", name, found="a plain table")
            continue
        if not catalogue.engine.has_community:
            continue
        if declared["compress_after"]:
            if not made[name]["is_compressed"]:
                yield Finding("missing", "compression", name)
            for setting in ("segment_by", "order_by"):
                seen = settings.get(name, {}).get(setting)
                if seen != declared[setting] and made[name]["is_compressed"]:
                    yield Finding("wrong", f"compression {setting}", name, declared[setting], seen)
        for policy, setting in (("policy_compression", "compress_after"), ("policy_retention", "retain_for")):
            row = policies.get((name, policy))
            if row is None and declared[setting]:
                yield Finding("missing", policy.replace("_", " "), name, declared[setting])
            elif row is not None and row[setting] != declared[setting]:
                yield Finding("wrong", policy.replace("_", " "), name, declared[setting], row[setting])
            elif row is not None and not row["is_scheduled"]:
                yield Finding("wrong", policy.replace("_", " "), name, "scheduled", "switched off")
    if catalogue.engine.has_community:
        yield from _aggregates(contract, catalogue, policies)


def _aggregates(
    contract: dict[str, Any], catalogue: Catalogue, policies: dict[tuple[str, str], Row]
) -> Iterator[Finding]:
    aggregates = {row["name"]: row for row in catalogue.engine_aggregates}
    for name, entry in contract["continuous_aggregates"].items():
        if name not in aggregates:
            yield Finding("missing", "continuous aggregate", name, found="not one of the engine's")
            continue
        if aggregates[name]["is_materialized_only"]:
            yield Finding("wrong", "continuous aggregate", name, "with its newest rows", "without its newest rows")
        refresh = "policy_refresh_continuous_aggregate"
        row = policies.get((aggregates[name]["materialized_as"], refresh)) or policies.get((name, refresh))
        wanted = entry["refresh_policy"]
        if row is None:
            yield Finding("missing", "refresh policy", name, wanted)
            continue
        for setting in ("start_offset", "end_offset"):
            if row[setting] != _as_printed(wanted[setting]):
                yield Finding("wrong", f"refresh policy {setting}", name, wanted[setting], row[setting])
    if ("", "catch_up_aggregates") not in policies:
        yield Finding("missing", "job", "catch_up_aggregates", found="late rows do not reach the aggregates")


def _as_printed(interval: str) -> str:
    """The database prints hours as a time of day: `3 hours` as `03:00:00`."""
    number, unit = interval.split()
    return f"{int(number):02}:00:00" if unit.startswith("hour") else interval


def _hypertables(contract: dict[str, Any]) -> list[tuple[str, Row]]:
    return [(name, entry) for name, entry in contract["tables"].items() if entry["hypertable"]]
