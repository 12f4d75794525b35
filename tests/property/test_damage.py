"""Hostile input over all decoders: everything that was ever recorded, damaged by seed.

A few seeds in every run; `NEXA_DAMAGE=START:END` lives through others, and more of each (tests/README.md).
"""

import contextlib
import os
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Final

import pytest

from hub_agent.core.hub import Hub
from hub_agent.drivers import identification
from hub_agent.drivers.registry import Dialects, default_drivers, link_drivers
from hub_agent.errors import NotPossible
from hub_agent.model.automation import Place
from hub_agent.model.device import Advertisement, Device
from hub_agent.model.ids import HomeId
from hub_agent.model.json import JsonObject
from hub_agent.model.link import Frame, ServiceGone
from hub_agent.model.report import Decoded, MqttMessage, Rejected, Reported, Subscribe, Unsubscribe
from tests.property.damage import Damage
from tests.property.sound import faults, state_faults
from tests.recorded.corpora import Heard, corpora
from tests.recorded.heard_home import device_of
from tests.recorded.identification.announced import of_others, of_shellies

START, END = map(int, os.environ.get("NEXA_DAMAGE", "0:2").split(":"))
SEEDS: Final = range(START, END)
SAMPLE: Final = 100 if END - START <= 2 else 2_000
NAMES: Final = sorted(corpora())
# Any text is a state to them.
TEXTUAL: Final = frozenset({"sensor", "text", "device_tracker", "update"})
MESSAGE_S_MAX: Final = 1.0
NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


def some_of(heard: tuple[Heard, ...], damage: Damage, count: int = SAMPLE) -> list[Heard]:
    """In their order: what is described comes before what is said of it."""
    if len(heard) <= count:
        return list(heard)
    return [heard[at] for at in sorted(damage.chance.sample(range(len(heard)), count))]


def told(dialects: Dialects, said: Heard) -> list[Decoded]:
    began_s = time.thread_time()
    decoded = list(dialects.hear(said) if isinstance(said, Frame) else dialects.decode(said))
    assert time.thread_time() - began_s < MESSAGE_S_MAX, said
    return decoded


def every_dialect() -> Dialects:
    return Dialects(default_drivers(), link_drivers())


class Home:
    """All drivers, and the hub that believes them."""

    def __init__(self) -> None:
        self.dialects = every_dialect()
        self._ids = 0
        self.hub = Hub(home_id=HomeId("6a204bd8-9a3b-4f6f-8f0e-0a4e3c1d2b1a"), place=Place("Europe/Berlin", 52.5, 13.4), new_id=self._new_id)  # fmt: skip
        self.now = NOON
        self.rejected = 0

    def _new_id(self) -> str:
        self._ids += 1
        return f"00000000-0000-4000-8000-{self._ids:012d}"

    def hear(self, said: Heard) -> Iterator[str]:
        """What is wrong with what came of it."""
        for each in told(self.dialects, said):
            yield from faults(each)
            self.rejected += isinstance(each, Rejected)
            if not isinstance(each, Subscribe | Unsubscribe):
                self.now += timedelta(seconds=1)
                self.hub.handle(each, self.now)
            if isinstance(each, Reported):
                yield from self._wrong_states(each)

    def _wrong_states(self, reported: Reported) -> Iterator[str]:
        known = self.hub.inventory.find(reported.origin)
        for report in reported.entities if known is not None else ():
            assert known is not None
            entity = known.entity_by_key.get(report.key)
            state = self.hub.states.state(entity.id) if entity is not None else None
            if entity is not None and state is not None:
                yield from state_faults(entity.domain, state.state, state.attributes)

    def states(self) -> dict[str, tuple[str, JsonObject]]:
        return {
            entity.id: (state.state, state.attributes)
            for device in self.hub.inventory.devices()
            for entity in device.entities
            if entity.domain not in TEXTUAL
            if (state := self.hub.states.state(entity.id)) is not None
        }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_recorded_makes_sound_states_and_damaged_it_does_no_harm(name: str, seed: int) -> None:
    damage, home = Damage(seed), Home()
    wrong: Counter[str] = Counter()
    for one in some_of(corpora()[name], damage):
        said = [one, damage.of(one)]
        if damage.chance.random() < 0.5:
            said.reverse()
        for each in said:
            wrong.update(home.hear(each))
    assert not wrong, wrong.most_common(5)


