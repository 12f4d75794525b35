"""Copies of scenes that a bridge keeps (a Zigbee group's scene, a scene of a Hue bridge): one word moves all members at once, also without the hub.

    wanted --StoreScene--> pending --told by the bridge--> synced --told otherwise--> drifted, stored again
              nothing told in time: again, STORE_TRIES_MAX times -> failed           too often -> conflict

The home's definition is the one that holds: what somebody changed on the bridge is put right. Somebody who changes it again and again has a
reason: then it is left as it is, and said. A copy is recalled only while it is synced.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Protocol, TypeAlias
from uuid import UUID

from hub_agent.model.action import Recall
from hub_agent.model.device import Device, Entity
from hub_agent.model.effects import DropScene, Durability, Effect, Save, StoreScene
from hub_agent.model.ids import DeviceId, EntityId, SceneId
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import SceneNotKept, ScenesKept
from hub_agent.model.scene import DesiredState, Scene, SceneCopy, SceneKeeper, SceneMember

ROOM: Final = "stored_scenes"

# With fewer members one word does not save anything.
MEMBERS_MIN: Final = 3
# Somebody who edits a scene goes on editing.
SETTLE: Final = timedelta(seconds=10)
VERIFY_WITHIN: Final = timedelta(seconds=60)
STORE_TRIES_MAX: Final = 5
# A bridge stores one member after another over the air: copies are stored one at a time.
STORED_AT_ONCE: Final = 1
DRIFT_WINDOW: Final = timedelta(hours=24)
DRIFTS_MAX: Final = 3
COPIES_MAX: Final = 500
# Of a copy that is not wanted any more, until its bridge has it no longer; known here only.
DROPPED: Final = "dropped"

CopyId: TypeAlias = tuple[SceneId, DeviceId]


class Home(Protocol):
    """What is asked about devices."""

    def entity(self, entity_id: EntityId) -> Entity | None: ...

    def device(self, device_id: DeviceId) -> Device | None: ...


@dataclass(frozen=True, slots=True)
class Stored:
    """How a copy stands. status: pending | synced | failed | conflict | unsupported, as `ecosystem_sync_status` has it."""

    dialect: str
    name: str
    digest: str
    status: str = "pending"
    external_id: str | None = None
    error: str | None = None
    tries: int = 0
    drifts: tuple[datetime, ...] = ()
    attempted_at: datetime | None = None
    synced_at: datetime | None = None


class StoredScenes:
    def __init__(self, home: Home, keepers: Mapping[str, SceneKeeper], *, is_wanted: bool = True) -> None:
        """Not wanted, what bridges keep is dropped."""
        self._home = home
        self._keepers = keepers
        self._is_wanted = is_wanted
        self._scenes: dict[SceneId, Scene] = {}
        self._copies: dict[CopyId, Stored] = {}
        self._due_at: dict[SceneId, datetime] = {}
        self._verify_at: dict[CopyId, datetime] = {}

    def restore(self, saved: Mapping[str, JsonObject], now: datetime) -> None:
        """What was pending is stored again; what was synced is believed until its bridge tells otherwise. What no scene stands for is dropped."""
        for key, body in saved.items():
            scene_id, _, bridge_id = key.partition("/")
            stored = _stored_of(body)
            if stored is not None and bridge_id:
                self._copies[SceneId(scene_id), DeviceId(bridge_id)] = stored
                self._due_at.setdefault(SceneId(scene_id), now + SETTLE)

    # What changes.

    def load(self, scene: Scene, now: datetime) -> None:
        if scene.row_id is not None and self._keepers:
            self._scenes[scene.row_id] = scene
            self._due_at[scene.row_id] = now + SETTLE

    def unload(self, scene_id: SceneId, now: datetime) -> None:
        if self._scenes.pop(scene_id, None) is not None:
            self._due_at[scene_id] = now

    def handle_device(self, device: Device, now: datetime) -> None:
        """New, changed or moved to another bridge: scenes that name it may be kept otherwise."""
        if device.origin.dialect not in self._keepers:
            return
        named = {entity.id for entity in device.entities}
        for scene_id, scene in self._scenes.items():
            if any(wish.entity_id in named for wish in scene.desired):
                self._due_at.setdefault(scene_id, now + SETTLE)

    def handle_kept(self, told: ScenesKept, bridge: Device, now: datetime) -> list[Effect]:
        kept_by_tag = {kept.tag: kept for kept in told.kept}
        effects: list[Effect] = []
        for copy_id in [each for each in self._copies if each[1] == bridge.id]:
            stored = self._copies[copy_id]
            kept = kept_by_tag.pop(tag_of(copy_id[0]), None)
            if stored.status == DROPPED:
                effects += self._forget(copy_id) if kept is None else [DropScene(bridge.id, kept.external_id)]
                continue
            copy = self._wanted(copy_id)
            if copy is None or stored.status == "unsupported":
                if kept is not None:
                    effects.append(DropScene(bridge.id, kept.external_id))
                elif stored.status == "unsupported" and stored.external_id is not None:
                    effects += self._keep(copy_id, replace(stored, external_id=None))
                continue
            is_right = kept is not None and self._keepers[stored.dialect].content_of(copy) == kept.content
            known_as = kept.external_id if kept is not None else None
            if is_right and stored.digest == _digest(copy):
                effects += self._synced(copy_id, replace(stored, external_id=known_as), now)
            elif stored.status in {"synced", "failed"}:
                effects += self._drifted(copy_id, replace(stored, external_id=known_as), now)
            elif known_as != stored.external_id:
                effects += self._keep(copy_id, replace(stored, external_id=known_as))
        # Copies of scenes that are no longer ours to keep there.
        effects += [DropScene(bridge.id, kept.external_id) for kept in kept_by_tag.values() if self._is_stale(kept.tag)]
        return effects

    def handle_not_kept(self, told: SceneNotKept, bridge: Device, now: datetime) -> list[Effect]:
        for copy_id, stored in self._copies.items():
            if copy_id[1] == bridge.id and tag_of(copy_id[0]) == told.tag and stored.status == "pending":
                return self._failed(copy_id, replace(stored, error=told.reason[:500]), now)
        return []

    def handle_clock_step(self, by: timedelta) -> None:
        self._due_at = {scene_id: at + by for scene_id, at in self._due_at.items()}
        self._verify_at = {copy_id: at + by for copy_id, at in self._verify_at.items()}

    def get_timer(self) -> datetime | None:
        return min((*self._due_at.values(), *self._verify_at.values()), default=None)

    def handle_timer(self, now: datetime) -> list[Effect]:
        effects: list[Effect] = []
        for copy_id in sorted(copy_id for copy_id, at in self._verify_at.items() if at <= now):
            stored = self._copies.get(copy_id)
            del self._verify_at[copy_id]
            if stored is not None and stored.status == "pending":
                error = stored.error or "the bridge did not tell that it keeps it"
                effects += self._failed(copy_id, replace(stored, error=error), now)
        due = sorted(scene_id for scene_id, at in self._due_at.items() if at <= now)
        for scene_id in due:
            if self._is_busy():
                break
            del self._due_at[scene_id]
            effects += self._plan(scene_id, now)
        if due and self._is_busy():
            # The rest waits for those that are being stored.
            self._due_at |= {scene_id: now + SETTLE for scene_id in due if scene_id in self._due_at}
        return effects

    # What is asked.

    def recalls(self, scene: Scene, transition_s: float | None, activation: str) -> Mapping[EntityId, Recall]:
        """By entity, the copy that moves it. None of a copy whose transition is not the one that is wanted."""
        if scene.row_id is None:
            return {}
        recalls: dict[EntityId, Recall] = {}
        for copy_id, stored in self._copies.items():
            if copy_id[0] != scene.row_id or stored.status != "synced" or stored.external_id is None:
                continue
            copy = self._wanted(copy_id)
            if copy is None or _digest(copy) != stored.digest:
                continue
            own = transition_s if transition_s is not None and transition_s != copy.transition_s else None
            recall = Recall(copy_id[1], stored.external_id, activation, own)
            recalls |= {member.entity.id: recall for member in copy.members}
        return recalls

    def of(self, scene_id: SceneId) -> list[JsonObject]:
        """Where this scene is kept besides, and how that stands."""
        return [
            {
                "dialect": stored.dialect,
                "bridge": copy_id[1],
                "status": stored.status,
                "external_id": stored.external_id,
                "error": stored.error,
            }
            for copy_id, stored in sorted(self._shown())
            if copy_id[0] == scene_id
        ]

    def present(self) -> dict[str, JsonValue]:
        """Per scene and dialect, columns of `ecosystem_sync_status`; nothing of a scene that is kept nowhere, which is said as well."""
        shown: dict[str, JsonValue] = {}
        for scene_id in sorted({*self._scenes, *(copy_id[0] for copy_id, _ in self._shown())}):
            shown[scene_id] = _as_present(
                [(bridge_id, stored) for (known, bridge_id), stored in self._shown() if known == scene_id]
            )
        return shown

    def _shown(self) -> list[tuple[CopyId, Stored]]:
        return [(copy_id, stored) for copy_id, stored in self._copies.items() if stored.status != DROPPED]

    # How.

    def _plan(self, scene_id: SceneId, now: datetime) -> list[Effect]:
        scene = self._scenes.get(scene_id)
        wanted = self._copies_of(scene) if scene is not None else {}
        effects: list[Effect] = []
        for copy_id, stored in list(self._copies.items()):
            if copy_id[0] == scene_id and copy_id[1] not in wanted and stored.status != DROPPED:
                effects += self._drop(copy_id)
        for bridge_id, (copy, refused) in sorted(wanted.items()):
            copy_id = (scene_id, bridge_id)
            if copy is None:
                effects += self._unsupported(copy_id, scene, refused)
            elif self._needs_storing(copy_id, copy):
                effects += self._store(copy_id, copy, now)
        return effects

    def _needs_storing(self, copy_id: CopyId, copy: SceneCopy) -> bool:
        known = self._copies.get(copy_id)
        return known is None or known.status in {"pending", DROPPED} or known.digest != _digest(copy)

    def _copies_of(self, scene: Scene) -> dict[DeviceId, tuple[SceneCopy | None, list[EntityId]]]:
        """By bridge: the copy it can keep, or None where it cannot, and the entities that it cannot keep."""
        members: dict[DeviceId, list[SceneMember]] = {}
        refused: dict[DeviceId, list[EntityId]] = {}
        for wish in scene.desired if scene.is_active and self._is_wanted else ():
            entity = self._home.entity(wish.entity_id)
            device = self._home.device(entity.device_id) if entity is not None else None
            if entity is None or device is None or device.via is None:
                continue
            keeper = self._keepers.get(device.origin.dialect)
            if keeper is None:
                continue
            if keeper.can_keep(device, entity, wish):
                members.setdefault(device.via, []).append(SceneMember(device, entity, wish))
            else:
                refused.setdefault(device.via, []).append(wish.entity_id)
        assert scene.row_id is not None  # only scenes of the home are loaded
        found: dict[DeviceId, tuple[SceneCopy | None, list[EntityId]]] = {}
        for bridge_id in sorted({*members, *refused}):
            kept, left = members.get(bridge_id, []), refused.get(bridge_id, [])
            if len(kept) >= MEMBERS_MIN:
                copy = SceneCopy(tag_of(scene.row_id), scene.name, tuple(kept), _transition(scene, kept))
                found[bridge_id] = (replace(copy, version=_digest(copy)[:6]), left)
            elif len(kept) + len(left) >= MEMBERS_MIN:
                found[bridge_id] = (None, left)
        return found

    def _wanted(self, copy_id: CopyId) -> SceneCopy | None:
        scene = self._scenes.get(copy_id[0])
        return self._copies_of(scene).get(copy_id[1], (None, []))[0] if scene is not None else None

    def _store(self, copy_id: CopyId, copy: SceneCopy, now: datetime) -> list[Effect]:
        known = self._copies.get(copy_id)
        if known is None and len(self._copies) >= COPIES_MAX:
            return []
        digest = _digest(copy)
        is_new = known is None or known.digest != digest
        stored = Stored(
            dialect=copy.members[0].device.origin.dialect,
            name=copy.name,
            digest=digest,
            external_id=known.external_id if known else None,
            tries=1 if is_new or known is None else known.tries + 1,
            drifts=known.drifts if known else (),
            attempted_at=now,
            synced_at=known.synced_at if known else None,
        )
        self._verify_at[copy_id] = now + VERIFY_WITHIN
        return [*self._keep(copy_id, stored), StoreScene(copy_id[1], copy, stored.external_id)]

    def _drop(self, copy_id: CopyId) -> list[Effect]:
        """Remembered until the bridge tells that it is gone: it may not have heard."""
        stored = self._copies[copy_id]
        self._verify_at.pop(copy_id, None)
        if stored.status == "unsupported" and stored.external_id is None:
            return self._forget(copy_id)
        dropped = self._keep(copy_id, replace(stored, status=DROPPED, digest="", error=None, drifts=()))
        return dropped if stored.external_id is None else [*dropped, DropScene(copy_id[1], stored.external_id)]

    def _forget(self, copy_id: CopyId) -> list[Effect]:
        del self._copies[copy_id]
        return [Save(ROOM, _key(copy_id), None)]

    def _unsupported(self, copy_id: CopyId, scene: Scene | None, refused: Sequence[EntityId]) -> list[Effect]:
        dialect = self._dialect_behind(refused)
        if scene is None or dialect is None:
            return []
        before = self._copies.get(copy_id)
        dropped: list[Effect] = []
        if before is not None and before.external_id is not None:
            dropped = [DropScene(copy_id[1], before.external_id)]
        error = f"cannot be kept there: {', '.join(refused)}"[:500]
        known_as = before.external_id if before is not None else None  # until the bridge tells that it is gone
        told = Stored(dialect, scene.name, "", "unsupported", known_as, error)
        return dropped if before == told else [*dropped, *self._keep(copy_id, told)]

    def _dialect_behind(self, entity_ids: Iterable[EntityId]) -> str | None:
        for entity_id in entity_ids:
            entity = self._home.entity(entity_id)
            device = self._home.device(entity.device_id) if entity is not None else None
            if device is not None:
                return device.origin.dialect
        return None

    def _synced(self, copy_id: CopyId, stored: Stored, now: datetime) -> list[Effect]:
        self._verify_at.pop(copy_id, None)
        if stored == self._copies[copy_id] and stored.status == "synced":
            return []
        self._next_soon(now)
        return self._keep(copy_id, replace(stored, status="synced", error=None, tries=0, synced_at=now))

    def _failed(self, copy_id: CopyId, stored: Stored, now: datetime) -> list[Effect]:
        """Tried again after a growing wait; at last left alone until the scene or its devices change."""
        self._verify_at.pop(copy_id, None)
        self._next_soon(now)
        if stored.tries >= STORE_TRIES_MAX:
            return self._keep(copy_id, replace(stored, status="failed"))
        self._due_at[copy_id[0]] = now + SETTLE * 2**stored.tries
        return self._keep(copy_id, stored)

    def _drifted(self, copy_id: CopyId, stored: Stored, now: datetime) -> list[Effect]:
        drifts = (*(at for at in stored.drifts if now - at < DRIFT_WINDOW), now)
        if len(drifts) > DRIFTS_MAX:
            error = "somebody changes it on the bridge again and again; it is left as it is there"
            return self._keep(copy_id, replace(stored, status="conflict", error=error, drifts=drifts))
        self._due_at[copy_id[0]] = now + SETTLE
        error = "it was changed on the bridge; it is put right"
        return self._keep(copy_id, replace(stored, status="pending", error=error, drifts=drifts, tries=0))

    def _next_soon(self, now: datetime) -> None:
        """One was stored or given up: those that waited for it come next."""
        for scene_id, at in self._due_at.items():
            self._due_at[scene_id] = min(at, now + SETTLE)

    def _is_busy(self) -> bool:
        return len(self._verify_at) >= STORED_AT_ONCE

    def _is_stale(self, tag: str) -> bool:
        """One that we made, and whose scene is no longer here."""
        return bool(self._scenes) and tag not in {tag_of(scene_id) for scene_id in self._scenes}

    def _keep(self, copy_id: CopyId, stored: Stored) -> list[Effect]:
        self._copies[copy_id] = stored
        return [Save(ROOM, _key(copy_id), _body(stored), Durability.COMMIT)]


def tag_of(scene_id: SceneId) -> str:
    """Eight hexadecimal digits, the same after a reinstallation."""
    try:
        return UUID(scene_id).hex[:8]
    except ValueError:
        return sha256(scene_id.encode()).hexdigest()[:8]


def _transition(scene: Scene, members: Sequence[SceneMember]) -> float | None:
    """The scene's own, where its members want the same."""
    wanted = {
        member.wish.transition_s if member.wish.transition_s is not None else scene.transition_s for member in members
    }
    return wanted.pop() if len(wanted) == 1 else scene.transition_s


