"""Entities that keep a room as people want it: climate, water heaters, humidifiers, fans. Temperatures are in °C, whatever the device counts."""

import math
from collections.abc import Callable
from typing import Final

from hub_agent.drivers.homeassistant.facet import (
    NONE,
    NOTHING,
    Facet,
    Said,
    Sender,
    Unreadable,
    attribute,
    on_off,
    plain,
    read_number,
    read_one_of,
    read_text,
)
from hub_agent.drivers.homeassistant.options import Wrong
from hub_agent.drivers.wishes import needed_number, needed_text, number_of
from hub_agent.errors import NotPossible
from hub_agent.model.device import Capability
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import Publication

HVAC_MODES: Final = ("auto", "off", "cool", "heat", "dry", "fan_only")
_HVAC_MODES_ALL: Final = (*HVAC_MODES, "heat_cool")
_ACTIONS: Final = ("off", "heating", "cooling", "drying", "idle", "fan", "preheating", "defrosting")


class _Tempered(Facet):
    """What has a temperature to reach."""

    def setup(self, low: float, high: float) -> None:
        options = self.options
        unit = options.text("temperature_unit", "C").upper().removeprefix("°")
        if unit not in {"C", "F"}:
            raise Wrong("key_wrong", f"`temperature_unit` must be C or F, not {unit!r:.20}")
        self._is_fahrenheit = unit == "F"
        default_low, default_high = (
            (self._to_device(low), self._to_device(high)) if self._is_fahrenheit else (low, high)
        )
        self._low = self._to_celsius(options.number("min_temp", default_low))
        self._high = self._to_celsius(options.number("max_temp", default_high))
        if self._low >= self._high:
            raise Wrong("key_wrong", "`max_temp` must be above `min_temp`")

    def _to_celsius(self, value: float) -> float | int:
        if not self._is_fahrenheit:
            return value
        celsius = round((value - 32) / 1.8, 1)
        return int(celsius) if celsius.is_integer() else celsius

    def _to_device(self, celsius: float) -> float:
        return round(celsius * 1.8 + 32, 1) if self._is_fahrenheit else celsius

    def hear_temperature(self, topic: str, template: str, name: str) -> bool:
        return self.listen(topic, template, attribute(name, lambda text: self._to_celsius(read_number(text))))

    def send_temperature(self, sender: Sender | None, data: JsonObject, key: str) -> list[Publication]:
        wanted = number_of(data, key)
        if wanted is None:
            return []
        if sender is None:
            raise NotPossible(f"`{key}` of this {self.domain} cannot be set.")
        if not self._low <= wanted <= self._high:
            raise NotPossible(f"`{key}` must be between {self._low:g} and {self._high:g} °C, not {wanted:g}")
        return sender.send(self._to_device(wanted))

    def declare_target(self, *, can_read: bool, can_write: bool) -> None:
        step = self.options.optional_number("temp_step")
        if step is not None and self._is_fahrenheit:
            step = round(step / 1.8, 2)
        self.capabilities["target_temperature"] = Capability(
            "float",
            self.access(can_read=can_read, can_write=can_write),
            unit="°C",
            min=self._low,
            max=self._high,
            step=step,
        )

    def choice(
        self, name: str, options_key: str, topic: str, template: str, defaults: tuple[str, ...] = ()
    ) -> Sender | None:
        """An attribute with a list of words, such as the fan's mode."""
        words = self.options.texts(options_key, defaults)
        # A preset of none is not in the list and always allowed.
        read = read_one_of((*words, "none") if words else ())
        has_state = self.listen(f"{topic}_state_topic", template, attribute(name, read))
        sender = self.sender(f"{topic}_command_topic", f"{topic}_command_template")
        if sender is not None:
            self.commands[f"set_{name}"] = lambda data: sender.send(needed_text(data, name, words))
        if has_state or sender is not None:
            access = self.access(can_read=has_state, can_write=sender is not None)
            capability = {"preset_mode": "preset"}.get(name, name)
            self.capabilities[capability] = Capability("enum", access, options=words)
        return sender


