"""What a database is, as a mapping that two of them can be compared by."""

from pathlib import Path

import psycopg

QUERY = Path(__file__).with_name("fingerprint.sql").read_text()
# Declared rows are part of the schema: functions read them.
DECLARED = ("hub_streams", "hub_definition_kinds", "ts.hypertables")


def fingerprint(dsn: str) -> dict[str, str]:
    with psycopg.connect(dsn) as connection:
        owner = connection.execute(
            "SELECT tableowner FROM pg_tables WHERE tablename = 'hub_schema_versions'"
        ).fetchone()[0]
        found = {
            f"{kind} {name}": definition.replace(f"'{owner}'", "<owner>")
            for kind, name, definition in connection.execute(QUERY)
        }
        for table in DECLARED:
            rows = connection.execute(
                psycopg.sql.SQL("SELECT to_jsonb(t)::text FROM {} t ORDER BY 1").format(psycopg.sql.SQL(table))
            ).fetchall()
            found[f"rows of {table}"] = "\n".join(row for (row,) in rows)
    return found


def differences(upgraded: dict[str, str], fresh: dict[str, str]) -> list[str]:
    """One line for each, that says where to look."""
    lines = []
    for name in sorted(upgraded.keys() | fresh.keys()):
        if name not in upgraded:
            lines.append(f"only in a new installation: {name} = {fresh[name]}")
        elif name not in fresh:
            lines.append(f"only after an upgrade: {name} = {upgraded[name]}")
        elif upgraded[name] != fresh[name]:
            lines.append(f"{name}: a new installation has {fresh[name]!r}, an upgraded one {upgraded[name]!r}")
    return lines
