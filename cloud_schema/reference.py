"""Writes REFERENCE.md from a live catalogue, and the README's table of differences from contract/differences.json."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import psycopg

from cloud_schema.apply import ApplyError, connect
from cloud_schema.catalogue import Catalogue, Row, read_catalogue
from cloud_schema.comparison import base_schema
from cloud_schema.statements import statements
from cloud_schema.verify import declared_differences, require_schema, the_contract

HERE = Path(__file__).parent
REFERENCE = HERE / "REFERENCE.md"
README = HERE / "README.md"
SUMMARIES, HUBS, INTERNAL = "Summaries and views", "Hubs", "Internal"
LATER = "Core Infrastructure"  # where the contract's later tables belong
BOUNDS = re.compile(r"(?<=<!-- differences -->\n)(.*?)(?=<!-- /differences -->)", re.DOTALL)

INTRODUCTION = """# Reference of the central schema

Generated from the catalogue of a database by `nexa-cloud reference DSN`; do not edit. A test compares it with a fresh one.

Clients use the names in `public`. A **hypertable** is a view there; its rows lie in the table of the same name in schema `ts`. *Whose*: who
writes a column of a synced definition: people (merged both ways), the hub (describes or observes), or the cloud. Policies name what
a person may do besides having the grant; service_role may do everything. Who may do what, as a table for people: [ACCESS.md](ACCESS.md).
"""


def write_reference(dsn: str, target: Path = REFERENCE) -> None:
    """Renews the file. The text is the same for the same schema on the same PostgreSQL."""
    with connect(dsn) as connection:
        require_schema(connection)
        text = reference_of(connection)
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as err:
        raise ApplyError(f"{target} cannot be written: {err.strerror}.") from err


def reference_of(connection: psycopg.Connection[Any]) -> str:
    catalogue = read_catalogue(connection)
    owners = {
        (row[0], column): whose
        for row in connection.execute(statements("catalogue.sql")["definition_kinds"]).fetchall()
        for whose, columns in zip(("people", "hub", "hub (observed)", "cloud"), row[1:], strict=True)
        for column in columns
    }
    return "\n".join(_document(catalogue, owners)) + "\n"


def differences_table() -> str:
    """The README's table, from its one source."""
    rows = [f"| {one.contract} | {one.here} | {one.because} |" for one in declared_differences()]
    return "\n".join(["| contract | here | because |", "| --- | --- | --- |", *rows]) + "\n"


def write_differences(target: Path = README) -> None:
    text = target.read_text(encoding="utf-8")
    target.write_text(BOUNDS.sub(lambda _: differences_table(), text), encoding="utf-8")


def sections(catalogue: Catalogue) -> dict[str, list[str]]:
    """The overview's sections in its order, and what comes on top."""
    contract = the_contract()
    grouped: dict[str, list[str]] = {}
    for section in contract["comparison"]["seed_claims"]["sections"]:
        grouped[section] = sorted(
            name for name, entry in contract["tables"].items() if (entry["section"] or LATER) == section
        )
    grouped[SUMMARIES] = sorted(
        {*contract["continuous_aggregates"], *contract["materialized_views"], *contract["views"]}
    )
    known = {name for names in grouped.values() for name in names}
    rest = [row for row in catalogue.relations if row["name"] not in known]
    grouped[HUBS] = sorted(row["name"] for row in rest if row["schema"] == "public")
    grouped[INTERNAL] = sorted(f"{row['schema']}.{row['name']}" for row in rest if row["schema"] != "public")
    return grouped


def _document(catalogue: Catalogue, owners: dict[tuple[str, str], str]) -> Iterator[str]:
    yield INTRODUCTION
    grouped = sections(catalogue)
    for title, names in grouped.items():
        yield f"* [{title}](#{_anchor(title)}): " + ", ".join(f"[{name}](#{_anchor(name)})" for name in names)
    yield "* [Enums](#enums), [Functions](#functions)"
    for title, names in grouped.items():
        yield f"\n## {title}\n"
        if title not in {SUMMARIES, INTERNAL}:
            yield from _diagram(catalogue, names)
        for name in names:
            schema, _, bare = name.rpartition(".")
            yield from _relation(catalogue, schema or base_schema(the_contract(), bare), bare, owners)
    yield from _enums(catalogue)
    yield from _functions(catalogue)