def _digest(copy: SceneCopy) -> str:
    """Of everything that a bridge is to keep of it."""
    parts = [copy.name, repr(copy.transition_s)]
    parts += sorted(
        f"{member.device.origin.native_id}|{member.entity.key}|{member.wish.state}|{_plain(member.wish)}"
        for member in copy.members
    )
    return sha256("\n".join(parts).encode()).hexdigest()[:16]


def _plain(wish: DesiredState) -> str:
    return repr(sorted((name, repr(value)) for name, value in wish.attributes.items() if value is not None))


_RANK = {"conflict": 4, "failed": 3, "pending": 2, "unsupported": 1, "synced": 0}


def _as_present(copies: Sequence[tuple[DeviceId, Stored]]) -> JsonValue:
    """By dialect; where several bridges of one dialect keep a part, the one that stands worst speaks for all."""
    shown: dict[str, JsonValue] = {}
    for dialect in sorted({stored.dialect for _, stored in copies}):
        parts = sorted(
            ((bridge_id, stored) for bridge_id, stored in copies if stored.dialect == dialect),
            key=lambda part: (-_RANK[part[1].status], part[0]),
        )
        worst = parts[0][1]
        shown[dialect] = {
            "sync_status": worst.status,
            "external_entity_id": worst.external_id,
            "error_message": worst.error,
            "retry_count": worst.tries,
            "last_sync_attempt_at": _iso(worst.attempted_at),
            "last_synced_at": _iso(worst.synced_at),
        }
    return shown


