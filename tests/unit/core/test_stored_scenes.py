"""Copies of scenes on a bridge: stored when it is worth it, believed when the bridge tells so, put right, recalled by one word."""

from datetime import UTC, datetime, timedelta

import pytest

from hub_agent.core.scenes.stored import DRIFTS_MAX, SETTLE, STORE_TRIES_MAX, StoredScenes, tag_of
from hub_agent.model.device import Device, DeviceType, Entity, Origin
from hub_agent.model.effects import DropScene, Effect, Save, StoreScene
from hub_agent.model.ids import DeviceId, EntityId, SceneId
from hub_agent.model.report import SceneNotKept, ScenesKept
from hub_agent.model.scene import DesiredState, KeptScene, Scene, SceneCopy

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
SCENE = SceneId("3f2a9c1d-0000-4000-8000-000000000000")
BRIDGE = Device(
    id=DeviceId("bridge"),
    origin=Origin("zigbee", "bridge"),
    aliases=(),
    name="Bridge",
    named_by_person=False,
    room_id=None,
    brand=None,
    model=None,
    device_type=DeviceType.BRIDGE,
    protocol=None,
    via=None,
    firmware_version=None,
    power_source=None,
    native={},
    entities=(),
)


def a_lamp(name: str) -> Device:
    entity = Entity(EntityId(f"light.{name}"), DeviceId(name), "main", "light", None, None, None, None, None, {}, {})
    changed = {"id": DeviceId(name), "origin": Origin("zigbee", name), "via": BRIDGE.id, "entities": (entity,)}
    return Device(**{field: changed.get(field, getattr(BRIDGE, field)) for field in Device.__slots__})


class Home:
    def __init__(self, *names: str) -> None:
        self.devices = {DeviceId(name): a_lamp(name) for name in names} | {BRIDGE.id: BRIDGE}

    def entity(self, entity_id: EntityId) -> Entity | None:
        return next((e for d in self.devices.values() for e in d.entities if e.id == entity_id), None)

    def device(self, device_id: DeviceId) -> Device | None:
        return self.devices.get(device_id)


class Keeper:
    """Keeps what is on or off, and tells who is a member and in which version."""

    def can_keep(self, _device: Device, _entity: Entity, wish: DesiredState) -> bool:
        return wish.state in {"on", "off"}

    def content_of(self, copy: SceneCopy) -> str:
        return f"{copy.version} {sorted(member.device.id for member in copy.members)}"


class House:
    """The room with a bridge beside it, which does what it is told when it is asked to."""

    def __init__(self, *names: str) -> None:
        self.home = Home(*names)
        self.now = NOON
        self.room = StoredScenes(self.home, {"zigbee": Keeper()})
        self.saved: dict[str, object] = {}
        self.kept: dict[str, KeptScene] = {}

    def wait(self, by: timedelta = SETTLE) -> list[Effect]:
        effects: list[Effect] = []
        until = self.now + by
        while (due := self.room.get_timer()) is not None and due <= until:
            self.now = max(self.now, due)
            effects += self.keep(self.room.handle_timer(self.now))
        self.now = until
        return effects

    def keep(self, effects: list[Effect]) -> list[Effect]:
        for effect in effects:
            if isinstance(effect, Save):
                self.saved[effect.key] = effect.body
                if effect.body is None:
                    del self.saved[effect.key]
        return effects

    def obey(self, effects: list[Effect]) -> list[Effect]:
        for effect in effects:
            if isinstance(effect, StoreScene):
                copy = effect.copy
                self.kept[copy.tag] = KeptScene(copy.tag, f"group {copy.tag}", Keeper().content_of(copy))
            elif isinstance(effect, DropScene):
                self.kept = {tag: kept for tag, kept in self.kept.items() if kept.external_id != effect.external_id}
        return self.tell()

    def tell(self) -> list[Effect]:
        told = ScenesKept(BRIDGE.origin, tuple(self.kept.values()))
        return self.keep(self.room.handle_kept(told, BRIDGE, self.now))

    def restart(self) -> None:
        self.room = StoredScenes(self.home, {"zigbee": Keeper()})
        self.room.restore(self.saved, self.now)

    @property
    def status(self) -> dict:
        return self.room.present()[SCENE]["zigbee"]


