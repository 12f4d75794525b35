"""Entities with one thing to set: switches, sirens, locks, numbers, choices, texts, buttons, scenes."""

from typing import Final

from hub_agent.drivers.homeassistant.facet import (
    NONE,
    NOTHING,
    Facet,
    Said,
    Sender,
    Unreadable,
    load_object,
    on_off,
    plain,
    read_number,
    read_one_of,
    write,
)
from hub_agent.drivers.homeassistant.options import Wrong
from hub_agent.drivers.wishes import needed_number, needed_text, number_of
from hub_agent.errors import NotPossible
from hub_agent.model.device import Capability
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import Publication
from hub_agent.model.state import UNKNOWN


class Switch(Facet):
    domain = "switch"
    required = ("command_topic",)

    def fill(self) -> None:
        options = self.options
        on, off = options.text("payload_on", "ON"), options.text("payload_off", "OFF")
        state_on, state_off = options.text("state_on", on), options.text("state_off", off)
        has_state = self.listen("state_topic", "value_template", lambda text: on_off(text, state_on, state_off))
        sender = self.sender("command_topic", "command_template")
        if sender is not None:
            self.commands = {"turn_on": lambda _data: sender.send(on), "turn_off": lambda _data: sender.send(off)}
        self.capabilities["on"] = Capability("bool", self.access(can_read=has_state))


class Siren(Facet):
    domain = "siren"
    required = ("command_topic",)

    def fill(self) -> None:
        options = self.options
        self._on, self._off = options.text("payload_on", "ON"), options.text("payload_off", "OFF")
        self._state_on, self._state_off = options.text("state_on", self._on), options.text("state_off", self._off)
        self._tones = options.texts("available_tones")
        has_state = self.listen("state_topic", "state_value_template", self._read)
        self._sender = self.sender("command_topic", "command_template")
        self._off_sender = self.sender("command_topic", "command_off_template")
        self.commands = {"turn_on": self._turn_on, "turn_off": self._turn_off}
        self.capabilities["on"] = Capability("bool", self.access(can_read=has_state))
        if self._tones:
            self.capabilities["tone"] = Capability("enum", "w", options=self._tones)

    def _read(self, text: str) -> Said | None:
        body = load_object(text)
        if body is None:
            return on_off(text, self._state_on, self._state_off)
        attributes = {name: body[name] for name in ("tone", "duration", "volume_level") if name in body}
        state = on_off(write(body["state"]), self._state_on, self._state_off) if "state" in body else None
        return (state[0] if state is not None else None), attributes

    def _turn_on(self, data: JsonObject) -> list[Publication]:
        more: dict[str, JsonValue] = {}
        if data.get("tone") is not None:
            more["tone"] = needed_text(data, "tone", self._tones)
        for name in ("duration", "volume_level"):
            number = number_of(data, name)
            if number is not None:
                more[name] = number
        return self._send(self._sender, self._on, more)

    def _turn_off(self, _data: JsonObject) -> list[Publication]:
        has_own = self._off_sender is not None and self._off_sender.template is not None
        return self._send(self._off_sender if has_own else self._sender, self._off, {})

    def _send(self, sender: Sender | None, value: str, more: dict[str, JsonValue]) -> list[Publication]:

        assert sender is not None  # required
        if sender.template is None:
            return [sender.publish(write({"state": value, **more}))]
        return sender.send(value, state=value, **more)


class Lock(Facet):
    domain = "lock"
    required = ("command_topic",)

    def fill(self) -> None:
        options = self.options
        words = {
            "state_locked": ("LOCKED", "locked"),
            "state_unlocked": ("UNLOCKED", "unlocked"),
            "state_locking": ("LOCKING", "locking"),
            "state_unlocking": ("UNLOCKING", "unlocking"),
            "state_jammed": ("JAMMED", "jammed"),
            "state_open": ("OPEN", "open"),
            "state_opening": ("OPENING", "opening"),
            "payload_reset": (NONE, UNKNOWN),
        }
        self._states = {options.text(key, default): state for key, (default, state) in words.items()}
        has_state = self.listen("state_topic", "value_template", self._read)
        self._sender = self.sender("command_topic", "command_template")
        for verb, key, default in (
            ("lock", "payload_lock", "LOCK"),
            ("unlock", "payload_unlock", "UNLOCK"),
            ("open", "payload_open", None),
        ):
            payload = options.optional_text(key) or default
            if payload is not None:
                self._add(verb, payload)
        self.capabilities["locked"] = Capability("bool", self.access(can_read=has_state))

    def _add(self, verb: str, payload: str) -> None:
        def command(data: JsonObject) -> list[Publication]:
            assert self._sender is not None  # required
            code = data.get("code")
            return self._sender.send(payload, code="" if code is None else str(code))

        self.commands[verb] = command

    def _read(self, text: str) -> Said | None:
        if not text:
            return None
        state = self._states.get(text)
        if state is None:
            raise Unreadable(f"{text!r:.60} is none of {', '.join(self._states)[:200]}")
        return state, NOTHING


