"""Lights in the three schemas of Home Assistant: one topic per quality (default), one JSON body, or templates."""

from collections.abc import Sequence
from typing import ClassVar, Final

from hub_agent.drivers.homeassistant.facet import (
    NONE,
    NOTHING,
    Facet,
    Said,
    Sender,
    Unreadable,
    load_object,
    on_off,
    read_number,
    read_text,
)
from hub_agent.drivers.homeassistant.options import Options, Wrong
from hub_agent.drivers.vocabulary import kelvin_of, mireds_of
from hub_agent.drivers.wishes import FULL, Wish, number_of
from hub_agent.errors import NotPossible
from hub_agent.model.device import Capability
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import Publication
from hub_agent.model.state import UNKNOWN

KELVIN_MIN: Final = 2000
KELVIN_MAX: Final = 6535

_COLOUR_MODES: Final = ("rgb", "rgbw", "rgbww", "hs", "xy")
_ALL_MODES: Final = (*_COLOUR_MODES, "color_temp", "brightness", "onoff", "white", "unknown")


def make_light(options: Options) -> Facet:
    schema = options.text("schema", "basic").lower()
    makers = {"basic": TopicLight, "default": TopicLight, "json": JsonLight, "template": TemplateLight}
    maker = makers.get(schema)
    if maker is None:
        raise Wrong("key_wrong", f"`schema` must be default, json or template, not {schema!r:.40}")
    return maker(options)


class _Light(Facet):
    domain = "light"
    required: ClassVar[tuple[str, ...]] = ("command_topic",)

    def setup(self) -> None:
        options = self.options
        self._scale = options.number("brightness_scale", FULL)
        if self._scale < 1:
            raise Wrong("key_wrong", f"`brightness_scale` must be at least 1, not {self._scale:g}")
        self._is_kelvin = options.flag("color_temp_kelvin")
        low, high = options.optional_number("min_kelvin"), options.optional_number("max_kelvin")
        warmest, coldest = options.number("max_mireds", 0), options.number("min_mireds", 0)
        self._warmest = int(low or (kelvin_of(warmest) if warmest > 0 else KELVIN_MIN))
        self._coldest = int(high or (kelvin_of(coldest) if coldest > 0 else KELVIN_MAX))
        self._effects = options.texts("effect_list")
        self._brightness = FULL
        self._rgb: Sequence[float] = (255, 255, 255)

    def declare(self, *, can_read: bool, brightness: bool, warmth: bool, colour: bool, effect: bool) -> None:
        access = self.access(can_read=can_read)
        self.capabilities["on"] = Capability("bool", access)
        if brightness:
            self.capabilities["brightness"] = Capability("int", access, unit="%", min=0, max=100)
        if warmth:
            low, high = sorted((self._warmest, self._coldest))
            self.capabilities["color_temp"] = Capability("int", access, unit="K", min=low, max=high)
        if colour:
            self.capabilities["color"] = Capability("text", access)
        if effect:
            self.capabilities["effect"] = Capability("enum", access, options=self._effects)

    def clamp_kelvin(self, kelvin: float) -> float:
        low, high = sorted((self._warmest, self._coldest))
        return max(low, min(high, kelvin))

    def kelvin_in(self, device_value: float) -> int:
        if device_value <= 0:
            raise Unreadable(f"a colour temperature of {device_value:g} is none")
        return round(device_value) if self._is_kelvin else kelvin_of(device_value)

    def device_warmth(self, kelvin: float) -> int:
        return round(kelvin) if self._is_kelvin else mireds_of(kelvin)

    def brightness_in(self, device_value: float) -> int:
        return max(0, min(FULL, round(device_value / self._scale * FULL)))

    def device_brightness(self, brightness: float) -> int:
        """Never zero: that would be off."""
        return max(1, min(round(brightness / FULL * self._scale), round(self._scale)))


