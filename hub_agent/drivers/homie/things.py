"""Nodes that are more than their properties: lights and covers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from hub_agent.drivers.colours import every_notation
from hub_agent.drivers.homie.parts import Part, Setting, access_of
from hub_agent.drivers.homie.tree import Node, Property, Tree
from hub_agent.drivers.homie.values import (
    colour_in,
    colour_notation,
    colour_written,
    number_in,
    options_of,
    rgb,
    span_of,
    truth_in,
    written,
)
from hub_agent.drivers.vocabulary import kelvin_of, mireds_of
from hub_agent.drivers.wishes import FULL, Wish, needed_number
from hub_agent.errors import NotPossible
from hub_agent.model.device import AdvertisedEntity, Capability
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import EntityReport

_ON: Final = frozenset({"on", "power", "state", "switch", "onoff", "on-off", "light", "status", "enabled"})
_BRIGHTNESS: Final = frozenset(
    {"brightness", "dim", "dimmer", "dimming", "level", "intensity", "dim-level", "luminance"}
)
_WARMTH: Final = frozenset(
    {
        "color-temperature",
        "colour-temperature",
        "color-temp",
        "colortemp",
        "color-temperature-kelvin",
        "ct",
        "temperature",
        "white-temperature",
    }
)
_WARM_UNITS: Final = frozenset({"K", "mired", "mireds", "MK-1", "MK⁻¹"})
_LIGHT_WORDS: Final = ("light", "lamp", "led", "bulb", "dimmer")
_POSITION: Final = frozenset({"position", "level", "current-position", "shutter", "blind", "cover", "lift"})
_ACTION: Final = frozenset({"action", "control", "command", "move", "shutter", "state", "direction"})
_TILT: Final = frozenset({"tilt", "tilt-position", "slat", "slats"})
_COVER_WORDS: Final = ("shutter", "blind", "cover", "curtain", "roller", "awning", "shade")
_OPEN: Final = ("open", "up")
_CLOSE: Final = ("close", "down")
_STOP: Final = ("stop", "halt")


def _is_numeric(known: Property) -> bool:
    return known.datatype in {"integer", "float"}


def _first(properties: Iterable[Property], names: frozenset[str], *kinds: str) -> Property | None:
    return next((each for each in properties if each.id in names and each.datatype in kinds and each.is_settable), None)


@dataclass(frozen=True, slots=True)
class LightRoles:
    on: Property | None
    brightness: Property | None
    warmth: Property | None
    colour: Property | None
    effect: Property | None

    @property
    def all(self) -> list[Property]:
        return [each for each in (self.on, self.brightness, self.warmth, self.colour, self.effect) if each is not None]


def light_in(node: Node) -> LightRoles | None:
    """A node is a light if it can be switched and dimmed or coloured, or says that it is one and can be switched or dimmed."""
    settable = [each for each in node.properties if each.is_settable]
    on = _first(settable, _ON, "boolean")
    brightness = _first(settable, _BRIGHTNESS, "integer", "float")
    colour = next((each for each in settable if each.datatype == "color"), None)
    warmth = next(
        (
            each
            for each in settable
            if _is_numeric(each) and each.id in _WARMTH and (each.unit in _WARM_UNITS or each.id != "temperature")
        ),
        None,
    )
    is_called_light = any(word in f"{node.kind} {node.id} {node.name}".lower() for word in _LIGHT_WORDS)
    if cover_in(node) is not None or (on is None and brightness is None):
        return None
    is_light = is_called_light or (
        on is not None
        and (colour is not None or warmth is not None or (brightness is not None and brightness.id != "level"))
    )
    if not is_light:
        return None
    effect = next((each for each in settable if each.datatype == "enum" and "effect" in each.id), None)
    return LightRoles(on, brightness, warmth, colour, effect)


class Light(Part):
    def __init__(self, tree: Tree, node: Node, roles: LightRoles, name: str | None) -> None:
        self._roles = roles
        self._is_of_5 = tree.is_of_5
        self._notation = colour_notation(roles.colour, is_of_5=tree.is_of_5) if roles.colour is not None else ""
        self._is_in_kelvin = roles.warmth is not None and (
            roles.warmth.unit == "K" or (span_of(roles.warmth).high or 0) > 1000
        )
        self._is_on: bool | None = None
        self._brightness: int | None = None
        self._colour: dict[str, JsonValue] = {}
        super().__init__(
            AdvertisedEntity(f"light.{node.id}"[:255], "light", name=name, capabilities=self._capabilities()),
            roles.all,
            {"turn_on": self._turn_on, "turn_off": self._turn_off},
        )

    def _capabilities(self) -> dict[str, Capability]:
        roles = self._roles
        main = roles.on or roles.brightness
        access = access_of(main) if main is not None else "rw"
        capabilities = {"on": Capability("bool", access)}
        if roles.brightness is not None or self._notation == "hsv":
            capabilities["brightness"] = Capability("int", access, unit="%", min=0, max=100)
        if roles.warmth is not None:
            low, high = self._warmth_span()
            capabilities["color_temp"] = Capability("int", access, unit="K", min=low, max=high)
        if roles.colour is not None:
            capabilities["color"] = Capability("text", access)
        if roles.effect is not None:
            capabilities["effect"] = Capability("enum", access, options=options_of(roles.effect))
        return capabilities

    def _warmth_span(self) -> tuple[int, int]:
        assert self._roles.warmth is not None  # asked only where there is one
        span = span_of(self._roles.warmth)
        if self._is_in_kelvin:
            return round(span.low or 2000), round(span.high or 6500)
        return kelvin_of(span.high or 500), kelvin_of(max(span.low or 153, 1))

    # What it says.

    def hear(self, place: str, text: str) -> EntityReport | None:
        role = next(
            (
                name
                for name in ("on", "brightness", "warmth", "colour", "effect")
                if (known := getattr(self._roles, name)) is not None and known.place == place
            ),
            "",
        )
        if role == "on":
            said = truth_in(text)
            if said is None:
                return None
            self._is_on = said
            return EntityReport(
                self.entity.key,
                "on" if said else "off",
                self._shown() if said else dict.fromkeys(self._attribute_names()),
            )
        if not self._take(role, text):
            return None
        if self._roles.on is None and role == "brightness":
            self._is_on = bool(self._brightness)
            return EntityReport(
                self.entity.key,
                "on" if self._is_on else "off",
                self._shown() if self._is_on else dict.fromkeys(self._attribute_names()),
            )
        return EntityReport(self.entity.key, None, self._shown()) if self._is_on else None

    def _take(self, role: str, text: str) -> bool:
        if role == "brightness":
            number = number_in(text)
            assert self._roles.brightness is not None  # its place has spoken
            if number is not None:
                self._brightness = _level_in(number, self._roles.brightness)
            return number is not None
        if role == "warmth":
            number = number_in(text)
            if number is None or number <= 0:
                return False
            self._colour |= {"color_temp_kelvin": round(number) if self._is_in_kelvin else kelvin_of(number)}
            return True
        if role == "colour":
            return self._take_colour(text)
        if role == "effect":
            self._colour["effect"] = text[:255]
        return bool(role)

    def _take_colour(self, text: str) -> bool:
        said = colour_in(text, self._notation)
        if said is None:
            return False
        notation, value = said
        if notation == "rgb":
            self._colour |= every_notation(rgb=rgb(value))
        elif notation == "hsv":
            self._colour |= every_notation(hs=(value[0] % 360, value[1]))
            if self._roles.brightness is None:
                self._brightness = round(value[2] * FULL / 100)
        else:
            self._colour |= every_notation(xy=(value[0], value[1]))
        return True

    def _attribute_names(self) -> list[str]:
        names = ["brightness"] if "brightness" in self.entity.capabilities else []
        names += ["color_temp_kelvin"] if self._roles.warmth is not None else []
        names += ["hs_color", "rgb_color", "xy_color"] if self._roles.colour is not None else []
        return names + (["effect"] if self._roles.effect is not None else [])

    def _shown(self) -> dict[str, JsonValue]:
        level: dict[str, JsonValue] = {} if self._brightness is None else {"brightness": self._brightness}
        return {**self._colour, **level}

    # What it is told.

    def _turn_off(self, _data: JsonObject) -> Sequence[Setting]:
        if self._roles.on is not None:
            return [(self._roles.on.place, "false")]
        assert self._roles.brightness is not None  # one of the two is there
        return [
            (self._roles.brightness.place, written(span_of(self._roles.brightness).low or 0, self._roles.brightness))
        ]

    def _turn_on(self, data: JsonObject) -> Sequence[Setting]:
        known = self._brightness if self._brightness is not None else FULL
        wish = Wish(data, known)
        if wish.brightness == 0:
            return self._turn_off(data)
        settings = [*self._colours(wish, known)]
        level = self._roles.brightness
        if level is not None and (wish.brightness is not None or self._roles.on is None):
            wanted = wish.brightness if wish.brightness is not None else known or FULL
            settings.append((level.place, written(_level_out(wanted, level), level)))
        if self._roles.on is not None:
            settings.append((self._roles.on.place, "true"))
        return settings

    def _colours(self, wish: Wish, known: int) -> Iterable[Setting]:
        roles = self._roles
        if wish.kelvin is not None:
            if roles.warmth is None:
                raise NotPossible("This light has no colour temperature.")
            low, high = self._warmth_span()
            kelvin = min(max(wish.kelvin, low), high)
            yield roles.warmth.place, written(kelvin if self._is_in_kelvin else mireds_of(kelvin), roles.warmth)
        is_dimmed_by_colour = self._notation == "hsv" and roles.brightness is None and wish.brightness is not None
        if wish.has_colour or is_dimmed_by_colour:
            if roles.colour is None:
                raise NotPossible("This light has no colours.")
            yield roles.colour.place, self._colour_for(wish, known)
        if wish.effect is not None:
            if roles.effect is None or wish.effect not in options_of(roles.effect):
                raise NotPossible(f"This light has no effect {wish.effect!r:.60}.")
            yield roles.effect.place, wish.effect

    def _colour_for(self, wish: Wish, known: int) -> str:
        hue, saturation = wish.as_hs() if wish.has_colour else self._hs_now()
        if self._notation == "hsv":
            level = 100.0
            if self._roles.brightness is None:
                level = max(1, round((wish.brightness if wish.brightness is not None else known or FULL) * 100 / FULL))
            value: tuple[float, float, float] = (round(hue) % 360, saturation, level)
        elif self._notation == "xyz":
            x, y = wish.as_xy()
            value = (x, y, 0.0)
        else:
            red, green, blue = wish.as_rgb()
            value = (red, green, blue)
        return colour_written(self._notation, value, is_of_5=self._is_of_5)

    def _hs_now(self) -> tuple[float, float]:
        known = self._colour.get("hs_color")
        return (float(str(known[0])), float(str(known[1]))) if isinstance(known, list) else (0.0, 0.0)


def _level_in(number: float, known: Property) -> int:
    low, high = _level_span(known)
    return round(min(max((number - low) / (high - low), 0), 1) * FULL)


def _level_out(brightness: float, known: Property) -> float:
    """Never the lowest: that would be off."""
    low, high = _level_span(known)
    value = low + brightness / FULL * (high - low)
    step = span_of(known).step or (high - low) / 100
    return max(value, low + step)


def _level_span(known: Property) -> tuple[float, float]:
    span = span_of(known)
    low = span.low if span.low is not None else 0.0
    return low, span.high if span.high is not None and span.high > low else low + 100


@dataclass(frozen=True, slots=True)
class CoverRoles:
    position: Property | None
    action: Property | None
    tilt: Property | None

    @property
    def all(self) -> list[Property]:
        return [each for each in (self.position, self.action, self.tilt) if each is not None]


def cover_in(node: Node) -> CoverRoles | None:
    """A node that says it is one, or has words for up and down."""
    settable = [each for each in node.properties if each.is_settable]
    action = next(
        (each for each in settable if each.datatype == "enum" and _word(each, _OPEN) and _word(each, _CLOSE)), None
    )
    is_called_cover = any(word in f"{node.kind} {node.id} {node.name}".lower() for word in _COVER_WORDS)
    position = _first(settable, _POSITION, "integer", "float")
    if not (is_called_cover and (position is not None or action is not None)) and action is None:
        return None
    return CoverRoles(position, action, _first(settable, _TILT, "integer", "float"))


def _word(known: Property, wanted: tuple[str, ...]) -> str | None:
    return next((word for word in options_of(known) if word.lower() in wanted), None)


class Cover(Part):
    def __init__(self, node: Node, roles: CoverRoles, name: str | None) -> None:
        self._roles = roles
        self._position: int | None = None
        capabilities = {"open": Capability("bool", "rw")}
        acts = {"open_cover": lambda _: self._go(_OPEN, 100), "close_cover": lambda _: self._go(_CLOSE, 0)}
        if roles.action is not None and _word(roles.action, _STOP):
            acts["stop_cover"] = lambda _: self._go(_STOP, 0)
        if roles.position is not None:
            capabilities["position"] = Capability("int", access_of(roles.position), unit="%", min=0, max=100)
            acts["set_cover_position"] = lambda data: [self._percent(roles.position, needed_number(data, "position"))]
        if roles.tilt is not None:
            capabilities["tilt"] = Capability("int", access_of(roles.tilt), unit="%", min=0, max=100)
            acts["set_cover_tilt_position"] = lambda data: [
                self._percent(roles.tilt, needed_number(data, "tilt_position"))
            ]
        super().__init__(
            AdvertisedEntity(f"cover.{node.id}"[:255], "cover", name=name, capabilities=capabilities), roles.all, acts
        )

    def _go(self, words: tuple[str, ...], position: int) -> Sequence[Setting]:
        action = self._roles.action
        word = _word(action, words) if action is not None else None
        if action is not None and word is not None:
            return [(action.place, word)]
        return [self._percent(self._roles.position, position)]

    @staticmethod
    def _percent(known: Property | None, percent: float) -> Setting:
        assert known is not None  # offered only where there is one
        low, high = _level_span(known)
        return known.place, written(low + min(max(percent, 0), 100) * (high - low) / 100, known)

    def hear(self, place: str, text: str) -> EntityReport | None:
        position, tilt = self._roles.position, self._roles.tilt
        if position is not None and place == position.place:
            percent = _percent_in(text, position)
            self._position = percent if percent is not None else self._position
            state = "closed" if percent == 0 else "open"
            return EntityReport(self.entity.key, state, {"current_position": percent}) if percent is not None else None
        if tilt is not None and place == tilt.place:
            percent = _percent_in(text, tilt)
            return (
                EntityReport(self.entity.key, None, {"current_tilt_position": percent}) if percent is not None else None
            )
        return self._hear_action(text.lower())

    def _hear_action(self, word: str) -> EntityReport | None:
        state = {"opening": "opening", "closing": "closing", "closed": "closed", "opened": "open"}.get(word)
        if state is None and self._roles.position is None:
            state = "open" if word in _OPEN else "closed" if word in _CLOSE else None
        return EntityReport(self.entity.key, state) if state is not None else None


def _percent_in(text: str, known: Property) -> int | None:
    number = number_in(text)
    low, high = _level_span(known)
    return round(min(max((number - low) / (high - low), 0), 1) * 100) if number is not None else None