def _diagram(catalogue: Catalogue, names: list[str]) -> Iterator[str]:
    """Keys only: the columns stand below."""
    edges, keys = [], {}
    for name in names:
        references = dict(_references(catalogue, name))
        primary = _primary_key(catalogue, base_schema(the_contract(), name), name)
        keys[name] = [(column, "PK") for column in primary] + [
            (column, "FK") for column in references if column not in primary
        ]
        edges += [f"    {target} ||--o{{ {name} : {column}" for column, target in references.items()]
    yield "```mermaid"
    yield "erDiagram"
    for name in names:
        yield f"    {name} {{"
        yield from (f"        {_word(_type(catalogue, name, column))} {column} {kind}" for column, kind in keys[name])
        yield "    }"
    yield from sorted(edges)
    yield "```"


def _references(catalogue: Catalogue, name: str) -> Iterator[tuple[str, str]]:
    """Those that are enforced, and on the hypertables those that are meant."""
    entry = the_contract()["tables"].get(name)
    if entry and entry["hypertable"]:
        for column in entry["columns"]:
            if "references" in column:
                yield column["name"], _word(column["references"]["table"])
        return
    for row in catalogue.of(catalogue.constraints, "public", name):
        if row["kind"] == "f":
            yield row["columns"][0], _word(row["target"])


def _relation(catalogue: Catalogue, schema: str, name: str, owners: dict[tuple[str, str], str]) -> Iterator[str]:
    relation = catalogue.relation(schema, name)
    if relation is None:
        return
    is_internal = schema != base_schema(the_contract(), name)
    yield f"\n### {f'{schema}.{name}' if is_internal else name}\n"
    yield relation["comment"] or "(not described)"
    declared = next((row for row in catalogue.declared_hypertables if row["table_name"] == name), None)
    if declared:
        yield (
            f"\n**Hypertable** by `{declared['time_column']}`; compressed after {declared['compress_after'] or 'never'}, "
            f"by {', '.join(declared['segment_by'])} in order of {declared['order_by']}; kept for {declared['retain_for'] or 'ever'}."
        )
    elif schema == "ts" and catalogue.relation("public", name):
        yield "\nSeen through a view of the same name in `public`, which shows the rows of one's homes."
    yield ""
    yield from _columns(catalogue, schema, name, owners)
    yield from _list("Keys", _keys(catalogue, schema, name))
    yield from _list("Indexes", _indexes(catalogue, schema, name))
    yield from _list("Triggers", _triggers(catalogue, schema, name))
    yield from _list("Policies", _policies(catalogue, name))


def _columns(catalogue: Catalogue, schema: str, name: str, owners: dict[tuple[str, str], str]) -> Iterator[str]:
    has_owners = any(table == name for table, _ in owners)
    allowed = _allowed(catalogue, schema, name)
    targets = {
        row["columns"][0]: f"→ {row['target']}, {row['on_delete']}"
        for row in catalogue.of(catalogue.constraints, schema, name)
        if row["kind"] == "f" and len(row["columns"]) == 1
    }
    yield "| column | type | null | default | allowed, refers to |" + (" whose |" if has_owners else "")
    yield "| --- | --- | --- | --- | --- |" + (" --- |" if has_owners else "")
    for row in catalogue.of(catalogue.columns, schema, name):
        cells = [
            f"`{row['name']}`",
            row["type"],
            "null" if row["is_nullable"] else "",
            f"`{row['default']}`" if row["default"] else "",
            "; ".join(filter(None, (allowed.get(row["name"]), targets.get(row["name"])))),
        ]
        if has_owners:
            cells.append(owners.get((name, row["name"]), ""))
        yield "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _allowed(catalogue: Catalogue, schema: str, name: str) -> dict[str, str]:
    """Lists and ranges of single columns. Other checks stand among the keys."""
    found: dict[str, str] = {}
    for row in catalogue.of(catalogue.constraints, schema, name):
        if row["kind"] == "c" and len(row["columns"]) == 1:
            column = row["columns"][0]
            found[column] = "; ".join(filter(None, (found.get(column), _readable(row["definition"], column))))
    return found


