"""Former versions of definitions: what counts as a change, and how one is undone. Undoing is an edit like any other."""

from hub_agent.core.sync.columns import CLOUD_COLUMNS, DOWN_KINDS, HUB_COLUMNS
from hub_agent.errors import NotPossible
from hub_agent.model.definition import Definition, Former
from hub_agent.model.json import JsonObject, JsonValue


def origin_of(was: Definition | None, becomes: Definition) -> str:
    """Whatever the cloud said has another version."""
    return "cloud" if becomes.version != (None if was is None else was.version) else "hub"


def changed_columns(was: Definition, becomes: Definition) -> tuple[str, ...]:
    """What people decide of it. That the cloud fills in columns which nobody had set is no change."""
    described = HUB_COLUMNS.get(becomes.kind, frozenset())
    is_filled_in = origin_of(was, becomes) == "cloud"
    names = was.fields.keys() if is_filled_in else was.fields.keys() | becomes.fields.keys()
    return tuple(sorted(n for n in names if n not in described and was.fields.get(n) != becomes.fields.get(n)))


def is_worth_keeping(was: Definition | None, becomes: Definition) -> bool:
    if was is None or was.is_deleted:
        return not becomes.is_deleted
    return becomes.is_deleted or bool(changed_columns(was, becomes))


def undoing(former: Former, now: Definition | None) -> Definition:
    """The edit that makes it again what it was. Raises NotPossible."""
    was = former.definition
    is_gone = was is None or was.is_deleted
    if former.kind in DOWN_KINDS:
        raise NotPossible("This is decided in the cloud only.")
    if is_gone and former.kind in {"device", "home"}:
        raise NotPossible(f"This {former.kind} was not there before; it cannot be undone.")
    if is_gone or was is None:
        return Definition(former.kind, former.id, {}, is_deleted=True)
    kept_out = HUB_COLUMNS.get(former.kind, frozenset()) | CLOUD_COLUMNS.get(former.kind, frozenset())
    since: JsonObject = {} if now is None else now.fields
    fields: dict[str, JsonValue] = {n: None for n in since if n not in kept_out and n not in was.fields}
    fields |= {n: value for n, value in was.fields.items() if n not in kept_out}
    return Definition(former.kind, former.id, fields)
