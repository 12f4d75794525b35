"""Lights: one channel to five, one light or two, commanded by Dimmer, Channel, HsbColor, CT, White and Scheme.

Tasmota counts brightness in percent, colour temperature in mireds, and fading in half seconds from dark to full.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hub_agent.drivers.colours import every_notation
from hub_agent.drivers.tasmota.part import Command, Part, listed_numbers, number_in, power_of
from hub_agent.drivers.tasmota.setup import LIGHT, Setup
from hub_agent.drivers.vocabulary import kelvin_of, mireds_of
from hub_agent.drivers.wishes import FULL, Wish, number_of
from hub_agent.errors import NotPossible
from hub_agent.model.device import AdvertisedEntity, Capability
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import EntityReport

# The kinds of `lt_st`.
ON_OFF: Final = 0
DIMMER: Final = 1
WHITES: Final = 2
RGB: Final = 3
RGBW: Final = 4
RGBCW: Final = 5

EFFECTS: Final = ("Solid", "Wake up", "Cycle up", "Cycle down", "Random")
MIREDS: Final = (153, 500)
MIREDS_REDUCED: Final = (200, 380)
SPEED_MAX: Final = 40

_COLOURS: Final = ("hs_color", "rgb_color", "xy_color")


@dataclass(frozen=True, slots=True)
class Shape:
    """Which of a device's lights this is, what it can do, and by which words."""

    number: int
    kind: int
    dimmer_command: str = "Dimmer"
    dimmer_state: str = "Dimmer"

    @property
    def has_colour(self) -> bool:
        return self.kind >= RGB

    @property
    def has_warmth(self) -> bool:
        return self.kind in {WHITES, RGBCW}


def shape_of(setup: Setup, place: int) -> Shape:
    """The light on the relay at this place, counted from 0."""
    number, kind = place + 1, setup.light_kind if setup.light_kind <= RGBCW else DIMMER
    if setup.option(68):  # each channel is a light of its own
        return Shape(number, DIMMER, f"Channel{number}", f"Channel{number}")
    if not setup.is_linked and kind >= RGBW:
        is_colour = place == setup.relays.index(LIGHT)
        white = DIMMER if kind == RGBW else WHITES
        name = "Dimmer1" if is_colour else "Dimmer2"
        return Shape(number, RGB if is_colour else white, name, name)
    return Shape(number, kind, "Dimmer3" if setup.is_tuya else "Dimmer")