class TopicLight(_Light):
    """The default schema: each quality has its own topics."""

    def fill(self) -> None:
        self.setup()
        options = self.options
        self._on, self._off = options.text("payload_on", "ON"), options.text("payload_off", "OFF")
        self._order = options.text("on_command_type", "last")
        if self._order not in {"last", "first", "brightness"}:
            raise Wrong("key_wrong", f"`on_command_type` must be last, first or brightness, not {self._order!r:.40}")
        state_template = "state_value_template" if options.has("state_value_template") else "value_template"
        has_state = self.listen("state_topic", state_template, lambda text: on_off(text, self._on, self._off))
        self._has_mode = self.listen("color_mode_state_topic", "color_mode_value_template", self._read_mode)
        self.listen("brightness_state_topic", "brightness_value_template", self._read_brightness)
        self.listen("color_temp_state_topic", "color_temp_value_template", self._read_warmth)
        for mode in _COLOUR_MODES:
            self.listen(f"{mode}_state_topic", f"{mode}_value_template", self._reader_of(mode))
        self.listen("effect_state_topic", "effect_value_template", self._read_effect)
        self._senders = {
            name: sender
            for name in ("brightness", "color_temp", "effect", "white", *_COLOUR_MODES)
            if (sender := self.sender(f"{name}_command_topic", f"{name}_command_template")) is not None
        }
        self._switch = self.sender("command_topic")
        self._white_scale = options.number("white_scale", FULL)
        self.commands = {"turn_on": self._turn_on, "turn_off": lambda _data: self._send_switch(self._off)}
        self.declare(
            can_read=has_state,
            brightness=self._order == "brightness"
            or any(name in self._senders for name in ("brightness", *_COLOUR_MODES)),
            warmth="color_temp" in self._senders,
            colour=any(mode in self._senders for mode in _COLOUR_MODES),
            effect="effect" in self._senders,
        )

    def _read_mode(self, text: str) -> Said | None:
        if not text or text == NONE:
            return None
        if text not in _ALL_MODES:
            raise Unreadable(f"{text!r:.60} is no colour mode")
        return None, {"color_mode": text}

    def _read_brightness(self, text: str) -> Said | None:
        if not text or text == NONE:
            return None
        value = read_number(text)
        if value <= 0:
            return None  # off is said by the state
        self._brightness = self.brightness_in(value)
        return None, {"brightness": self._brightness}

    def _read_warmth(self, text: str) -> Said | None:
        if not text or text == NONE:
            return None
        return None, {"color_temp_kelvin": self.kelvin_in(read_number(text)), **self._mode("color_temp")}

    def _read_effect(self, text: str) -> Said | None:
        return (None, {"effect": read_text(text)}) if text and text != NONE else None

    def _mode(self, mode: str) -> JsonObject:
        return NOTHING if self._has_mode else {"color_mode": mode}

    def _reader_of(self, mode: str) -> "_ColourReader":
        count = {"rgb": 3, "rgbw": 4, "rgbww": 5, "hs": 2, "xy": 2}[mode]
        return _ColourReader(self, mode, count)

    def take_colour(self, mode: str, numbers: list[float]) -> Said:
        attributes: dict[str, JsonValue] = {f"{mode}_color": numbers, **self._mode(mode)}
        if mode.startswith("rgb"):
            self._rgb = numbers[:3]
            if "brightness" not in self._senders and mode == "rgb" and max(numbers) > 0:
                self._brightness = round(max(numbers))
                attributes["brightness"] = self._brightness
        return None, attributes

    def _turn_on(self, data: JsonObject) -> list[Publication]:
        wish = Wish(data, self._brightness)
        if wish.brightness == 0:
            return self._send_switch(self._off)
        if self._order == "brightness" and wish.brightness is None and "brightness" in self._senders:
            wish.brightness = self._brightness
        sent = self._colour(wish) + self._level(wish) + self._warmth(wish) + self._rest(wish)
        if self._order == "first":
            return self._send_switch(self._on) + sent
        if self._order == "last" or not sent:
            return sent + self._send_switch(self._on)
        return sent

    def _send_switch(self, payload: str) -> list[Publication]:
        assert self._switch is not None  # required
        return [self._switch.publish(payload)]

    def _colour(self, wish: Wish) -> list[Publication]:
        if not wish.has_colour:
            return []
        for mode in _COLOUR_MODES:
            sender = self._senders.get(mode)
            if sender is not None:
                return self._send_colour(sender, mode, wish)
        raise NotPossible("This light has no colours.")

    def _send_colour(self, sender: Sender, mode: str, wish: Wish) -> list[Publication]:
        if mode == "hs":
            hue, saturation = wish.as_hs()
            return _send_numbers(sender, (hue, saturation), hue=hue, sat=saturation)
        if mode == "xy":
            x, y = wish.as_xy()
            return _send_numbers(sender, (x, y), x=x, y=y)
        rgb = wish.as_rgb()
        if "brightness" not in self._senders:
            level = wish.brightness if wish.brightness is not None else self._brightness
            rgb = [channel * level / FULL for channel in rgb]
        red, green, blue = (round(channel) for channel in rgb)
        whites = [round(value) for value in (*wish.white, 0, 0)][: len(mode) - 3]
        names = ("white",) if mode == "rgbw" else ("cold_white", "warm_white")
        return _send_numbers(
            sender,
            (red, green, blue, *whites),
            red=red,
            green=green,
            blue=blue,
            **dict(zip(names, whites, strict=False)),
        )

    def _level(self, wish: Wish) -> list[Publication]:
        if wish.brightness is None or wish.is_white:
            return []
        sender = self._senders.get("brightness")
        if sender is not None:
            return sender.send(self.device_brightness(wish.brightness))
        rgb = self._senders.get("rgb")
        if rgb is not None and not wish.has_colour and wish.kelvin is None:
            red, green, blue = (round(channel * wish.brightness / FULL) for channel in _brighten(self._rgb))
            return _send_numbers(rgb, (red, green, blue), red=red, green=green, blue=blue)
        return []

    def _warmth(self, wish: Wish) -> list[Publication]:
        if wish.kelvin is None:
            return []
        sender = self._senders.get("color_temp")
        if sender is None:
            raise NotPossible("This light has no colour temperature.")
        return sender.send(self.device_warmth(self.clamp_kelvin(wish.kelvin)))

    def _rest(self, wish: Wish) -> list[Publication]:
        sent: list[Publication] = []
        if wish.effect is not None and "effect" in self._senders:
            _check_effect(wish.effect, self._effects)
            sent += self._senders["effect"].send(wish.effect)
        if wish.is_white and "white" in self._senders:
            level = wish.brightness if wish.brightness is not None else self._brightness
            sent += self._senders["white"].send(min(round(level / FULL * self._white_scale), round(self._white_scale)))
        return sent


