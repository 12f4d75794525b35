"""Definitions that hub and cloud both keep: merged three ways by field, each side's changes owed to the other.

A definition has our `fields`, and in `base` and `version` what the cloud last said of it. Where fields and base differ, the
difference is owed. A change that arrives is merged against the base: what one side changed stands, what both changed alike
stands, and what both changed differently follows the column's policy:

  hub     what the hub describes (a device's capabilities): ours
  nexa    names, rooms, settings: the cloud's; ours is kept as lost
  manual  what changes what happens (triggers, actions, desired states): ours goes on running, theirs is kept beside it, the cloud
          is told under the version we had before (so that it sees the conflict too), and then waits for a person

The cloud may be set to decide manual columns by itself; its answer to what we send is therefore always taken over.
A deletion meets a change: whichever the cloud has stands.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from hub_agent.core.sync.columns import CLOUD_COLUMNS, DOWN_KINDS, KINDS, SHARED_KINDS, owned
from hub_agent.core.sync.lost import LOST_ROOM, LostValue, LostValues
from hub_agent.core.sync.merge import NOTHING_WAITS, Waiting, merge
from hub_agent.core.sync.unheard import UNHEARD_ROOM, UnheardValues
from hub_agent.model.definition import CATALOGUE_KINDS, Definition
from hub_agent.model.effects import Announce, Durability, Effect, Save, SaveDefinition, Warn
from hub_agent.model.inputs import DefinitionTaken
from hub_agent.model.json import JsonObject, JsonValue

CONFLICT_ROOM = "sync_conflict"
# A deletion stays known so that an older change cannot bring the row back; the oldest go first.
TOMBSTONES_MAX = 10_000

Key: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class OwedDefinition:
    """What must go up: the whole row. `is_new`: the cloud has never had it."""

    kind: str
    id: str
    base_version: int | None
    fields: JsonObject
    aliases: tuple[tuple[str, str], ...] = ()
    modified_at: datetime | None = None
    is_deleted: bool = False
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Conflict:
    """Fields that both sides changed, waiting for a person. `theirs` is what the cloud wants of them.
    Who changed it last on either side, and when, as far as that is known.
    """

    kind: str
    id: str
    theirs: JsonObject
    base_version: int | None
    is_reported: bool
    since: datetime
    ours_at: datetime | None = None
    ours_by: str | None = None
    theirs_at: datetime | None = None
    theirs_by: str | None = None


@dataclass(frozen=True, slots=True)
class DefinitionChanged:
    """For the other rooms: this is what holds now; None: it is gone."""

    kind: str
    id: str
    definition: Definition | None
    previous: Definition | None


Outcome: TypeAlias = Effect | DefinitionChanged


class Definitions:
    def __init__(self) -> None:
        self._known: dict[Key, Definition] = {}
        self._conflicts: dict[Key, Conflict] = {}
        self.lost = LostValues()
        self._unheard = UnheardValues()
        self._owed: set[Key] = set()
        # Fields the cloud refused: not sent again until they change or the agent restarts.
        self._refused: dict[Key, JsonObject] = {}

    def restore(
        self, definitions: Iterable[Definition], saved: Mapping[str, Mapping[str, JsonObject]] | None = None
    ) -> None:
        """Takes up what the mirror remembers: its definitions, and `saved` by room."""
        for definition in definitions:
            self._keep(definition)
        for key, body in (saved or {}).get(CONFLICT_ROOM, {}).items():
            conflict = _conflict_from(key, body)
            if conflict is not None and (conflict.kind, conflict.id) in self._known:
                self._conflicts[(conflict.kind, conflict.id)] = conflict
        self.lost.restore((saved or {}).get(LOST_ROOM, {}))
        self._unheard.restore((saved or {}).get(UNHEARD_ROOM, {}))
        for known in self._known:
            self._note_owed(known)

    def get(self, kind: str, definition_id: str) -> Definition | None:
        """What holds here now; None when unknown or deleted."""
        known = self._known.get((kind, definition_id))
        return None if known is None or known.is_deleted else known

    def of_kind(self, kind: str) -> list[Definition]:
        """Everything of a kind that holds here now, by id."""
        return [known for key, known in sorted(self._known.items()) if key[0] == kind and not known.is_deleted]

    def with_deleted(self, kind: str) -> list[Definition]:
        """Everything of a kind that is known here, tombstones too."""
        return [known for key, known in sorted(self._known.items()) if key[0] == kind]

    def status(self, kind: str, definition_id: str) -> str:
        """Synced | owed | conflict | deleted"""
        key = (kind, definition_id)
        known = self._known.get(key)
        if key in self._conflicts:
            return "conflict"
        if key in self._owed:
            return "owed"
        return "deleted" if known is not None and known.is_deleted else "synced"

    @property
    def conflicts(self) -> list[Conflict]:
        return [conflict for _, conflict in sorted(self._conflicts.items())]

    @property
    def owed_count(self) -> int:
        return len(self._owed)

    def owed(self, limit: int) -> list[OwedDefinition]:
        """What must go up, in the order in which rows point at each other; deletions last, the other way round.

        Rooms go alone: the cloud may know one of that name already, and devices then move into it before they are sent.
        """
        rooms = [key for key in self._owed if key[0] == "room" and not self._known[key].is_deleted]
        owed = [self._owed_of(key) for key in rooms or self._owed]
        living = sorted((one for one in owed if not one.is_deleted), key=lambda one: (KINDS.index(one.kind), one.id))
        gone = sorted((one for one in owed if one.is_deleted), key=lambda one: (-KINDS.index(one.kind), one.id))
        return [*living, *gone][:limit]

    def versions(self) -> dict[str, dict[str, int]]:
        """By kind and id: what the cloud last had of this home's, as far as we know."""
        found: dict[str, dict[str, int]] = {}
        for (kind, definition_id), known in sorted(self._known.items()):
            if known.version is not None and kind not in SHARED_KINDS:
                found.setdefault(kind, {})[definition_id] = known.version
        return found

    # What changes them.

    def edit(
        self,
        kind: str,
        definition_id: str,
        fields: JsonObject,
        now: datetime,
        aliases: tuple[tuple[str, str], ...] | None = None,
        *,
        by: str | None = None,
        durability: Durability = Durability.FSYNC,
    ) -> list[Outcome]:
        """Somebody in the home (or the hub, for what it finds) sets these columns. Nothing comes of what already holds."""
        key = (kind, definition_id)
        if not _is_ours_to_change(kind):
            return [Warn(f"definition_kind:{kind}", f"A {kind} cannot be changed here.")]
        known = self._known.get(key)
        wanted = owned(kind, fields)
        # What was deleted here and is still in the cloud comes back as it was.
        old_fields = {} if known is None else (known.base or {}) if known.is_deleted else known.fields
        merged = {**old_fields, **wanted}
        conflict = self._conflicts.get(key)
        is_shown = conflict is not None and conflict.is_reported
        decided = sorted(set(conflict.theirs) & set(wanted)) if conflict is not None and is_shown else []
        is_same = known is not None and not known.is_deleted and merged == known.fields and not decided
        if is_same and known is not None and aliases in (None, known.aliases):
            return []
        before = Definition(kind, definition_id, {}) if known is None else known
        kept = before.aliases if aliases is None else aliases
        fresh = replace(before, fields=merged, is_deleted=False, modified_at=now, modified_by=by, aliases=kept)
        outcomes = self._decide(key, decided, merged, now)
        if known is not None and known.is_deleted and known.is_owed:
            # The cloud may have deleted it meanwhile: owed again, from nothing.
            fresh = replace(fresh, base={})
        elif known is not None:
            outcomes += self._unheard.replaced(known, merged, durability)
            fresh = self._unheard.without(fresh)
        return [*outcomes, *self._replace(key, fresh, known, durability)]

    def delete(
        self, kind: str, definition_id: str, now: datetime, *, durability: Durability = Durability.FSYNC
    ) -> list[Outcome]:
        known = self.get(kind, definition_id)
        if known is None or not _is_ours_to_change(kind) or kind == "home":
            return []
        key = (kind, definition_id)
        tombstone = replace(known, fields={}, is_deleted=True, modified_at=now)
        return [*self._forget_conflict(key), *self._replace(key, tombstone, known, durability)]

    def arrived(self, definition: Definition, now: datetime, disputed: frozenset[str] | None = None) -> list[Outcome]:
        """The cloud's row: `fields` and `version` are the cloud's. Older versions than the known one change nothing.
        `disputed`: what waits for a decision there, if it says so.
        """
        key = (definition.kind, definition.id)
        if definition.kind not in KINDS:
            return [Warn(f"definition_kind:{definition.kind}", f"The cloud sent a {definition.kind}: unknown here.")]
        if definition.kind in CATALOGUE_KINDS:
            fields = owned(definition.kind, definition.fields)
            return [SaveDefinition(replace(definition, fields=fields, base=fields, modified_at=now))]
        known = self._known.get(key)
        if known is not None and known.version is not None and (definition.version or 0) <= known.version:
            return []
        if definition.is_deleted:
            return self._deleted_there(key, definition.version, now)
        return self._merge(key, definition, now, base=None, still=disputed)

    def taken(self, taken: DefinitionTaken, now: datetime) -> list[Outcome]:
        """The cloud's answer to what we sent of one definition."""
        key = (taken.kind, taken.id)
        known = self._known.get(key)
        if known is None:
            return []
        if taken.existing_id is not None and known.kind == "room":
            return self._move_into(taken.existing_id, known, now)
        if (
            taken.existing_id is not None
            and taken.sent is not None
            and taken.sent.get("name") == known.fields.get("name")
        ):
            # A group of this name was made in the cloud meanwhile: both stay.
            return self.edit(known.kind, known.id, {"name": f"{known.fields.get('name')} (2)"}, now)
        if taken.status == "failed" or (taken.version is None and not taken.is_deleted):
            return self._refuse(key, taken)
        if known.version is not None and taken.version is not None and taken.version < known.version:
            return []
        if taken.is_deleted:
            return self._taken_as_deleted(key, taken, now)
        theirs = _definition_of(taken)
        if taken.sent is None:
            return self._came_back(key, theirs, now)
        if taken.status == "conflict":
            base = self._unheard.seen(key, known.base or {}, theirs.fields)
            heard = self._unheard.heard(key, taken.sent)
            return [*heard, *self._merge(key, theirs, now, base=base, is_reported=True)]
        base = self._unheard.seen(key, {**(known.base or {}), **taken.sent}, theirs.fields)
        outcomes = [*self._unheard.heard(key, taken.sent), *self._settle(key, sorted(taken.sent))]
        if taken.fields is None or known.is_deleted:
            return [*outcomes, *self._replace(key, replace(known, base=base, version=taken.version), known)]
        not_ours = {name: value for name, value in theirs.fields.items() if name in taken.sent and base[name] != value}
        lost = _overruled(known, taken.sent, owned(key[0], not_ours))
        outcomes += self.lost.keep(key, "hub", lost, "changed differently in the cloud", now)
        # Where there is a dispute, it is about what was edited here since: the cloud has not heard of that.
        return [*outcomes, *self._merge(key, theirs, now, base=base, is_reported=False)]

    def forgotten(self, keys: Iterable[Key]) -> list[Outcome]:
        """The cloud lost them, or has an older version: owed whole, and merged there as if both had changed everything."""
        outcomes: list[Outcome] = []
        for key in keys:
            known = self._known.get(key)
            if known is not None and not known.is_deleted and known.version is not None:
                outcomes += self._replace(key, replace(known, version=None, base=None), known)
        return outcomes

    def conflict(self, kind: str, definition_id: str) -> Conflict | None:
        return self._conflicts.get((kind, definition_id))

    def decide(
        self, kind: str, definition_id: str, for_hub: Mapping[str, bool], now: datetime, *, by: str | None = None
    ) -> list[Outcome]:
        """A person decides fields of a conflict: True for what is here, False for what the cloud wants."""
        key = (kind, definition_id)
        conflict, known = self._conflicts.get(key), self._known.get(key)
        if conflict is None or known is None:
            return []
        decided = [name for name in sorted(conflict.theirs) if name in for_hub]
        taken = {name: conflict.theirs[name] for name in decided if not for_hub[name]}
        fields = {**known.fields, **taken}
        outcomes = self._decide(key, decided, fields, now)
        # Whatever the decision: it goes up, so that the cloud's row is no longer in conflict.
        base = {name: value for name, value in (known.base or {}).items() if name not in decided}
        fresh = replace(known, fields=fields, base=base, modified_at=now, modified_by=by)
        return [*outcomes, *self._replace(key, fresh, known)]

    def answer_lost(self, lost: LostValue, now: datetime, *, is_put_back: bool, by: str | None = None) -> list[Outcome]:
        """A value that gave way is put back, which is an edit, or not needed any more."""
        forgotten = self.lost.forget(lost)
        if not forgotten or not is_put_back:
            return [*forgotten]
        return [*forgotten, *self.edit(lost.kind, lost.id, {lost.field: lost.value}, now, by=by)]

    # How they change.

    def _merge(
        self,
        key: Key,
        there: Definition,
        now: datetime,
        *,
        base: JsonObject | None,
        is_reported: bool = False,
        still: frozenset[str] | None = None,
    ) -> list[Outcome]:
        known = self._known.get(key)
        theirs = owned(key[0], there.fields)
        if known is None or (known.is_deleted and not known.is_owed):
            return self._take_over(key, there, now)
        if known.is_deleted:
            return self._came_back(key, there, now)
        earlier = self._conflicts.get(key)
        waiting = NOTHING_WAITS if earlier is None else Waiting(earlier.theirs, earlier.is_reported, still)
        base = self._unheard.seen(key, (known.base if base is None else base) or {}, theirs)
        verdict = merge(key[0], base, known.fields, theirs, waiting)
        is_known_there = is_reported or (waiting.is_reported and verdict.disputed.keys() <= (still or frozenset()))
        conflict = self._conflict_after(key, known, verdict.disputed, there, now, is_reported=is_known_there)
        decided = {name: value for name, value in verdict.lost.items() if name in waiting.theirs}
        overruled = {name: value for name, value in verdict.lost.items() if name not in waiting.theirs}
        merged = replace(
            known,
            fields=verdict.fields,
            base={**(known.base or {}), **theirs},
            version=there.version,
            modified_at=now,
            modified_by=there.modified_by,
        )
        merged = self._unheard.without(merged)
        return [
            *self._keep_conflict(key, conflict),
            *self.lost.keep(key, "hub", decided, "decided in the cloud", now),
            *self.lost.keep(key, "hub", overruled, "changed differently in the cloud", now),
            *self._replace(key, merged, known),
        ]

    def _take_over(self, key: Key, there: Definition, now: datetime) -> list[Outcome]:
        known = self._known.get(key)
        theirs = owned(key[0], there.fields)
        aliases = () if known is None else known.aliases
        fresh = Definition(
            *key, theirs, there.version, theirs, modified_at=now, modified_by=there.modified_by, aliases=aliases
        )
        return [*self._unheard.heard(key), *self._replace(key, fresh, known)]

    def _came_back(self, key: Key, there: Definition, now: datetime) -> list[Outcome]:
        """Deleted here, changed there: what the cloud has stands."""
        text = f"{_name(there.fields, key)} was changed in the cloud while it was deleted here: it is back."
        return [Warn(f"undeleted:{key[1]}", text), *self._take_over(key, there, now)]

    def _move_into(self, existing_id: str, room: Definition, now: datetime) -> list[Outcome]:
        """The home has a room of this name: what stood in ours stands in that one, and ours is gone."""
        outcomes: list[Outcome] = []
        for kind in ("device", "scene"):
            for inside in self.of_kind(kind):
                if inside.fields.get("room_id") == room.id:
                    outcomes += self.edit(kind, inside.id, {"room_id": existing_id}, now)
        tombstone = replace(room, fields={}, base={}, is_deleted=True, modified_at=now)
        return [*outcomes, *self._replace((room.kind, room.id), tombstone, room)]

    def _taken_as_deleted(self, key: Key, taken: DefinitionTaken, now: datetime) -> list[Outcome]:
        known = self._known[key]
        if taken.sent is None and not known.is_deleted:
            # Made anew here while the deletion was on its way: owed again, from nothing.
            return self._replace(key, replace(known, base={}, version=taken.version), known)
        return self._deleted_there(key, taken.version, now)

    def _deleted_there(self, key: Key, version: int | None, now: datetime) -> list[Outcome]:
        known = self._known.get(key)
        lost: list[Outcome] = []
        if known is not None and not known.is_deleted and known.is_owed and known.base is not None:
            ours = {name: known.fields[name] for name in sorted(_differing(known))}
            lost = [*self.lost.keep(key, "hub", ours, "deleted in the cloud", now)]
        tombstone = Definition(key[0], key[1], {}, version, {}, is_deleted=True, modified_at=now)
        heard = self._unheard.heard(key)
        return [*self._forget_conflict(key), *heard, *lost, *self._replace(key, tombstone, known)]

    def _refuse(self, key: Key, taken: DefinitionTaken) -> list[Outcome]:
        self._refused[key] = taken.sent or {}
        self._note_owed(key)
        reason = taken.error or "no reason given"
        return [Warn(f"definition_refused:{taken.id}", f"The cloud did not take {_title(taken)}: {reason}")]

    def _replace(
        self, key: Key, fresh: Definition, known: Definition | None, durability: Durability = Durability.FSYNC
    ) -> list[Outcome]:
        self._keep(fresh)
        self._note_owed(key)
        outcomes: list[Outcome] = [SaveDefinition(fresh, durability)]
        was = None if known is None or known.is_deleted else known
        becomes = None if fresh.is_deleted else fresh
        if (was and was.fields) != (becomes and becomes.fields):
            outcomes.append(DefinitionChanged(key[0], key[1], becomes, was))
        return outcomes

    def _keep(self, definition: Definition) -> None:
        self._known.pop((definition.kind, definition.id), None)
        self._known[(definition.kind, definition.id)] = definition
        if definition.is_deleted:
            self._drop_oldest_tombstones()

    def _drop_oldest_tombstones(self) -> None:
        if len(self._known) <= TOMBSTONES_MAX:
            return
        gone = [key for key, known in self._known.items() if known.is_deleted and not known.is_owed]
        for key in gone[: max(0, len(gone) - TOMBSTONES_MAX)]:
            del self._known[key]

    # Conflicts.

    def _conflict_after(
        self, key: Key, known: Definition, disputed: JsonObject, there: Definition, now: datetime, *, is_reported: bool
    ) -> Conflict | None:
        if not disputed:
            return None
        earlier = self._conflicts.get(key)
        theirs_at, theirs_by = there.modified_at, there.modified_by
        if earlier is None:
            ours = known.modified_at, known.modified_by
            return Conflict(*key, disputed, known.version, is_reported, now, *ours, theirs_at, theirs_by)
        if theirs_at is None or disputed == earlier.theirs:
            theirs_at, theirs_by = earlier.theirs_at or theirs_at, earlier.theirs_by or theirs_by
        # What the cloud does not know of, or not any more, it is told again.
        return replace(earlier, theirs=disputed, is_reported=is_reported, theirs_at=theirs_at, theirs_by=theirs_by)

    def _keep_conflict(self, key: Key, conflict: Conflict | None) -> list[Outcome]:
        if conflict is None:
            return self._forget_conflict(key)
        if self._conflicts.get(key) == conflict:
            return []
        self._conflicts[key] = conflict
        names = ", ".join(sorted(conflict.theirs))
        text = f"{_name(self._known[key].fields, key)} was changed here and in the cloud ({names}): ours runs until someone decides."
        return [_save_conflict(conflict), _announced(key), Warn(f"definition_conflict:{key[1]}", text)]

    def _decide(self, key: Key, names: list[str], becomes: JsonObject, now: datetime) -> list[Outcome]:
        """Somebody here has decided these fields of a conflict; what gives way is kept."""
        conflict, known = self._conflicts.get(key), self._known.get(key)
        if conflict is None or known is None or not names:
            return []
        ours = {name: known.fields[name] for name in names if known.fields.get(name) != becomes.get(name)}
        theirs = {name: conflict.theirs[name] for name in names if conflict.theirs[name] != becomes.get(name)}
        return [
            *self._settle(key, names),
            *self.lost.keep(key, "hub", ours, "decided on the hub", now),
            *self.lost.keep(key, "cloud", theirs, "decided on the hub", now),
        ]

    def _settle(self, key: Key, names: list[str]) -> list[Outcome]:
        """These fields of a conflict are decided: what we have now may be sent as the decision."""
        conflict = self._conflicts.get(key)
        if conflict is None or not names:
            return []
        left = {name: value for name, value in conflict.theirs.items() if name not in names}
        if left == conflict.theirs:
            return []
        if not left:
            return self._forget_conflict(key)
        self._conflicts[key] = replace(conflict, theirs=left)
        return [_save_conflict(self._conflicts[key]), _announced(key)]

    def _forget_conflict(self, key: Key) -> list[Outcome]:
        if self._conflicts.pop(key, None) is None:
            return []
        return [Save(CONFLICT_ROOM, _saved_key(key), None), _announced(key)]

    # What is owed.

    def _note_owed(self, key: Key) -> None:
        owed = self._owed_of(key)
        known = self._known[key]
        is_owed = (
            key[0] in KINDS
            and key[0] not in DOWN_KINDS
            and known.is_owed
            and bool(owed.fields or owed.is_deleted or owed.is_new)
        )
        if is_owed and self._refused.get(key) == owed.fields:
            is_owed = False
        if is_owed:
            self._owed.add(key)
            self._refused.pop(key, None)
        else:
            self._owed.discard(key)

    def _owed_of(self, key: Key) -> OwedDefinition:
        """The whole row, so that the cloud's answer can say what of it is otherwise there."""
        known = self._known[key]
        conflict = self._conflicts.get(key)
        base_version = known.version
        theirs = CLOUD_COLUMNS.get(key[0], frozenset())
        fields = {name: value for name, value in known.fields.items() if name not in theirs} if theirs else known.fields
        if conflict is not None and conflict.is_reported:
            # What is disputed waits for its decision: sent along, it would pass for it.
            is_news = not _differing(known) <= conflict.theirs.keys()
            fields = {name: value for name, value in fields.items() if is_news and name not in conflict.theirs}
        elif conflict is not None:
            # Sent as of before the dispute, so that the cloud sees it too.
            base_version = conflict.base_version
        return OwedDefinition(
            known.kind,
            known.id,
            base_version,
            fields,
            known.aliases,
            known.modified_at,
            known.is_deleted,
            known.base is None and not known.is_deleted,
        )


