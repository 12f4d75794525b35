"""Entities that open and close: covers and valves. Positions are in percent, 100 is open, whatever the device counts."""

from collections.abc import Callable, Mapping
from typing import Final

from hub_agent.drivers.homeassistant.facet import (
    NONE,
    NOTHING,
    Facet,
    Said,
    Sender,
    Unreadable,
    load_object,
    read_number,
    write,
)
from hub_agent.drivers.homeassistant.options import Options, Wrong
from hub_agent.drivers.wishes import needed_number, needed_text
from hub_agent.errors import NotPossible
from hub_agent.model.device import Capability
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import Publication
from hub_agent.model.state import UNKNOWN

_STATES: Final = ("open", "closed", "opening", "closing", "stopped")


class _Span:
    """The device's numbers for closed and open."""

    def __init__(self, options: Options, closed_key: str, open_key: str) -> None:
        self.closed, self.opened = options.number(closed_key, 0), options.number(open_key, 100)
        if self.closed == self.opened:
            raise Wrong("key_wrong", f"`{closed_key}` and `{open_key}` must differ")

    def percent(self, value: float) -> int:
        percent = round((value - self.closed) / (self.opened - self.closed) * 100)
        return max(0, min(100, percent))

    def value(self, percent: float) -> int:
        return round(self.closed + max(0, min(100, percent)) / 100 * (self.opened - self.closed))


class Cover(Facet):
    domain = "cover"

    def fill(self) -> None:
        options = self.options
        self._span = _Span(options, "position_closed", "position_open")
        self._tilt_span = _Span(options, "tilt_min", "tilt_max")
        self._words = {options.text(f"state_{state}", state): state for state in reversed(_STATES)}
        self._state: str | None = None
        self._position: int | None = None
        self._has_state = options.has("state_topic")
        self.listen("state_topic", "value_template", self._read_state)
        position_template = (
            "position_template" if self._has_state or options.has("position_template") else "value_template"
        )
        has_position = self.listen("position_topic", position_template, self._read_position)
        has_tilt = self.listen("tilt_status_topic", "tilt_status_template", self._read_tilt)
        self._sender = self.sender("command_topic", "command_template")
        self._position_sender = self.sender("set_position_topic", "set_position_template")
        self._tilt_sender = self.sender("tilt_command_topic", "tilt_command_template")
        self._add_moves()
        self._add_tilts()
        self.capabilities["open"] = Capability(
            "bool", self.access(can_read=self._has_state or has_position, can_write="open_cover" in self.commands)
        )
        if has_position or self._position_sender is not None:
            access = self.access(can_read=has_position, can_write=self._position_sender is not None)
            self.capabilities["position"] = Capability("int", access, unit="%", min=0, max=100)
        if has_tilt or self._tilt_sender is not None:
            access = self.access(can_read=has_tilt, can_write=self._tilt_sender is not None)
            self.capabilities["tilt"] = Capability("int", access, unit="%", min=0, max=100)

    def _add_moves(self) -> None:
        for verb, key, default in (
            ("open_cover", "payload_open", "OPEN"),
            ("close_cover", "payload_close", "CLOSE"),
            ("stop_cover", "payload_stop", "STOP"),
        ):
            # An explicit null says that the device has no such command.
            payload = self.options.config.get(key, default)
            if self._sender is not None and payload is not None:
                self.commands[verb] = _send(self._sender, write(payload))
        if self._position_sender is not None:
            self.commands["set_cover_position"] = lambda data: self._move(needed_number(data, "position"))
            self.commands.setdefault("open_cover", lambda _data: self._move(100))
            self.commands.setdefault("close_cover", lambda _data: self._move(0))

    def _add_tilts(self) -> None:
        sender = self._tilt_sender
        if sender is None:
            return
        opened = self.options.number("tilt_opened_value", 100)
        closed = self.options.number("tilt_closed_value", 0)
        self.commands["open_cover_tilt"] = lambda _data: self._tilt(sender, opened)
        self.commands["close_cover_tilt"] = lambda _data: self._tilt(sender, closed)
        self.commands["set_cover_tilt_position"] = lambda data: self._tilt(sender, needed_number(data, "tilt_position"))
        stop = self.options.text("payload_stop_tilt", self.options.text("payload_stop", "STOP"))
        self.commands["stop_cover_tilt"] = lambda _data: [sender.publish(stop)]

    def _move(self, percent: float) -> list[Publication]:
        sender = self._position_sender
        assert sender is not None  # the command exists only with it
        value = self._span.value(percent)
        if sender.template is None:
            return sender.send(value)
        return sender.send(
            value, position=int(percent), position_open=self._span.opened, position_closed=self._span.closed
        )

    def _tilt(self, sender: Sender, percent: float) -> list[Publication]:
        value = self._tilt_span.value(percent)
        more: dict[str, JsonValue] = {
            "tilt_position": int(percent),
            "tilt_min": self._tilt_span.closed,
            "tilt_max": self._tilt_span.opened,
        }
        return sender.send(value, **more)

    def _read_state(self, text: str) -> Said | None:
        if not text:
            return None
        if text == NONE:
            return UNKNOWN, NOTHING
        state = self._words.get(text)
        if state is None:
            raise Unreadable(f"{text!r:.60} is none of {', '.join(self._words)[:200]}")
        self._state = self._state_at_rest() if state == "stopped" else state
        return self._state, NOTHING

    def _state_at_rest(self) -> str:
        if self._position is not None:
            return "closed" if self._position == 0 else "open"
        return "closed" if self._state in {"closing", "closed"} else "open"

    def _read_position(self, text: str) -> Said | None:
        if not text or text == NONE:
            return None
        attributes: dict[str, JsonValue] = {}
        body = load_object(text)
        if body is not None:
            if body.get("tilt_position") is not None:
                attributes["current_tilt_position"] = self._tilt_span.percent(read_number(str(body["tilt_position"])))
            text = str(body.get("position"))
        self._position = self._span.percent(read_number(text))
        attributes["current_position"] = self._position
        if self._has_state:
            return None, attributes
        self._state = "closed" if self._position == 0 else "open"
        return self._state, attributes

    def _read_tilt(self, text: str) -> Said | None:
        if not text or text == NONE:
            return None
        return None, {"current_tilt_position": self._tilt_span.percent(read_number(text))}