def _key(copy_id: CopyId) -> str:
    return f"{copy_id[0]}/{copy_id[1]}"


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _body(stored: Stored) -> JsonObject:
    return {
        "dialect": stored.dialect,
        "name": stored.name,
        "digest": stored.digest,
        "status": stored.status,
        "external_id": stored.external_id,
        "error": stored.error,
        "tries": stored.tries,
        "drifts": [at.isoformat() for at in stored.drifts],
        "attempted_at": _iso(stored.attempted_at),
        "synced_at": _iso(stored.synced_at),
    }


def _stored_of(body: JsonObject) -> Stored | None:
    try:
        drifts, tries = body["drifts"], body["tries"]
        return Stored(
            dialect=str(body["dialect"]),
            name=str(body["name"]),
            digest=str(body["digest"]),
            status=str(body["status"]),
            external_id=_text(body.get("external_id")),
            error=_text(body.get("error")),
            tries=tries if isinstance(tries, int) else 0,
            drifts=tuple(datetime.fromisoformat(str(at)) for at in drifts) if isinstance(drifts, list | tuple) else (),
            attempted_at=_instant(body.get("attempted_at")),
            synced_at=_instant(body.get("synced_at")),
        )
    except (KeyError, ValueError):
        return None


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None


def _instant(value: JsonValue) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None


Recalls: TypeAlias = Callable[[Scene, float | None, str], Mapping[EntityId, Recall]]
