"""Copies of scenes on a bridge that loses what it is told, forgets what it keeps, and is edited by others."""

from datetime import timedelta
from random import Random

from hypothesis import example, given, settings, strategies as st

from hub_agent.core.scenes.stored import COPIES_MAX
from hub_agent.model.effects import Effect
from hub_agent.model.scene import Scene
from tests.unit.core.test_stored_scenes import SCENE, House, a_scene

NAMES = ("a", "b", "c", "d")
ENDS = {"synced", "failed", "conflict", "unsupported"}


def a_random_scene(random: Random) -> Scene:
    names = random.sample(NAMES, random.randint(1, 4))
    return a_scene(*((name, random.choice(["on", "off", "dancing"])) for name in names), a=random.randint(1, 255))


def tell(house: House, effects: list[Effect], random: Random) -> None:
    """The bridge may do only some of it, and may tell of it or not."""
    heard = [effect for effect in effects if random.random() < 0.7]
    if heard or random.random() < 0.3:
        house.obey(heard)


@example(248)
@example(4856)
@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_what_is_recalled_is_what_the_bridge_has_told_and_after_calm_it_is_settled(seed: int) -> None:
    random = Random(seed)
    house = House(*NAMES)
    scene: Scene | None = None
    for _ in range(random.randint(1, 40)):
        deed = random.randrange(6)
        if deed <= 1:
            scene = a_random_scene(random)
            house.room.load(scene, house.now)
        elif deed == 2 and scene is not None:
            house.room.unload(SCENE, house.now)
            scene = None
        elif deed == 3:
            house.kept.clear()
            house.tell()
        elif deed == 4:
            house.restart()
            if scene is not None:
                house.room.load(scene, house.now)
        tell(house, house.wait(timedelta(seconds=random.choice([1, 15, 70, 400]))), random)
        if scene is not None:
            recalls = house.room.recalls(scene, None, "press")
            assert len(recalls) in {0, 3, 4}
            assert {recall.external_id for recall in recalls.values()} <= {
                kept.external_id for kept in house.kept.values()
            } | {f"group {SCENE[:8]}"}

    for _ in range(30):
        house.obey(house.obey(house.wait(timedelta(minutes=10))))
    assert house.room.get_timer() is None
    assert len(house.saved) <= COPIES_MAX
    shown = house.room.present()
    if scene is None:
        assert not any(shown.values())
        assert house.kept == {}
    elif shown.get(SCENE):
        assert house.status["sync_status"] in ENDS
        assert bool(house.room.recalls(scene, None, "press")) is (house.status["sync_status"] == "synced")