def a_scene(
    *wishes: tuple[str, str], transition_s: float | None = None, is_active: bool = True, **bright: int
) -> Scene:
    desired = tuple(
        DesiredState(EntityId(f"light.{name}"), state, {"brightness": bright[name]} if name in bright else {})
        for name, state in wishes
    )
    return Scene(EntityId("scene.movie"), "Movie", desired, SCENE, transition_s, is_active)


THREE = (("a", "on"), ("b", "off"), ("c", "on"))


def stored_house() -> House:
    house = House("a", "b", "c")
    house.room.load(a_scene(*THREE), house.now)
    house.obey(house.wait())
    return house


def of(kind: type, effects: list[Effect]) -> list:
    return [effect for effect in effects if isinstance(effect, kind)]


def test_a_scene_of_three_lamps_is_stored_once_its_editing_has_settled() -> None:
    house = House("a", "b", "c")
    house.room.load(a_scene(*THREE), house.now)
    assert house.wait(SETTLE / 2) == []
    [store] = of(StoreScene, house.wait(SETTLE))
    assert (store.bridge, store.copy.tag, store.external_id) == (BRIDGE.id, tag_of(SCENE), None)
    assert [member.entity.id for member in store.copy.members] == ["light.a", "light.b", "light.c"]
    assert house.status["sync_status"] == "pending"


def test_it_is_synced_when_the_bridge_tells_so_and_only_then_recalled() -> None:
    house = House("a", "b", "c")
    scene = a_scene(*THREE)
    house.room.load(scene, house.now)
    effects = house.wait()
    assert house.room.recalls(scene, None, "press") == {}
    house.obey(effects)
    assert house.status["sync_status"] == "synced"
    assert house.status["external_entity_id"] == f"group {tag_of(SCENE)}"
    recalls = house.room.recalls(scene, None, "press")
    assert sorted(recalls) == ["light.a", "light.b", "light.c"]
    assert len(set(recalls.values())) == 1


@pytest.mark.parametrize(
    "scene", [a_scene(*THREE[:2]), a_scene(*THREE, is_active=False), a_scene(("x", "on"), ("y", "on"), ("z", "on"))]
)
def test_two_lamps_a_scene_that_is_off_and_unknown_lamps_are_not_worth_a_copy(scene: Scene) -> None:
    house = House("a", "b", "c")
    house.room.load(scene, house.now)
    assert house.wait() == []
    assert house.room.present() == {SCENE: {}}


def test_what_the_bridge_cannot_keep_is_left_out_and_too_much_of_it_is_unsupported() -> None:
    house = House("a", "b", "c", "d")
    house.room.load(a_scene(*THREE, ("d", "dancing")), house.now)
    [store] = of(StoreScene, house.wait())
    assert len(store.copy.members) == 3
    house.room.load(a_scene(("a", "on"), ("b", "dancing"), ("c", "dancing"), ("d", "dancing")), house.now)
    house.obey(house.wait(timedelta(minutes=5)))
    assert house.status["sync_status"] == "unsupported"
    assert "light.b, light.c, light.d" in house.status["error_message"]


def test_an_edited_scene_is_stored_again_under_the_same_id_and_not_recalled_meanwhile() -> None:
    house = stored_house()
    edited = a_scene(*THREE, a=200)
    house.room.load(edited, house.now)
    assert house.room.recalls(edited, None, "press") == {}
    effects = house.wait()
    [store] = of(StoreScene, effects)
    assert store.external_id == f"group {tag_of(SCENE)}"
    house.tell()
    assert house.status["sync_status"] == "pending"
    house.obey(effects)
    assert house.status["sync_status"] == "synced"


