"""Actions that mean something relative to what is so now: the next option, a little faster or louder. Decided once, so that sent twice they do the same."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from hub_agent.core.expectation import number_in
from hub_agent.model.action import Call
from hub_agent.model.device import Entity
from hub_agent.model.json import JsonObject
from hub_agent.model.state import EntityState

# Of a fan that does not say how many speeds it has.
SPEED_STEP: Final = 10.0
# Home Assistant's own; of a volume between 0 and 1.
VOLUME_STEP: Final = 0.1

_Meaning: TypeAlias = tuple[str, JsonObject]
_Resolver: TypeAlias = Callable[[Call, Entity, EntityState], "_Meaning | None"]


def resolved(call: Call, entity: Entity, state: EntityState | None) -> Call:
    """The call that does it for this entity. What cannot be resolved stays as it is, and the device refuses it in words."""
    resolve = RESOLVERS.get(call.action)
    meaning = resolve(call, entity, state) if resolve is not None and state is not None else None
    return call if meaning is None else replace(call, action=meaning[0], data=meaning[1])


def _select(step: int | None, edge: int = 0) -> _Resolver:
    """`step` from the present option; without one the option at the `edge`."""

    def resolve(call: Call, entity: Entity, state: EntityState) -> _Meaning | None:
        options = _options(entity, state)
        if not options:
            return None
        if step is None:
            return "select.select_option", {"option": options[edge]}
        if state.state not in options:
            return "select.select_option", {"option": options[0 if step > 0 else -1]}
        index = options.index(state.state) + step
        if call.data.get("cycle") is False:
            index = max(0, min(len(options) - 1, index))
        return "select.select_option", {"option": options[index % len(options)]}

    return resolve


def _options(entity: Entity, state: EntityState) -> Sequence[str]:
    listed = state.attributes.get("options")
    if isinstance(listed, Sequence) and not isinstance(listed, str):
        return [str(each) for each in listed]
    return next((each.options for each in entity.capabilities.values() if each.options), ())


def _fan(direction: int) -> _Resolver:
    def resolve(call: Call, _entity: Entity, state: EntityState) -> _Meaning:
        given = number_in(call.data.get("percentage_step"))
        step = given or number_in(state.attributes.get("percentage_step")) or SPEED_STEP
        now = number_in(state.attributes.get("percentage")) or 0.0 if state.state == "on" else 0.0
        return "fan.set_percentage", {"percentage": round(max(0.0, min(100.0, now + direction * step)))}

    return resolve


def _tilt(_call: Call, _entity: Entity, state: EntityState) -> _Meaning:
    is_shut = number_in(state.attributes.get("current_tilt_position")) == 0
    return f"cover.{'open' if is_shut else 'close'}_cover_tilt", {}


def _start_or_pause(_call: Call, _entity: Entity, state: EntityState) -> _Meaning:
    return f"vacuum.{'pause' if state.state == 'cleaning' else 'start'}", {}


def _volume(direction: int) -> _Resolver:
    def resolve(_call: Call, _entity: Entity, state: EntityState) -> _Meaning | None:
        now = number_in(state.attributes.get("volume_level"))
        if now is None:
            return None
        level = max(0.0, min(1.0, now + direction * VOLUME_STEP))
        return "media_player.volume_set", {"volume_level": round(level, 2)}

    return resolve


def _play_or_pause(_call: Call, _entity: Entity, state: EntityState) -> _Meaning:
    return f"media_player.media_{'pause' if state.state in {'playing', 'buffering'} else 'play'}", {}


# By action; also read by the table for people.
RESOLVERS: Final[Mapping[str, _Resolver]] = {
    "select.select_next": _select(1),
    "select.select_previous": _select(-1),
    "select.select_first": _select(None, 0),
    "select.select_last": _select(None, -1),
    "fan.increase_speed": _fan(1),
    "fan.decrease_speed": _fan(-1),
    "cover.toggle_cover_tilt": _tilt,
    "vacuum.start_pause": _start_or_pause,
    "media_player.volume_up": _volume(1),
    "media_player.volume_down": _volume(-1),
    "media_player.media_play_pause": _play_or_pause,
}