def _is_ours_to_change(kind: str) -> bool:
    return kind in KINDS and kind not in DOWN_KINDS


def _differing(known: Definition) -> set[str]:
    base = known.base or {}
    return {name for name, value in known.fields.items() if name not in base or base[name] != value}


def _overruled(known: Definition, sent: JsonObject, theirs: JsonObject) -> JsonObject:
    """What we had changed and sent, and the cloud has otherwise."""
    base = known.base or {}
    changed = (name for name, value in sent.items() if name not in base or base[name] != value)
    return {name: sent[name] for name in changed if name in theirs and theirs[name] != sent[name]}


def _definition_of(taken: DefinitionTaken) -> Definition:
    there = Definition(taken.kind, taken.id, taken.fields or {}, taken.version)
    return replace(there, modified_at=taken.changed_at, modified_by=taken.changed_by)


def _announced(key: Key) -> Announce:
    return Announce("dispute", {"kind": key[0], "id": key[1]})


def _save_conflict(conflict: Conflict) -> Save:
    body: JsonObject = {
        "theirs": conflict.theirs,
        "base_version": conflict.base_version,
        "is_reported": conflict.is_reported,
        "since": conflict.since.isoformat(),
        "ours": {"at": _iso(conflict.ours_at), "by": conflict.ours_by},
        "theirs_changed": {"at": _iso(conflict.theirs_at), "by": conflict.theirs_by},
    }
    return Save(CONFLICT_ROOM, _saved_key((conflict.kind, conflict.id)), body)