def test_a_scene_that_is_deleted_is_dropped_there() -> None:
    house = stored_house()
    house.room.unload(SCENE, house.now)
    house.obey(house.wait())
    assert house.kept == {}
    assert house.saved == {}


def test_what_somebody_changed_on_the_bridge_is_put_right_until_they_insist() -> None:
    house = stored_house()
    for _ in range(DRIFTS_MAX):
        house.kept.clear()
        house.tell()
        assert house.status["sync_status"] == "pending"
        house.obey(house.wait())
        assert house.status["sync_status"] == "synced"
    house.kept.clear()
    house.tell()
    assert house.status["sync_status"] == "conflict"
    assert of(StoreScene, house.wait(timedelta(hours=1))) == []


def test_a_bridge_that_never_tells_is_asked_a_few_times_and_then_left_alone() -> None:
    house = House("a", "b", "c")
    house.room.load(a_scene(*THREE), house.now)
    effects = house.wait(timedelta(hours=3))
    assert len(of(StoreScene, effects)) == STORE_TRIES_MAX
    assert house.status["sync_status"] == "failed"
    assert house.room.get_timer() is None


def test_a_refusal_is_said_in_the_bridges_words() -> None:
    house = House("a", "b", "c")
    house.room.load(a_scene(*THREE), house.now)
    for _ in range(STORE_TRIES_MAX):
        while not of(StoreScene, house.wait()):
            pass
        refused = SceneNotKept(BRIDGE.origin, tag_of(SCENE), "the group table of Lamp A is full")
        house.keep(house.room.handle_not_kept(refused, BRIDGE, house.now))
    assert house.status["sync_status"] == "failed"
    assert house.status["error_message"] == "the group table of Lamp A is full"


def test_after_a_restart_what_was_synced_is_believed_and_what_was_pending_is_stored() -> None:
    house = stored_house()
    house.restart()
    scene = a_scene(*THREE)
    house.room.load(scene, house.now)
    assert house.room.recalls(scene, None, "press")
    assert of(StoreScene, house.wait()) == []
    house.kept.clear()
    house.tell()
    house.restart()
    house.room.load(scene, house.now)
    assert len(of(StoreScene, house.wait())) == 1


def test_copies_are_stored_one_after_another() -> None:
    house = House("a", "b", "c")
    other = SceneId("4f2a9c1d-0000-4000-8000-000000000000")
    scene = a_scene(*THREE)
    house.room.load(scene, house.now)
    house.room.load(Scene(EntityId("scene.other"), "Other", scene.desired, other), house.now)
    first = of(StoreScene, house.wait())
    assert len(first) == 1
    house.obey(first)
    assert len(of(StoreScene, house.wait())) == 1


def test_another_transition_than_the_stored_one_is_told_with_the_recall() -> None:
    house = stored_house()
    recalls = house.room.recalls(a_scene(*THREE), 5.0, "press")
    assert {recall.transition_s for recall in recalls.values()} == {5.0}


def test_a_copy_of_a_scene_that_the_home_has_no_longer_is_dropped() -> None:
    house = stored_house()
    house.kept["ffffffff"] = KeptScene("ffffffff", "group ffffffff", "")
    assert of(DropScene, house.tell()) == [DropScene(BRIDGE.id, "group ffffffff")]


def test_a_home_that_wants_no_copies_any_more_drops_those_it_has() -> None:
    house = stored_house()
    house.room = StoredScenes(house.home, {"zigbee": Keeper()}, is_wanted=False)
    house.room.restore(house.saved, house.now)
    scene = a_scene(*THREE)
    house.room.load(scene, house.now)
    assert house.room.recalls(scene, None, "press") == {}
    house.obey(house.wait())
    assert house.kept == {}
    assert house.saved == {}


def test_a_drop_that_the_bridge_did_not_hear_is_told_again() -> None:
    house = stored_house()
    house.room.unload(SCENE, house.now)
    house.wait()
    assert house.room.present() == {}
    house.restart()
    [again] = of(DropScene, house.tell())
    house.obey([again])
    assert (house.kept, house.saved) == ({}, {})