class Valve(Facet):
    domain = "valve"

    def fill(self) -> None:
        options = self.options
        self._span = _Span(options, "position_closed", "position_open")
        self._is_positioned = options.flag("reports_position")
        self._words = {options.text(f"state_{state}", state): state for state in reversed(_STATES[:4])}
        has_state = self.listen("state_topic", "value_template", self._read)
        self._sender = self.sender("command_topic", "command_template")
        if self._sender is not None:
            self._add_moves(self._sender)
        access = self.access(can_read=has_state, can_write=self._sender is not None)
        self.capabilities["open"] = Capability("bool", access)
        if self._is_positioned:
            self.capabilities["position"] = Capability("int", access, unit="%", min=0, max=100)

    def _add_moves(self, sender: Sender) -> None:
        options = self.options
        if options.has("payload_stop"):
            self.commands["stop_valve"] = _send(sender, options.text("payload_stop", "STOP"))
        if not self._is_positioned:
            self.commands["open_valve"] = _send(sender, options.text("payload_open", "OPEN"))
            self.commands["close_valve"] = _send(sender, options.text("payload_close", "CLOSE"))
            return
        self.commands["open_valve"] = lambda _data: sender.send(self._span.value(100))
        self.commands["close_valve"] = lambda _data: sender.send(self._span.value(0))
        self.commands["set_valve_position"] = lambda data: sender.send(
            self._span.value(needed_number(data, "position"))
        )

    def _read(self, text: str) -> Said | None:
        if not text or text == NONE:
            return (UNKNOWN, NOTHING) if text else None
        body = load_object(text)
        state_text = (
            str(body["state"]) if body is not None and body.get("state") is not None else text if body is None else ""
        )
        position_text = str(body["position"]) if body is not None and body.get("position") is not None else ""
        state = self._words.get(state_text)
        if state is None and body is None and self._is_positioned:
            position_text = text
        if not self._is_positioned or (state is not None and not position_text):
            if state is None:
                raise Unreadable(f"{text!r:.60} is none of {', '.join(self._words)[:200]}")
            return state, NOTHING
        percent = self._span.percent(read_number(position_text))
        return state or ("closed" if percent == 0 else "open"), {"current_position": percent}