class Climate(_Tempered):
    domain = "climate"

    def fill(self) -> None:
        self.setup(7, 35)
        self._modes = tuple(mode for mode in self.options.texts("modes", HVAC_MODES) if mode in _HVAC_MODES_ALL)
        # An empty list: the device has nothing but a temperature to reach.
        if self._modes == () and self.options.config.get("modes"):
            raise Wrong("key_wrong", f"`modes` must be among {', '.join(_HVAC_MODES_ALL)}")
        read_mode = read_one_of(_HVAC_MODES_ALL)
        has_mode = self.listen(
            "mode_state_topic",
            "mode_state_template",
            lambda text: plain(text if text in {"", NONE} else read_mode(text)),
        )
        self._hear_temperatures()
        if self.listen("action_topic", "action_template", attribute("hvac_action", read_one_of(_ACTIONS))):
            self.capabilities["action"] = Capability("enum", options=_ACTIONS)
        self._mode_sender = self.sender("mode_command_topic", "mode_command_template")
        self._senders = {
            key: self.sender(f"{topic}_command_topic", f"{topic}_command_template")
            for key, topic in (
                ("temperature", "temperature"),
                ("target_temp_low", "temperature_low"),
                ("target_temp_high", "temperature_high"),
            )
        }
        self._add_commands(has_mode=has_mode)
        self.choice("preset_mode", "preset_modes", "preset_mode", "preset_mode_value_template")
        self.choice("fan_mode", "fan_modes", "fan_mode", "fan_mode_state_template", ("auto", "low", "medium", "high"))
        self.choice("swing_mode", "swing_modes", "swing_mode", "swing_mode_state_template", ("on", "off"))
        if self.options.has("swing_horizontal_mode_command_topic", "swing_horizontal_mode_state_topic"):
            self.choice(
                "swing_horizontal_mode",
                "swing_horizontal_modes",
                "swing_horizontal_mode",
                "swing_horizontal_mode_state_template",
                ("on", "off"),
            )
        self._add_humidity()
        self._add_power()

    def _hear_temperatures(self) -> None:
        if self.hear_temperature("current_temperature_topic", "current_temperature_template", "current_temperature"):
            self.capabilities["temperature"] = Capability("float", unit="°C")
        self._says_target = any(
            [
                self.hear_temperature("temperature_state_topic", "temperature_state_template", "temperature"),
                self.hear_temperature(
                    "temperature_low_state_topic", "temperature_low_state_template", "target_temp_low"
                ),
                self.hear_temperature(
                    "temperature_high_state_topic", "temperature_high_state_template", "target_temp_high"
                ),
            ]
        )

    def _add_commands(self, *, has_mode: bool) -> None:
        can_set = any(sender is not None for sender in self._senders.values())
        if can_set:
            self.commands["set_temperature"] = self._set_temperature
        if can_set or self._says_target:
            self.declare_target(can_read=self._says_target, can_write=self._senders["temperature"] is not None)
        for name, topic in (("target_temp_low", "temperature_low"), ("target_temp_high", "temperature_high")):
            can_read = self.options.has(f"{topic}_state_topic")
            if can_read or self._senders[name] is not None:
                self.capabilities[name] = Capability(
                    "float",
                    self.access(can_read=can_read, can_write=self._senders[name] is not None),
                    unit="°C",
                    min=self._low,
                    max=self._high,
                )
        if self._mode_sender is not None:
            self.commands["set_hvac_mode"] = self._set_mode
        if self._modes and (has_mode or self._mode_sender is not None):
            access = self.access(can_read=has_mode, can_write=self._mode_sender is not None)
            self.capabilities["mode"] = Capability("enum", access, options=self._modes)

    def _add_humidity(self) -> None:
        if self.listen(
            "current_humidity_topic", "current_humidity_template", attribute("current_humidity", read_number)
        ):
            self.capabilities["humidity"] = Capability("float", unit="%")
        has_target = self.listen(
            "target_humidity_state_topic", "target_humidity_state_template", attribute("humidity", read_number)
        )
        sender = self.sender("target_humidity_command_topic", "target_humidity_command_template")
        if sender is not None:
            low, high = self.options.number("min_humidity", 30), self.options.number("max_humidity", 99)
            self.commands["set_humidity"] = lambda data: sender.send(needed_number(data, "humidity"))
            self.capabilities["target_humidity"] = Capability(
                "int", self.access(can_read=has_target), unit="%", min=low, max=high
            )

    def _add_power(self) -> None:
        power = self.sender("power_command_topic", "power_command_template")
        on, off = self.options.text("payload_on", "ON"), self.options.text("payload_off", "OFF")
        if power is not None:
            self.commands["turn_on"] = lambda _data: power.send(on)
            self.commands["turn_off"] = lambda _data: power.send(off)
        elif self._mode_sender is not None:
            sender = self._mode_sender
            wake = next(
                (
                    mode
                    for mode in ("heat_cool", "auto", "heat", "cool", *self._modes)
                    if mode in self._modes and mode != "off"
                ),
                None,
            )
            if wake is not None:
                self.commands["turn_on"] = lambda _data: sender.send(wake)
            if "off" in self._modes:
                self.commands["turn_off"] = lambda _data: sender.send("off")

    def _set_mode(self, data: JsonObject) -> list[Publication]:
        assert self._mode_sender is not None  # the command exists only with it
        return self._mode_sender.send(needed_text(data, "hvac_mode", self._modes))

    def _set_temperature(self, data: JsonObject) -> list[Publication]:
        sent: list[Publication] = []
        if data.get("hvac_mode") is not None:
            sent += self.encode("climate.set_hvac_mode", data)
        for key, sender in self._senders.items():
            sent += self.send_temperature(sender, data, key)
        if not sent:
            raise NotPossible("`temperature` is missing")
        return sent


