"""What is generated is fresh, and every relation is described. NEXA_SNAPSHOTS=write renews both; read the difference before
committing it.
"""

import os

import psycopg
import pytest

from cloud_schema.catalogue import read_catalogue
from cloud_schema.reference import (
    BOUNDS,
    README,
    REFERENCE,
    differences_table,
    reference_of,
    sections,
    write_differences,
    write_reference,
)
from cloud_schema.verify import the_contract
from tests.cloud.test_command_line import nexa_cloud

IS_WRITING = os.environ.get("NEXA_SNAPSHOTS") == "write"


@pytest.fixture(scope="module")
def plain(dsn):
    """The reference is of plain PostgreSQL 18: other releases spell expressions in other ways."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        engine = read_catalogue(connection).engine
    if engine.has_hypertables or not engine.version.startswith("18"):
        pytest.skip("the reference is written from plain PostgreSQL 18")
    return dsn


@pytest.fixture(scope="module")
def written(plain):
    if IS_WRITING:
        write_reference(plain)
    with psycopg.connect(plain, autocommit=True) as connection:
        return reference_of(connection)


def test_the_reference_is_fresh(written):
    assert REFERENCE.read_text(encoding="utf-8").splitlines() == written.splitlines(), (
        "renew it: NEXA_SNAPSHOTS=write pytest tests/cloud/test_reference.py, or nexa-cloud reference DSN"
    )


def test_the_readmes_table_of_differences_is_the_declared_one():
    if IS_WRITING:
        write_differences()
    table = BOUNDS.search(README.read_text(encoding="utf-8"))

    assert table, "the README has lost the bounds of its table"
    assert table[0].splitlines() == differences_table().splitlines(), (
        "renew it: NEXA_SNAPSHOTS=write pytest tests/cloud/test_reference.py"
    )


def test_every_relation_is_described_and_has_its_place(db):
    catalogue = read_catalogue(db)
    placed = {name for names in sections(catalogue).values() for name in names}

    assert [row["name"] for row in catalogue.relations if row["kind"] in "rvm" and not row["comment"]] == []
    for row in catalogue.relations:
        assert placed & {row["name"], f"{row['schema']}.{row['name']}"}, row["name"]


def test_the_reference_tells_each_table_each_column_and_each_function(written):
    for table, entry in the_contract()["tables"].items():
        assert f"\n### {table}\n" in written
        assert all(f"| `{column['name']}` |" in written for column in entry["columns"])
    assert all(f"`{entry['name']}" in written for entry in the_contract()["functions"])
    assert written.count("```mermaid\nerDiagram\n") >= 7
    assert "**Hypertable** by `time`; compressed after 7 days, by device_id, metric_type" in written
    assert "| `battery_level` | integer | null |  | 0 to 100 | hub (observed) |" in written


def test_every_link_of_the_reference_leads_to_a_heading(written):
    import re

    headings = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", written, flags=re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]*)\)", written)) - headings == set()


def test_the_command_writes_the_file_it_is_told(plain, tmp_path, several_backends):
    target = tmp_path / "reference.md"
    outcome = nexa_cloud("reference", "--to", str(target), NEXA_CLOUD_DSN=plain)
    nowhere = nexa_cloud("reference", plain, "--to", str(tmp_path / "none" / "x.md"))

    assert (outcome.returncode, outcome.stdout.startswith(f"{target}: ")) == (0, True)
    assert target.read_text().startswith("# Reference of the central schema\n")
    assert (nowhere.returncode, "cannot be written" in nowhere.stderr) == (1, True)