def _send(sender: Sender, payload: str) -> Callable[[JsonObject], list[Publication]]:
    return lambda _data: sender.send(payload)


class LawnMower(Facet):
    domain = "lawn_mower"

    def fill(self) -> None:
        has_state = self.listen("activity_state_topic", "activity_value_template", self._read)
        for verb, name in (("start_mowing", "start_mowing"), ("pause", "pause"), ("dock", "dock")):
            sender = self.sender(f"{name}_command_topic", f"{name}_command_template")
            if sender is not None:
                self.commands[verb] = _send(sender, verb)
        self.capabilities["activity"] = Capability("enum", "r" if has_state else "w", options=_ACTIVITIES)

    def _read(self, text: str) -> Said | None:
        if not text or text == NONE:
            return (UNKNOWN, NOTHING) if text else None
        if text not in _ACTIVITIES:
            raise Unreadable(f"{text!r:.60} is none of {', '.join(_ACTIVITIES)}")
        return text, NOTHING


_ACTIVITIES: Final = ("mowing", "paused", "docked", "returning", "error")
_VACUUM_STATES: Final = ("cleaning", "docked", "paused", "idle", "returning", "error")
_VACUUM_VERBS: Final = {
    "start": ("payload_start", "start"),
    "stop": ("payload_stop", "stop"),
    "pause": ("payload_pause", "pause"),
    "return_to_base": ("payload_return_to_base", "return_to_base"),
    "clean_spot": ("payload_clean_spot", "clean_spot"),
    "locate": ("payload_locate", "locate"),
}


def _own_command(data: JsonObject) -> JsonValue:
    """As Home Assistant sends it: the word, or an object of it and its parameters."""
    command, params = needed_text(data, "command"), data.get("params")
    return {"command": command, **params} if isinstance(params, Mapping) and params else command


class Vacuum(Facet):
    domain = "vacuum"

    def fill(self) -> None:
        options = self.options
        has_state = self.listen("state_topic", "value_template", self._read)
        sender = self.sender("command_topic")
        if sender is not None:
            for verb, (key, default) in _VACUUM_VERBS.items():
                self.commands[verb] = _send(sender, options.text(key, default))
        own_sender = self.sender("send_command_topic")
        if own_sender is not None:
            self.commands["send_command"] = lambda data: own_sender.send(_own_command(data))
        speeds = options.texts("fan_speed_list")
        speed_sender = self.sender("set_fan_speed_topic")
        if speed_sender is not None and speeds:
            self.commands["set_fan_speed"] = lambda data: self._set_speed(speed_sender, data, speeds)
            self.capabilities["fan_speed"] = Capability("enum", self.access(can_read=has_state), options=speeds)
        self.capabilities["activity"] = Capability("enum", "r" if has_state else "w", options=_VACUUM_STATES)

    def _set_speed(self, sender: Sender, data: JsonObject, speeds: tuple[str, ...]) -> list[Publication]:
        speed = data.get("fan_speed")
        if speed not in speeds:
            raise NotPossible(f"`fan_speed` must be one of {', '.join(speeds)[:200]}, not {speed!r:.60}")
        return sender.send(speed)

    def _read(self, text: str) -> Said | None:
        if not text:
            return None
        body = load_object(text)
        if body is None:
            raise Unreadable("a vacuum says a JSON object")
        state = body.get("state")
        if state is not None and state not in _VACUUM_STATES:
            raise Unreadable(f"`state` {state!r:.60} is none of {', '.join(_VACUUM_STATES)}")
        attributes = {name: body[name] for name in ("battery_level", "fan_speed") if name in body}
        return (str(state) if state is not None else UNKNOWN if "state" in body else None), attributes