_HEATER_MODES: Final = ("off", "eco", "electric", "gas", "heat_pump", "high_demand", "performance")


class WaterHeater(_Tempered):
    domain = "water_heater"

    def fill(self) -> None:
        self.setup(43.3, 60)
        modes = self.options.texts("modes", _HEATER_MODES)
        read_mode = read_one_of(modes)
        has_mode = self.listen(
            "mode_state_topic",
            "mode_state_template",
            lambda text: plain(text if text in {"", NONE} else read_mode(text)),
        )
        if self.hear_temperature("current_temperature_topic", "current_temperature_template", "current_temperature"):
            self.capabilities["temperature"] = Capability("float", unit="°C")
        has_target = self.hear_temperature("temperature_state_topic", "temperature_state_template", "temperature")
        target = self.sender("temperature_command_topic", "temperature_command_template")
        mode = self.sender("mode_command_topic", "mode_command_template")
        power = self.sender("power_command_topic", "power_command_template")
        if target is not None:
            self.commands["set_temperature"] = lambda data: self.send_temperature(target, data, "temperature")
        if target is not None or has_target:
            self.declare_target(can_read=has_target, can_write=target is not None)
        if mode is not None:
            self.commands["set_operation_mode"] = lambda data: mode.send(needed_text(data, "operation_mode", modes))
        if mode is not None or has_mode:
            self.capabilities["mode"] = Capability(
                "enum", self.access(can_read=has_mode, can_write=mode is not None), options=modes
            )
        if power is not None:
            on, off = self.options.text("payload_on", "ON"), self.options.text("payload_off", "OFF")
            self.commands |= {"turn_on": lambda _data: power.send(on), "turn_off": lambda _data: power.send(off)}


class Humidifier(Facet):
    domain = "humidifier"
    required = ("command_topic", "target_humidity_command_topic")

    def fill(self) -> None:
        options = self.options
        on, off = options.text("payload_on", "ON"), options.text("payload_off", "OFF")
        has_state = self.listen("state_topic", "state_value_template", lambda text: on_off(text, on, off))
        if self.listen(
            "current_humidity_topic", "current_humidity_template", attribute("current_humidity", read_number)
        ):
            self.capabilities["humidity"] = Capability("float", unit="%")
        if self.listen("action_topic", "action_template", attribute("action", read_text)):
            self.capabilities["action"] = Capability("text")
        has_target = self.listen(
            "target_humidity_state_topic", "target_humidity_state_template", attribute("humidity", read_number)
        )
        modes = options.texts("modes")
        has_mode = self.listen("mode_state_topic", "mode_state_template", attribute("mode", read_one_of(modes)))
        low, high = options.number("min_humidity", 0), options.number("max_humidity", 100)
        switch, target = (
            self.sender("command_topic", "command_template"),
            self.sender("target_humidity_command_topic", "target_humidity_command_template"),
        )
        mode = self.sender("mode_command_topic", "mode_command_template")
        assert switch is not None  # required
        assert target is not None  # required
        self.commands = {
            "turn_on": lambda _data: switch.send(on),
            "turn_off": lambda _data: switch.send(off),
            "set_humidity": lambda data: target.send(_within(needed_number(data, "humidity"), "humidity", low, high)),
        }
        self.capabilities["on"] = Capability("bool", self.access(can_read=has_state))
        self.capabilities["target_humidity"] = Capability(
            "int", self.access(can_read=has_target), unit="%", min=low, max=high
        )
        if mode is not None:
            self.commands["set_mode"] = lambda data: mode.send(needed_text(data, "mode", modes))
            self.capabilities["mode"] = Capability("enum", self.access(can_read=has_mode), options=modes)


def _within(number: float, name: str, low: float, high: float) -> float:
    if not low <= number <= high:
        raise NotPossible(f"`{name}` must be between {low:g} and {high:g}, not {number:g}")
    return number


