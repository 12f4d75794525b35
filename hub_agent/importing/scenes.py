"""Judges scenes: each of their entities must be one whose state this hub can bring about."""

from collections.abc import Sequence

from hub_agent.core.desired import calls_for_state
from hub_agent.core.scenes.reading import read_desired
from hub_agent.errors import DefinitionError, NotPossible
from hub_agent.importing.abilities import is_never_here
from hub_agent.importing.folder import Folder
from hub_agent.importing.home import Found
from hub_agent.importing.verdict import Judged, Reason, Severity
from hub_agent.model.json import JsonValue
from hub_agent.model.scene import DesiredState
from hub_agent.written.placed import PlacedMap, find_place, plain


def judge_scene(folder: Folder, found: Found) -> Judged:
    config = found.config
    reasons: list[Reason] = []

    def add(code: str, text: str, path: str, severity: Severity = "differs") -> None:
        place = find_place(config, path, found.place)
        reasons.append(Reason(code, folder.masked(text), place.file, place.line, path, severity))

    name = config.get("name") if isinstance(config, PlacedMap) else None
    own = config.get("id") if isinstance(config, PlacedMap) else None
    row: dict[str, JsonValue] | None = None
    if not isinstance(config, PlacedMap) or not isinstance(name, str):
        add("not_understood", "a scene needs a name", "name", "cannot")
    else:
        try:
            wishes = read_desired(config.get("entities"), "entities")
        except DefinitionError as err:
            add("not_understood", str(err).removeprefix(f"{err.where}: "), err.where, "cannot")
            wishes = ()
        faults = {wish.entity_id: fault for wish in wishes if (fault := _fault(wish)) is not None}
        for entity_id, fault in faults.items():
            add("entity_kind", f"is left out: {fault}", f"entities/{entity_id}")
        kept = [wish.entity_id for wish in wishes if wish.entity_id not in faults]
        if wishes and not kept:
            add("entity_kind", "none of its entities can be set here", "entities", "cannot")
        row = _row(config, name, kept, found) if kept else None
    title = str(name) if name is not None else f"{found.place.file}:{found.place.line}"
    is_fatal = any(reason.is_fatal for reason in reasons)
    return Judged(
        "scene",
        f"scene/{own if own is not None else title}",
        folder.masked(title),
        found.place.file,
        found.place.line,
        tuple(reasons),
        None if is_fatal else row,
        has_own_id=own is not None,
    )


def _fault(wish: DesiredState) -> str | None:
    domain = wish.entity_id.partition(".")[0]
    if is_never_here(domain):
        return f"{wish.entity_id}: no device of this hub brings such an entity"
    try:
        calls_for_state(wish.entity_id, wish.state, wish.attributes, None)
    except NotPossible as err:
        return str(err)
    return None


def _row(config: PlacedMap, name: str, entity_ids: Sequence[str], found: Found) -> dict[str, JsonValue]:
    entities = config["entities"]
    assert isinstance(entities, PlacedMap)
    desired = {entity_id: plain(entities[entity_id]) for entity_id in entity_ids}
    own = config.get("id")
    imported: JsonValue = {
        "file": found.place.file,
        "line": found.place.line,
        "id": str(name if own is None else own),
    }
    icon = config.get("icon")
    return {
        "name": name,
        "icon": icon if isinstance(icon, str) else None,
        "scene_type": "custom",
        "device_states": [{"device_id": None, "desired_state": desired}],
        "metadata": {"imported_from": imported},
    }