class _ColourReader:
    """`255,128,0` on a topic of its own."""

    def __init__(self, light: TopicLight, mode: str, count: int) -> None:
        self._light = light
        self._mode = mode
        self._count = count

    def __call__(self, text: str) -> Said | None:
        if not text or text == NONE:
            return None
        parts = text.strip("[]() ").split(",")
        if len(parts) != self._count:
            raise Unreadable(f"{self._mode} is {self._count} numbers with commas, not {text!r:.60}")
        return self._light.take_colour(self._mode, [read_number(part.strip()) for part in parts])


def _send_numbers(sender: Sender, numbers: Sequence[float], **variables: JsonValue) -> list[Publication]:
    text = ",".join(str(number) for number in numbers)
    return sender.send(text, **variables)


def _brighten(rgb: Sequence[float]) -> Sequence[float]:
    top = max(rgb)
    return [channel * FULL / top for channel in rgb] if top > 0 else (255, 255, 255)


def _check_effect(effect: str, effects: tuple[str, ...]) -> None:
    if effects and effect not in effects:
        raise NotPossible(f"`effect` must be one of {', '.join(effects)[:300]}, not {effect!r:.60}")


class JsonLight(_Light):
    """One JSON body for everything."""

    def fill(self) -> None:
        self.setup()
        options = self.options
        modes = options.texts("supported_color_modes")
        unknown = [mode for mode in modes if mode not in _ALL_MODES]
        if unknown:
            raise Wrong("key_wrong", f"`supported_color_modes` knows no {unknown[0]!r:.40}")
        legacy = [name for name in ("color_temp", "hs", "rgb", "xy") if options.flag(name)]
        self._modes = modes or tuple(legacy)
        self._has_brightness = options.flag("brightness") or any(
            mode not in {"onoff", "unknown"} for mode in self._modes
        )
        has_effect = options.flag("effect")
        has_state = self.listen("state_topic", "value_template", self._read)
        self._sender = self.sender("command_topic")
        self.commands = {"turn_on": self._turn_on, "turn_off": self._turn_off}
        self.declare(
            can_read=has_state,
            brightness=self._has_brightness,
            warmth="color_temp" in self._modes,
            colour=any(mode in self._modes for mode in _COLOUR_MODES),
            effect=has_effect,
        )
        self._has_effect = has_effect

    def _read(self, text: str) -> Said | None:
        if not text:
            return None
        body = load_object(text)
        if body is None:
            raise Unreadable("a light of schema json says a JSON object")
        attributes: dict[str, JsonValue] = {}
        self._read_level(body, attributes)
        self._read_colour(body, attributes)
        effect = body.get("effect")
        if self._has_effect and isinstance(effect, str):
            attributes["effect"] = read_text(effect)
        return self._read_state(body), attributes

    @staticmethod
    def _read_state(body: JsonObject) -> str | None:
        if "state" not in body:
            return None
        state = body["state"]
        if state is None:
            return UNKNOWN
        if state in {"ON", "OFF"} if isinstance(state, str) else False:
            return str(state).lower()
        raise Unreadable(f"`state` must be ON or OFF, not {state!r:.60}")

    def _read_level(self, body: JsonObject, attributes: dict[str, JsonValue]) -> None:
        level = body.get("brightness")
        if not self._has_brightness or level is None:
            return
        number = _as_number("brightness", level)
        if number > 0:
            self._brightness = self.brightness_in(number)
            attributes["brightness"] = self._brightness

    def _read_colour(self, body: JsonObject, attributes: dict[str, JsonValue]) -> None:
        mode = body.get("color_mode")
        if isinstance(mode, str) and mode in _ALL_MODES:
            attributes["color_mode"] = mode
        elif len(self._modes) == 1:
            attributes["color_mode"] = self._modes[0]
        warmth, colour = body.get("color_temp"), body.get("color")
        if warmth is not None and "color_temp" in self._modes:
            attributes["color_temp_kelvin"] = self.kelvin_in(_as_number("color_temp", warmth))
        if isinstance(colour, dict):
            for name, keys in (("rgb", "rgb"), ("hs", "hs"), ("xy", "xy"), ("rgbw", "rgbw"), ("rgbww", "rgbcw")):
                if name in self._modes and all(colour.get(key) is not None for key in keys):
                    attributes[f"{name}_color"] = [_as_number(f"color.{key}", colour[key]) for key in keys]

    def _turn_off(self, data: JsonObject) -> list[Publication]:
        transition = number_of(data, "transition")
        return self._send({"state": "OFF"} | ({} if transition is None else {"transition": transition}))

    def _turn_on(self, data: JsonObject) -> list[Publication]:
        wish = Wish(data, self._brightness)
        if wish.brightness == 0:
            return self._turn_off(data)
        body: dict[str, JsonValue] = {"state": "ON"}
        if wish.has_colour:
            body["color"] = self._colour(wish)
        if wish.kelvin is not None:
            if "color_temp" not in self._modes:
                raise NotPossible("This light has no colour temperature.")
            body["color_temp"] = self.device_warmth(self.clamp_kelvin(wish.kelvin))
        if wish.brightness is not None and self._has_brightness:
            body["brightness"] = self.device_brightness(wish.brightness)
        if wish.transition is not None:
            body["transition"] = wish.transition
        if wish.flash is not None:
            key = "flash_time_long" if wish.flash == "long" else "flash_time_short"
            body["flash"] = int(self.options.number(key, 10 if wish.flash == "long" else 2))
        if wish.effect is not None and self._has_effect:
            _check_effect(wish.effect, self._effects)
            body["effect"] = wish.effect
        if wish.is_white and "white" in self._modes:
            body["white"] = self.device_brightness(wish.brightness if wish.brightness is not None else self._brightness)
        return self._send(body)

    def _colour(self, wish: Wish) -> JsonObject:
        for mode in ("rgbww", "rgbw", "rgb", "xy", "hs"):
            if mode not in self._modes:
                continue
            if mode == "xy":
                return dict(zip("xy", wish.as_xy(), strict=True))
            if mode == "hs":
                return dict(zip("hs", wish.as_hs(), strict=True))
            channels = [round(value) for value in (*wish.as_rgb(), *wish.white, 0, 0)]
            return dict(zip({"rgb": "rgb", "rgbw": "rgbw", "rgbww": "rgbcw"}[mode], channels, strict=False))
        raise NotPossible("This light has no colours.")

    def _send(self, body: JsonObject) -> list[Publication]:
        assert self._sender is not None  # required
        return self._sender.send(body)


