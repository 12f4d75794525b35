"""What a database is, as a mapping that two of them can be compared by."""

import re
from pathlib import Path

import psycopg

QUERY = Path(__file__).with_name("fingerprint.sql").read_text()
ENGINE = """
    SELECT 'hypertable ' || hypertable_name, compression_enabled::text FROM timescaledb_information.hypertables
    WHERE hypertable_schema = 'ts'
    UNION ALL
    SELECT format('job %s of %s', proc_name, coalesce(v.view_name, j.hypertable_name)),
           concat_ws(' ', schedule_interval, config - 'hypertable_id' - 'mat_hypertable_id')
    FROM timescaledb_information.jobs j
    LEFT JOIN timescaledb_information.continuous_aggregates v
      ON (v.materialization_hypertable_schema, v.materialization_hypertable_name) = (j.hypertable_schema, j.hypertable_name)
    WHERE j.hypertable_name IS NOT NULL
"""
# TimescaleDB numbers hypertables in the order in which they are made.
NUMBERED = re.compile(r"(_materialized_hypertable_|invalidation_trigger\(')\d+")
# Declared rows are part of the schema: functions read them.
DECLARED = ("hub_streams", "hub_definition_kinds", "ts.hypertables")


def fingerprint(dsn: str) -> dict[str, str]:
    with psycopg.connect(dsn) as connection:
        owner = connection.execute(
            "SELECT tableowner FROM pg_tables WHERE tablename = 'hub_schema_versions'"
        ).fetchone()[0]
        found = {
            f"{kind} {name}": NUMBERED.sub(r"\1N", definition.replace(f"'{owner}'", "<owner>"))
            for kind, name, definition in connection.execute(QUERY)
        }
        if connection.execute("SELECT FROM pg_extension WHERE extname = 'timescaledb'").fetchone():
            found |= dict(connection.execute(ENGINE).fetchall())
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