def _readable(definition: str, column: str) -> str:
    listed = re.fullmatch(rf"CHECK \(\({column} (?:=|<@) (?:ANY \()?ARRAY\[(.*)\]\)?\)\)", definition)
    if listed:
        return ", ".join(re.findall(r"'((?:[^']|'')*)'", listed[1]))
    number = r"\(?(-?[\d.]+)\)?(?:::\w+)?"
    ranged = re.fullmatch(rf"CHECK \(\(\({column} >= {number}\) AND \({column} <= {number}\)\)\)", definition)
    if ranged:
        return f"{ranged[1]} to {ranged[2]}"
    return f"`{re.sub(r'::(text|numeric|integer|jsonb|character varying)', '', definition.removeprefix('CHECK '))}`"


def _keys(catalogue: Catalogue, schema: str, name: str) -> Iterator[str]:
    for row in catalogue.of(catalogue.constraints, schema, name):
        if (
            row["kind"] in "pux"
            or (row["kind"] == "c" and len(row["columns"]) != 1)
            or (row["kind"] == "f" and len(row["columns"]) > 1)
        ):
            yield f"`{row['definition']}`"


def _primary_key(catalogue: Catalogue, schema: str, name: str) -> list[str]:
    rows = catalogue.of(catalogue.constraints, schema, name)
    return next((row["columns"] for row in rows if row["kind"] == "p"), [])


def _indexes(catalogue: Catalogue, schema: str, name: str) -> Iterator[str]:
    for row in catalogue.of(catalogue.indexes, schema, name):
        if not row["is_of_constraint"]:
            kind = "" if row["method"] == "btree" else f" {row['method']}"
            unique = " unique" if row["is_unique"] else ""
            where = f" where `{row['predicate']}`" if row["predicate"] else ""
            yield f"`{row['name']}`{unique}{kind} ({', '.join(row['columns'])}){where}"


def _triggers(catalogue: Catalogue, schema: str, name: str) -> Iterator[str]:
    for row in catalogue.of(catalogue.triggers, schema, name):
        level = "" if row["level"] == "row" else " (statement)"
        yield f"`{row['name']}` {row['timing']} {', '.join(row['events'])}{level}: `{row['function']}`"


def _policies(catalogue: Catalogue, name: str) -> Iterator[str]:
    """Of people; that service_role may do everything goes without saying."""
    for row in catalogue.of(catalogue.policies, "public", name):
        if row["roles"] != ["service_role"]:
            condition = row["using"] or row["check"] or "true"
            yield f"`{row['name']}` {row['command']} to {', '.join(row['roles'])}: `{_line(condition)}`"
    through = [row["command"] for row in catalogue.view_rights if row["relation"] == name]
    if through:
        yield f"through the view: {', '.join(through)} to authenticated"


def _enums(catalogue: Catalogue) -> Iterator[str]:
    yield "\n## Enums\n"
    yield "| type | values, in order |"
    yield "| --- | --- |"
    yield from (f"| `{row['name']}` | {', '.join(row['values'])} |" for row in catalogue.enums)


def _functions(catalogue: Catalogue) -> Iterator[str]:
    yield "\n## Functions\n"
    yield "Those of `public`, without the trigger functions, which stand at their tables.\n"
    yield "| function | answers | who may call it | runs as |"
    yield "| --- | --- | --- | --- |"
    public = [row for row in catalogue.functions if row["schema"] == "public"]
    for row in public:
        if row["returns"] != "trigger":
            callers = ", ".join(row["callers"]) or "the owner"
            runs_as = "owner" if row["is_definer"] else "caller"
            yield f"| `{row['name']}({_cell(row['arguments'])})` | {_cell(row['returns'])} | {callers} | {runs_as} |"
    yield "\nTrigger functions: " + _names(row for row in public if row["returns"] == "trigger")
    for schema in ("hub_sync", "ts"):
        inner = [row for row in catalogue.functions if row["schema"] == schema]
        yield f"\nInner parts, in schema `{schema}`: " + _names(inner)


def _names(rows: Iterable[Row]) -> str:
    return ", ".join(f"`{name}`" for name in sorted({row["name"] for row in rows})) + "."


def _list(title: str, lines: Iterator[str]) -> Iterator[str]:
    found = [f"* {line}" for line in lines]
    if found:
        yield f"\n{title}:\n"
        yield from found


def _type(catalogue: Catalogue, name: str, column: str) -> str:
    rows = catalogue.of(catalogue.columns, base_schema(the_contract(), name), name)
    return str(next(row["type"] for row in rows if row["name"] == column))


def _word(text: str) -> str:
    """As one word, for diagrams."""
    return re.sub(r"\W+", "_", text).strip("_")


def _anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")