class Fan(Facet):
    domain = "fan"
    required = ("command_topic",)

    def fill(self) -> None:
        options = self.options
        on, off = options.text("payload_on", "ON"), options.text("payload_off", "OFF")
        self._first, self._last = options.number("speed_range_min", 1), options.number("speed_range_max", 100)
        if not 1 <= self._first < self._last:
            raise Wrong("key_wrong", "`speed_range_max` must be above `speed_range_min`, which must be above 0")
        self._presets = options.texts("preset_modes")
        self._reset = options.text("payload_reset_percentage", NONE)
        has_state = self.listen("state_topic", "state_value_template", lambda text: on_off(text, on, off))
        has_speed = self.listen("percentage_state_topic", "percentage_value_template", self._read_speed)
        reset_preset = options.text("payload_reset_preset_mode", NONE)
        read_preset = attribute("preset_mode", read_one_of(self._presets))
        has_preset = self.listen(
            "preset_mode_state_topic",
            "preset_mode_value_template",
            lambda text: read_preset(NONE if text == reset_preset else text),
        )
        oscillating = (
            options.text("payload_oscillation_on", "oscillate_on"),
            options.text("payload_oscillation_off", "oscillate_off"),
        )
        has_swing = self.listen(
            "oscillation_state_topic", "oscillation_value_template", _read_truth("oscillating", *oscillating)
        )
        has_direction = self.listen(
            "direction_state_topic", "direction_value_template", attribute("direction", read_text)
        )
        switch = self.sender("command_topic", "command_template")
        assert switch is not None  # required
        self._switch, self._on = switch, on
        self._speed = self.sender("percentage_command_topic", "percentage_command_template")
        self._preset = self.sender("preset_mode_command_topic", "preset_mode_command_template")
        swing = self.sender("oscillation_command_topic", "oscillation_command_template")
        direction = self.sender("direction_command_topic", "direction_command_template")
        self.commands = {"turn_on": self._turn_on, "turn_off": lambda _data: switch.send(off)}
        self.capabilities["on"] = Capability("bool", self.access(can_read=has_state))
        if self._speed is not None:
            self.commands["set_percentage"] = lambda data: self._set_speed(needed_number(data, "percentage"), off)
            self.capabilities["speed"] = Capability("int", self.access(can_read=has_speed), unit="%", min=0, max=100)
        if self._preset is not None:
            self.commands["set_preset_mode"] = self._set_preset
            self.capabilities["preset"] = Capability("enum", self.access(can_read=has_preset), options=self._presets)
        if swing is not None:
            self.commands["oscillate"] = lambda data: swing.send(oscillating[0 if data.get("oscillating") else 1])
            self.capabilities["oscillating"] = Capability("bool", self.access(can_read=has_swing))
        if direction is not None:
            ways = ("forward", "reverse")
            self.commands["set_direction"] = lambda data: direction.send(needed_text(data, "direction", ways))
            self.capabilities["direction"] = Capability("enum", self.access(can_read=has_direction), options=ways)

    def _read_speed(self, text: str) -> Said | None:
        if not text:
            return None
        if text in {self._reset, NONE}:
            return None, {"percentage": None}
        steps = self._last - self._first + 1
        percentage = int((read_number(text) - (self._first - 1)) * 100 / steps)
        if not 0 <= percentage <= 100:
            raise Unreadable(f"{text!r:.60} is not a speed between {self._first:g} and {self._last:g}")
        return None, {"percentage": percentage}

    def _turn_on(self, data: JsonObject) -> list[Publication]:
        sent = self._switch.send(self._on)
        percentage = number_of(data, "percentage")
        if percentage is not None and self._speed is not None:
            sent += self._send_speed(self._speed, percentage)
        if data.get("preset_mode") is not None and self._preset is not None:
            sent += self._set_preset(data)
        return sent

    def _set_speed(self, percentage: float, off: str) -> list[Publication]:
        assert self._speed is not None  # the command exists only with it
        return self._switch.send(off) if percentage == 0 else self._send_speed(self._speed, percentage)

    def _send_speed(self, sender: Sender, percentage: float) -> list[Publication]:
        steps = self._last - self._first + 1
        value = math.ceil(self._first - 1 + _within(percentage, "percentage", 0, 100) * steps / 100)
        return sender.send(value)

    def _set_preset(self, data: JsonObject) -> list[Publication]:
        assert self._preset is not None  # the command exists only with it
        return self._preset.send(needed_text(data, "preset_mode", self._presets))


def _read_truth(name: str, yes: str, no: str) -> Callable[[str], Said | None]:
    def apply(text: str) -> Said | None:
        if not text:
            return None
        values: dict[str, JsonValue] = {yes: True, no: False, NONE: None}
        if text not in values:
            raise Unreadable(f"{text!r:.60} is neither {yes!r:.40} nor {no!r:.40}")
        return None, {name: values[text]}

    return apply


__all__ = ["NOTHING", "Climate", "Fan", "Humidifier", "WaterHeater"]