@pytest.mark.parametrize("seed", SEEDS)
def test_dialects_that_speak_at_the_same_time_out_of_order_and_damaged_do_not_disturb_each_other(seed: int) -> None:
    damage, home = Damage(seed), Home()
    everything = [one for heard in corpora().values() for one in some_of(heard, damage, 60)]
    damage.chance.shuffle(everything)
    wrong: Counter[str] = Counter()
    for one in everything:
        wrong.update(home.hear(damage.of(one) if damage.chance.random() < 0.6 else one))
    assert not wrong, wrong.most_common(5)


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_read_leaves_the_last_good_states(name: str) -> None:
    home, heard = Home(), corpora()[name]
    for one in heard:
        assert list(home.hear(one)) == []
    before = home.states()
    for one in heard:
        for said in unreadable(one):
            assert list(home.hear(said)) == []
    assert before
    assert home.states() == before


def unreadable(heard: Heard) -> Iterator[Heard]:
    """Of another shape altogether, or not to be parsed."""
    if isinstance(heard, Frame):
        shapes: tuple[Any, ...] = (
            ("\x00", True, 7, [[[]]]) if isinstance(heard.body, Mapping) else ("\x00", True, {"": ""})
        )
        if isinstance(heard.body, Mapping | list | tuple):
            yield from (Frame(heard.dialect, heard.peer, heard.kind, shape) for shape in shapes)
    elif heard.payload[:1] in b"{[" and len(heard.payload) > 2:
        for payload in (
            heard.payload.rstrip()[:-1],
            heard.payload[: len(heard.payload) // 2],
            b"\xff\xfe" + heard.payload,
            b"{" * 5_000,
        ):
            yield MqttMessage(heard.topic, payload)


@pytest.mark.parametrize("name", NAMES)
def test_thousands_of_duplicates_take_little_time_and_leave_nothing_behind(name: str) -> None:
    dialects = every_dialect()
    heard = corpora()[name]
    for one in heard:
        told(dialects, one)
    weighty = max(range(len(heard)), key=lambda at: len(str(heard[at])))
    for one in heard[-3:]:
        told(dialects, one)
    before = weight(dialects)
    began_s = time.thread_time()
    for _ in range(400):
        for one in heard[-3:]:
            told(dialects, one)
    for _ in range(10):
        told(dialects, heard[weighty])
    assert time.thread_time() - began_s < 10 * MESSAGE_S_MAX
    assert weight(dialects) <= before * 1.05 + 100


# What bounds how many things of a kind a driver keeps; lowered, the bounds are reached within a test.
BOUNDS: Final = (
    "DEVICES_MAX", "NODES_MAX", "PEERS_MAX", "MEMBERS_MAX", "RELEASED_MAX", "WAITING_MAX", "MATCHES_MAX", "REMEMBERED_TOPICS_MAX", "NETWORKS_MAX", "SERVERS_MAX",
    "RECEIVERS_MAX", "PLAYERS_MAX", "RELAYS_MAX", "BRIDGES_MAX", "GROUPS_MAX", "PLACES_MAX", "TOPICS_MAX", "RESOURCES_MAX",
)  # fmt: skip
FEW: Final = 12


def driver_modules() -> list[ModuleType]:
    """Those that are in use."""
    return [module for name, module in sorted(sys.modules.items()) if name.startswith("hub_agent.drivers.")]


@pytest.mark.parametrize("name", NAMES)
def test_however_many_devices_announce_themselves_what_is_kept_of_them_has_a_named_bound(name: str, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    before = every_dialect()
    for one in corpora()[name]:
        told(before, one)
    for module in driver_modules():
        for bound in BOUNDS:
            if getattr(module, bound, 0) > FEW:
                monkeypatch.setattr(module, bound, FEW)
    damage, dialects, heard = Damage(SEEDS.start), every_dialect(), corpora()[name]
    weights: list[int] = []
    # Lists of all devices of a home say with their first few what they say with all.
    heard = tuple(one for one in heard if len(str(one)) < 50_000) or heard
    for home in range(240):
        at = 0 if home % 3 else damage.chance.randrange(len(heard))
        for one in (*heard[:3], *heard[at : at + 8]):
            told(dialects, damage.fresh(one, home))
        if home in {119, 239}:
            weights.append(weight(dialects))
    assert weights[1] <= weights[0] * 1.3 + 500, weights


PLAIN: Final = (type, ModuleType, FunctionType, MethodType, BuiltinFunctionType, str, bytes, int, float)


def weight(root: object) -> int:
    """How many things hang on it."""
    seen: set[int] = set()
    waiting: list[object] = [root]
    count = 0
    while waiting:
        one = waiting.pop()
        if one is None or isinstance(one, PLAIN) or id(one) in seen:
            continue
        seen.add(id(one))
        inside = list(_inside(one))
        count += len(inside)
        waiting += inside
    return count


def _inside(one: object) -> Iterator[object]:
    if isinstance(one, Mapping):
        yield from one.keys()
        yield from one.values()
    elif isinstance(one, list | tuple | set | frozenset | deque):
        yield from one
    elif type(one).__module__.startswith("hub_agent") and not type(one).__module__.startswith("hub_agent.templating"):
        for kind in type(one).__mro__:
            for slot in getattr(kind, "__slots__", ()):
                if hasattr(one, slot):
                    yield getattr(one, slot)
        yield from getattr(one, "__dict__", {}).values()


# What is announced on the network.


@pytest.mark.parametrize("seed", SEEDS)
def test_no_announcement_brings_down_identification_or_the_discovery_that_believes_it(seed: int) -> None:
    damage, home = Damage(seed), Home()
    wrong: Counter[str] = Counter()
    for service in (*of_shellies(), *of_others()):
        for said in (service, damage.service(service), damage.service(damage.service(service))):
            found = identification.identify(said)
            if found is not None:
                wrong.update(faults(found))
                home.hub.handle(found, home.now)
            home.now += timedelta(seconds=1)
            if damage.chance.random() < 0.2:
                home.hub.handle(identification.gone(ServiceGone(said.via, said.kind, said.name)), home.now)
    assert not wrong, wrong.most_common(5)


# Commands.

VERBS: Final = (
    "turn_on", "turn_off", "toggle", "set_cover_position", "set_cover_tilt_position", "open_cover", "stop_cover", "set_temperature", "set_hvac_mode", "set_fan_mode",
    "set_preset_mode", "set_percentage", "oscillate", "set_direction", "set_humidity", "set_mode", "lock", "unlock", "open", "set_value", "select_option", "press",
    "install", "volume_set", "volume_mute", "media_play", "media_seek", "play_media", "select_source", "join", "repeat_set", "shuffle_set", "set_operation_mode",
    "set_valve_position", "send_command", "start", "return_to_base", "alarm_arm_away", "trigger", "", "x.y",
)  # fmt: skip
FIELDS: Final = (
    "brightness", "brightness_pct", "brightness_step", "color_temp_kelvin", "color_temp", "rgb_color", "hs_color", "xy_color", "rgbw_color", "rgbww_color", "color_name",
    "white", "effect", "flash", "transition", "position", "tilt_position", "temperature", "target_temp_low", "target_temp_high", "hvac_mode", "fan_mode", "preset_mode",
    "swing_mode", "percentage", "oscillating", "direction", "humidity", "mode", "value", "option", "code", "volume_level", "is_volume_muted", "seek_position",
    "media_content_id", "media_content_type", "source", "group_members", "repeat", "shuffle", "tone", "duration", "operation_mode", "fan_speed", "command", "params",
)  # fmt: skip


def advertised(dialects: Dialects, heard: tuple[Heard, ...]) -> list[Device]:
    known: dict[str, Device] = {}
    for one in heard:
        for each in told(dialects, one):
            if isinstance(each, Advertisement):
                known[each.origin.native_id] = device_of(each)
    return list(known.values())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", SEEDS)
def test_any_command_is_sent_or_not_possible_in_words(name: str, seed: int) -> None:
    damage, dialects = Damage(seed), every_dialect()
    devices = advertised(dialects, corpora()[name])
    driver = dialects.driver(name)
    assert devices
    for _ in range(SAMPLE * 4):
        device = damage.chance.choice(devices)
        if not device.entities:
            continue
        entity = damage.chance.choice(device.entities)
        verb = damage.chance.choice(VERBS)
        data = {field: damage.scalar() for field in damage.chance.sample(FIELDS, damage.chance.randrange(4))}
        with contextlib.suppress(NotPossible):
            driver.encode(device, entity, f"{entity.domain}.{verb}", data)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", SEEDS)
def test_devices_whose_row_in_the_mirror_is_damaged_are_taken_up_or_left(name: str, seed: int) -> None:
    damage, dialects = Damage(seed), every_dialect()
    devices = advertised(dialects, corpora()[name])
    fresh = every_dialect()
    fresh.restore(damage.devices(devices))
    for one in some_of(corpora()[name], damage, 60):
        for each in told(fresh, one):
            assert list(faults(each)) == []
