"""Former versions of definitions in the mirror, and what is done about a damaged one."""

import sqlite3
from contextlib import closing
from dataclasses import replace

from hub_agent.model.definition import Definition
from hub_agent.model.effects import SaveDefinition
from hub_agent.store.tables import FORMER_AGE_MAX, FORMERS_MAX
from tests.unit.store.homes import at, mirror_in

SCENE = Definition("scene", "s", {"name": "Movie 0"}, 1, {"name": "Movie 0"})


async def test_each_change_keeps_what_was_before_it(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    await mirror.commit([SaveDefinition(SCENE)], at(1))
    await mirror.commit([SaveDefinition(replace(SCENE, fields={"name": "Film"}))], at(2))
    await mirror.commit([SaveDefinition(replace(SCENE, fields={"name": "Film"}, version=2))], at(3))
    await mirror.commit([SaveDefinition(replace(SCENE, fields={}, version=3, is_deleted=True))], at(4))

    deleted, changed, made = await mirror.definition_history("scene", "s")

    assert made.definition is None
    assert (changed.origin, changed.columns, changed.definition) == ("hub", ("name",), SCENE)
    assert (deleted.origin, deleted.at) == ("cloud", at(4).wall)
    assert deleted.definition.fields == {"name": "Film"}
    await mirror.close(at(5))


async def test_the_oldest_go(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    for n in range(FORMERS_MAX + 5):
        await mirror.commit([SaveDefinition(replace(SCENE, fields={"name": f"Movie {n}"}))], at(n))
    kept = await mirror.definition_history("scene", "s")
    assert len(kept) == FORMERS_MAX
    assert kept[0].definition.fields == {"name": f"Movie {FORMERS_MAX + 3}"}

    later = FORMER_AGE_MAX.total_seconds() + 1000
    await mirror.close(at(later))
    await mirror.open(at(later))
    await mirror.commit([SaveDefinition(replace(SCENE, id="other"))], at(later + 86400))
    mirror._ledger.tidy(at(later + 86400))
    assert await mirror.definition_history("scene", "s") == []
    assert await mirror.definition_history("scene", "other") != []
    await mirror.close(at(later))


async def test_the_catalogue_is_kept_without_history_and_is_not_read_at_start(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    model = Definition("device_model", "m", {"model_name": "Bulb"}, 1, {"model_name": "Bulb"})
    await mirror.commit(
        [SaveDefinition(model), SaveDefinition(replace(model, version=2, fields={"model_name": "X"}))], at(1)
    )
    assert [each.fields for each in await mirror.catalogue("device_model")] == [{"model_name": "X"}]
    assert await mirror.definition_history("device_model", "m") == []
    await mirror.close(at(2))
    assert (await mirror.open(at(3))).definitions == []
    await mirror.close(at(4))


async def test_a_damaged_definition_makes_the_hub_ask_the_cloud_for_everything_again(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    await mirror.commit([SaveDefinition(SCENE), SaveDefinition(replace(SCENE, id="other"))], at(1))
    await mirror.save_cursor("7:1")
    await mirror.close(at(2))
    with closing(sqlite3.connect(tmp_path / "mirror.db")) as damaged:
        damaged.execute("UPDATE definitions SET body = x'00ff' WHERE id = 's'")
        damaged.commit()

    remembered = await mirror.open(at(3))

    assert [each.id for each in remembered.definitions] == ["other"]
    assert "scene s cannot be read" in " ".join(remembered.findings)
    assert await mirror.cursor() is None
    # What comes back may be stored over the damaged one.
    await mirror.commit([SaveDefinition(SCENE)], at(4))
    await mirror.close(at(5))
    assert len((await mirror.open(at(6))).definitions) == 2
    await mirror.close(at(7))


async def test_what_has_changed_since_the_agent_ran_well_is_told_as_it_was_then(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    await mirror.commit([SaveDefinition(SCENE)], at(1))
    await mirror.ran_well()
    assert await mirror.changed_since_well() == []
    for n in (1, 2):
        await mirror.commit([SaveDefinition(replace(SCENE, fields={"name": f"Movie {n}"}))], at(1 + n))
    await mirror.commit([SaveDefinition(replace(SCENE, id="new"))], at(4))
    assert [(one.id, one.definition and one.definition.fields) for one in await mirror.changed_since_well()] == [
        ("s", {"name": "Movie 0"}),
        ("new", None),
    ]
    await mirror.close(at(5))