class Light(Part):
    def __init__(self, setup: Setup, shape: Shape, name: str | None) -> None:
        self._setup = setup
        self._shape = shape
        self._mireds = MIREDS_REDUCED if setup.option(82) else MIREDS
        self._percent: float | None = None
        self._is_on: bool | None = None
        super().__init__(
            AdvertisedEntity(f"light_{shape.number}", "light", name=name, capabilities=self._capabilities()),
            {"turn_on": self._turn_on, "turn_off": self._turn_off},
        )

    def _capabilities(self) -> dict[str, Capability]:
        shape = self._shape
        capabilities = {"on": Capability("bool", "rw")}
        if shape.kind != ON_OFF:
            capabilities["brightness"] = Capability("int", "rw", unit="%", min=0, max=100)
        if shape.has_warmth:
            coldest, warmest = self._mireds
            low, high = kelvin_of(warmest), kelvin_of(coldest)
            capabilities["color_temp"] = Capability("int", "rw", unit="K", min=low, max=high)
        if shape.has_colour:
            capabilities["color"] = Capability("text", "rw")
            capabilities["effect"] = Capability("enum", "rw", options=EFFECTS)
        return capabilities

    # What it says.

    def read(self, body: JsonObject) -> EntityReport | None:
        state = power_of(body, self._setup, self._shape.number)
        percent = number_in(body.get(self._shape.dimmer_state)) if self._shape.kind != ON_OFF else None
        if percent is not None:
            self._percent = min(max(percent, 0), 100)
        if state is not None:
            self._is_on = state == "on"
        if state == "off":
            return EntityReport(self.entity.key, state, self._dark())
        attributes: dict[str, JsonValue] = {}
        if percent is not None:
            attributes["brightness"] = round(min(max(percent, 0), 100) * FULL / 100)
        attributes |= self._colour_of(body)
        scheme = number_in(body.get("Scheme"))
        if scheme is not None and self._shape.has_colour and 0 <= scheme < len(EFFECTS):
            attributes["effect"] = EFFECTS[int(scheme)]
        # Without the power's word nobody knows whether it shines; the level alone says nothing that shows.
        if state is None and (self._is_on is not True or not attributes):
            return None
        return EntityReport(self.entity.key, state, attributes)

    def _dark(self) -> JsonObject:
        names: list[str] = [] if self._shape.kind == ON_OFF else ["brightness"]
        names += ["color_temp_kelvin"] if self._shape.has_warmth else []
        names += [*_COLOURS, "effect"] if self._shape.has_colour else []
        names += ["color_mode"] if names else []
        return dict.fromkeys(names)

    def _colour_of(self, body: JsonObject) -> dict[str, JsonValue]:
        shape = self._shape
        white = number_in(body.get("White")) or 0
        mireds = number_in(body.get("CT")) if shape.has_warmth else None
        hue = listed_numbers(body.get("HSBColor"), 2) if shape.has_colour else None
        is_white = not shape.has_colour or (white > 0 and shape.kind in {RGBW, RGBCW})
        if is_white and mireds is not None and mireds > 0:
            gone = dict.fromkeys(_COLOURS) if shape.has_colour else {}
            return {**gone, "color_temp_kelvin": kelvin_of(mireds), "color_mode": "color_temp"}
        if is_white and shape.kind == RGBW:
            return {**dict.fromkeys(_COLOURS), "color_mode": "white"}
        if is_white or hue is None:
            return {}
        gone = {"color_temp_kelvin": None} if shape.has_warmth else {}
        return {**gone, **every_notation(hs=(hue[0] % 360, min(max(hue[1], 0), 100))), "color_mode": "hs"}

    # What it is told.

    def _turn_off(self, data: JsonObject) -> Sequence[Command]:
        return [*self._fade(number_of(data, "transition"), 0), (f"Power{self._shape.number}", "OFF")]

    def _turn_on(self, data: JsonObject) -> Sequence[Command]:
        wish = Wish(data, round((self._percent if self._percent is not None else 100) * FULL / 100))
        if wish.brightness == 0:
            return self._turn_off(data)
        percent = None
        if wish.brightness is not None and self._shape.kind != ON_OFF:
            percent = max(1, round(wish.brightness * 100 / FULL))
        commands = [*self._fade(wish.transition, percent), *self._colour(wish, percent)]
        if percent is not None and not any(word == "White" for word, _ in commands):
            commands.append((self._shape.dimmer_command, str(percent)))
        if wish.effect is not None:
            commands.append(self._effect(wish.effect))
        # A level sets the power, too, unless the option says otherwise.
        is_lit = any(not word.startswith(("Fade", "Speed")) for word, _ in commands)
        if not is_lit or self._setup.option(20):
            commands.append((f"Power{self._shape.number}", "ON"))
        return commands

    def _colour(self, wish: Wish, percent: int | None) -> Sequence[Command]:
        if wish.kelvin is not None:
            if not self._shape.has_warmth:
                raise NotPossible("This light has no colour temperature.")
            coldest, warmest = self._mireds
            return [("CT", str(min(max(mireds_of(max(wish.kelvin, 1)), coldest), warmest)))]
        if wish.has_colour:
            if not self._shape.has_colour:
                raise NotPossible("This light has no colours.")
            hue, saturation = wish.as_hs()
            return [("HsbColor1", str(round(hue) % 360)), ("HsbColor2", str(round(min(max(saturation, 0), 100))))]
        if wish.is_white and self._shape.kind in {RGBW, RGBCW}:
            return [("White", str(percent if percent is not None else round(self._percent or 100)))]
        return []

    def _effect(self, effect: str) -> Command:
        if not self._shape.has_colour or effect not in EFFECTS:
            raise NotPossible(
                f"`effect` must be one of {', '.join(EFFECTS)}, not {effect!r:.60}"
                if self._shape.has_colour
                else "This light has no effects."
            )
        return "Scheme", str(EFFECTS.index(effect))

    def _fade(self, transition: float | None, percent: int | None) -> Sequence[Command]:
        """For the next change only. Without option 117 the speed is that of a change from dark to full."""
        if transition is None or self._shape.kind == ON_OFF or self._setup.is_tuya:
            return []
        if transition <= 0:
            return [("Fade2", "0")]
        share = 1.0
        if not self._setup.option(117) and self._percent is not None and self._is_on is not None:
            now = self._percent if self._is_on else 0.0
            target = percent if percent is not None else self._percent
            share = abs(target - now) / 100 or 1.0
        return [("Fade2", "1"), ("Speed2", str(min(max(round(transition * 2 / share), 1), SPEED_MAX)))]