class Number(Facet):
    domain = "number"
    required = ("command_topic",)

    def fill(self) -> None:
        options = self.options
        self.unit = options.optional_text("unit_of_measurement") or None
        self._low, self._high = options.number("min", 1), options.number("max", 100)
        if self._low > self._high:
            raise Wrong("key_wrong", f"`max` ({self._high:g}) must not be below `min` ({self._low:g})")
        self._reset = options.text("payload_reset", NONE)
        step = options.number("step", 1)
        has_state = self.listen("state_topic", "value_template", self._read)
        self._sender = self.sender("command_topic", "command_template")
        self.commands = {"set_value": self._set}
        self.capabilities["value"] = Capability(
            "float", self.access(can_read=has_state), unit=self.unit, min=self._low, max=self._high, step=step
        )

    def _read(self, text: str) -> Said | None:
        if not text:
            return None
        if text in {self._reset, NONE}:
            return UNKNOWN, NOTHING
        number = read_number(text)
        if not self._low <= number <= self._high:
            raise Unreadable(f"{text!r:.60} is not between {self._low:g} and {self._high:g}")
        return str(number), NOTHING

    def _set(self, data: JsonObject) -> list[Publication]:
        assert self._sender is not None  # required
        number = needed_number(data, "value")
        if not self._low <= number <= self._high:
            raise NotPossible(f"`value` must be between {self._low:g} and {self._high:g}, not {number:g}")
        return self._sender.send(number)


class Select(Facet):
    domain = "select"
    required = ("command_topic", "options")

    def fill(self) -> None:
        words = self.options.texts("options")
        read = read_one_of(words)

        def apply(text: str) -> Said | None:
            return plain(text if text in {"", NONE} else read(text))

        has_state = self.listen("state_topic", "value_template", apply)
        sender = self.sender("command_topic", "command_template")
        if sender is not None:
            self.commands = {"select_option": lambda data: sender.send(needed_text(data, "option", words))}
        self.capabilities["option"] = Capability("enum", self.access(can_read=has_state), options=words)


class Text(Facet):
    domain = "text"
    required = ("command_topic",)

    def fill(self) -> None:
        options = self.options
        self._low, self._high = int(options.number("min", 0)), int(options.number("max", 255))
        has_state = self.listen("state_topic", "value_template", lambda text: (text[:255], NOTHING))
        self._sender = self.sender("command_topic", "command_template")
        self.commands = {"set_value": self._set}
        self.capabilities["value"] = Capability("text", self.access(can_read=has_state))

    def _set(self, data: JsonObject) -> list[Publication]:
        assert self._sender is not None  # required
        text = needed_text(data, "value")
        if not self._low <= len(text) <= self._high:
            raise NotPossible(f"`value` must have {self._low} to {self._high} characters, this one has {len(text)}")
        return self._sender.send(text)


class Button(Facet):
    domain = "button"
    required = ("command_topic",)

    def fill(self) -> None:
        payload = self.options.text("payload_press", "PRESS")
        sender = self.sender("command_topic", "command_template")
        if sender is not None:
            self.commands = {"press": lambda _data: sender.send(payload)}
        self.capabilities["press"] = Capability("bool", "w")


class DeviceScene(Facet):
    """A scene that the device (or its bridge) keeps."""

    domain = "scene"
    required = ("command_topic",)

    def fill(self) -> None:
        payload = self.options.text("payload_on", "ON")
        sender = self.sender("command_topic")
        if sender is not None:
            self.commands = {"turn_on": lambda _data: sender.send(payload)}
        self.capabilities["activate"] = Capability("bool", "w")


class Notify(Facet):
    domain = "notify"
    required = ("command_topic",)

    def fill(self) -> None:
        sender = self.sender("command_topic", "command_template")
        if sender is not None:
            self.commands = {"send_message": lambda data: sender.send(needed_text(data, "message"))}
        self.capabilities["message"] = Capability("text", "w")


_ALARM_STATES: Final = (
    "disarmed", "armed_home", "armed_away", "armed_night", "armed_vacation", "armed_custom_bypass", "pending", "triggered", "arming", "disarming",
)  # fmt: skip
_ALARM_VERBS: Final = {
    "alarm_disarm": ("payload_disarm", "DISARM", "code_disarm_required"),
    "alarm_arm_home": ("payload_arm_home", "ARM_HOME", "code_arm_required"),
    "alarm_arm_away": ("payload_arm_away", "ARM_AWAY", "code_arm_required"),
    "alarm_arm_night": ("payload_arm_night", "ARM_NIGHT", "code_arm_required"),
    "alarm_arm_vacation": ("payload_arm_vacation", "ARM_VACATION", "code_arm_required"),
    "alarm_arm_custom_bypass": ("payload_arm_custom_bypass", "ARM_CUSTOM_BYPASS", "code_arm_required"),
    "alarm_trigger": ("payload_trigger", "TRIGGER", "code_trigger_required"),
}


class AlarmControlPanel(Facet):
    domain = "alarm_control_panel"
    required = ("state_topic", "command_topic")

    def fill(self) -> None:
        options = self.options
        read = read_one_of(_ALARM_STATES)
        self.listen("state_topic", "value_template", lambda text: plain(text if text in {"", NONE} else read(text)))
        self._sender = self.sender("command_topic", "command_template")
        self._code = options.optional_text("code")
        for verb, (key, default, code_key) in _ALARM_VERBS.items():
            is_code_needed = self._code is not None and options.flag(code_key, default=True)
            self._add(verb, options.text(key, default), is_code_needed=is_code_needed)
        self.capabilities["mode"] = Capability("enum", "r", options=_ALARM_STATES)

    def _add(self, verb: str, payload: str, *, is_code_needed: bool) -> None:
        def command(data: JsonObject) -> list[Publication]:
            assert self._sender is not None  # required
            code = data.get("code")
            text = "" if code is None else str(code)
            is_remote = self._code in {"REMOTE_CODE", "REMOTE_CODE_TEXT"}
            if is_code_needed and not is_remote and text != self._code:
                raise NotPossible("The code is wrong.")
            # Without a template Home Assistant sends the bare word; the code travels only where a template asks for it.
            return self._sender.send(payload, action=payload, code=text)

        self.commands[verb] = command