def _as_number(name: str, value: JsonValue) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Unreadable(f"`{name}` must be a number, not {value!r:.60}")
    return read_number(str(value))


class TemplateLight(_Light):
    required = ("command_topic", "command_on_template", "command_off_template")

    def fill(self) -> None:
        self.setup()
        has_state = (
            self.listen("state_topic", "state_template", self._read_state)
            if self.options.has("state_template")
            else False
        )
        self.listen("state_topic", "brightness_template", self._read_level) if self.options.has(
            "brightness_template"
        ) else None
        if self.options.has("color_temp_template"):
            self.listen("state_topic", "color_temp_template", self._read_warmth)
        if self._has_colour:
            for place, name in enumerate(("red", "green", "blue")):
                self.listen("state_topic", f"{name}_template", self._reader_of(place))
        if self.options.has("effect_template"):
            self.listen("state_topic", "effect_template", self._read_effect)
        self._on = self.sender("command_topic", "command_on_template")
        self._off = self.sender("command_topic", "command_off_template")
        self.commands = {"turn_on": self._turn_on, "turn_off": self._turn_off}
        self.declare(
            can_read=has_state,
            brightness=self.options.has("brightness_template"),
            warmth=self.options.has("color_temp_template"),
            colour=self._has_colour,
            effect=bool(self._effects),
        )

    @property
    def _has_colour(self) -> bool:
        return all(self.options.has(f"{name}_template") for name in ("red", "green", "blue"))

    def _read_state(self, text: str) -> Said | None:
        return on_off(text, "on", "off")

    def _read_level(self, text: str) -> Said | None:
        if not text or text == NONE:
            return None
        self._brightness = max(0, min(FULL, round(read_number(text))))
        return None, {"brightness": self._brightness}

    def _read_warmth(self, text: str) -> Said | None:
        if not text or text == NONE:
            return None
        return None, {"color_temp_kelvin": self.kelvin_in(read_number(text)), "color_mode": "color_temp"}

    def _reader_of(self, place: int) -> "_ChannelReader":
        return _ChannelReader(self, place)

    def take_channel(self, place: int, value: float) -> Said:
        channels = list(self._rgb)
        channels[place] = value
        self._rgb = channels
        return None, {"rgb_color": list(channels), "color_mode": "rgb"}

    def _read_effect(self, text: str) -> Said | None:
        return (None, {"effect": read_text(text)}) if text and text != NONE else None

    def _turn_on(self, data: JsonObject) -> list[Publication]:
        wish = Wish(data, self._brightness)
        if wish.brightness == 0:
            return self._turn_off(data)
        values: dict[str, JsonValue] = {"state": True}
        if wish.brightness is not None:
            values["brightness"] = round(wish.brightness)
        if wish.kelvin is not None:
            values["color_temp"] = self.device_warmth(self.clamp_kelvin(wish.kelvin))
        if wish.has_colour:
            rgb, hs = wish.as_rgb(), wish.as_hs()
            values |= dict(zip(("red", "green", "blue"), (round(value) for value in rgb), strict=True))
            values |= {"hue": hs[0], "sat": hs[1]}
        if wish.effect is not None:
            _check_effect(wish.effect, self._effects)
            values["effect"] = wish.effect
        values |= {
            key: value for key, value in (("flash", wish.flash), ("transition", wish.transition)) if value is not None
        }
        assert self._on is not None  # required
        return self._on.send(None, **values)

    def _turn_off(self, data: JsonObject) -> list[Publication]:
        transition = number_of(data, "transition")
        assert self._off is not None  # required
        more: dict[str, JsonValue] = {} if transition is None else {"transition": transition}
        return self._off.send(None, state=False, **more)


class _ChannelReader:
    def __init__(self, light: TemplateLight, place: int) -> None:
        self._light = light
        self._place = place

    def __call__(self, text: str) -> Said | None:
        return self._light.take_channel(self._place, read_number(text)) if text and text != NONE else None