def _conflict_from(key: str, body: JsonObject) -> Conflict | None:
    kind, _, definition_id = key.partition("/")
    theirs, base_version, since = body.get("theirs"), body.get("base_version"), body.get("since")
    if not isinstance(theirs, Mapping) or not isinstance(since, str):
        return None
    version = base_version if isinstance(base_version, int) else None
    is_reported = body.get("is_reported") is True
    sides = *_who(body.get("ours")), *_who(body.get("theirs_changed"))
    return Conflict(kind, definition_id, theirs, version, is_reported, datetime.fromisoformat(since), *sides)


def _who(body: JsonValue) -> tuple[datetime | None, str | None]:
    if not isinstance(body, Mapping):
        return None, None
    at, by = body.get("at"), body.get("by")
    return datetime.fromisoformat(at) if isinstance(at, str) else None, by if isinstance(by, str) else None


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _saved_key(key: Key) -> str:
    return f"{key[0]}/{key[1]}"


def _name(fields: JsonObject, key: Key) -> str:
    name = fields.get("name") or fields.get("device_name") or fields.get("rule_name")
    kind = key[0].replace("_", " ").capitalize()
    return f"{kind} “{name}”" if name else f"{kind} {key[1]}"


def _title(taken: DefinitionTaken) -> str:
    return _name(taken.fields or taken.sent or {}, (taken.kind, taken.id))
