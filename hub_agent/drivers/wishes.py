"""What a call asks for, read from its data: callers give numbers as text, colours in many notations, steps instead of values."""

from collections.abc import Sequence
from typing import Final

from hub_agent.drivers.colour_names import rgb_of_name
from hub_agent.drivers.colours import hs_of_rgb, rgb_of_hs, rgb_of_xy, xy_of_rgb
from hub_agent.drivers.vocabulary import kelvin_of
from hub_agent.errors import NotPossible
from hub_agent.model.json import JsonObject

FULL: Final = 255


def number_of(data: JsonObject, key: str) -> float | None:
    """A number a caller gave, also as text. Raises NotPossible if it is none."""
    value = data.get(key)
    if value is None:
        return None
    try:
        number = float("nan") if isinstance(value, bool) else float(value)  # type: ignore[arg-type]  # lists and mappings raise
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not abs(number) < 1e15:
        raise NotPossible(f"`{key}` must be a number, not {value!r:.60}")
    return int(number) if number.is_integer() else number


def needed_number(data: JsonObject, key: str) -> float:
    number = number_of(data, key)
    if number is None:
        raise NotPossible(f"`{key}` is missing")
    return number


def needed_text(data: JsonObject, key: str, options: tuple[str, ...] = ()) -> str:
    value = data.get(key)
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise NotPossible(f"`{key}` is missing")
    text = str(value)
    if options and text not in options:
        raise NotPossible(f"`{key}` must be one of {', '.join(options)}, not {text!r:.60}")
    return text


class Wish:
    """What a call of turn_on asks for, in one notation each."""

    def __init__(self, data: JsonObject, known_brightness: int) -> None:
        self.brightness = _brightness(data, known_brightness)
        kelvin = number_of(data, "color_temp_kelvin") or number_of(data, "kelvin")
        mireds = number_of(data, "color_temp")
        self.kelvin = kelvin if kelvin is not None else kelvin_of(mireds) if mireds else None
        self.rgb: Sequence[float] | None = None
        self.white: Sequence[float] = ()
        self.hs: Sequence[float] | None = _numbers(data, "hs_color", 2)
        self.xy: Sequence[float] | None = _numbers(data, "xy_color", 2)
        for key, count in (("rgb_color", 3), ("rgbw_color", 4), ("rgbww_color", 5)):
            values = _numbers(data, key, count)
            if values is not None:
                self.rgb, self.white = values[:3], values[3:]
        name = data.get("color_name")
        if isinstance(name, str):
            self.rgb = rgb_of_name(name)
            if self.rgb is None:
                raise NotPossible(f"No colour is called {name!r:.40}.")
        effect, flash = data.get("effect"), data.get("flash")
        self.effect = effect if isinstance(effect, str) else None
        self.flash = flash if isinstance(flash, str) else None
        self.transition = number_of(data, "transition")
        white = data.get("white")
        self.is_white = white is not None and white is not False

    @property
    def has_colour(self) -> bool:
        return self.rgb is not None or self.hs is not None or self.xy is not None

    def as_rgb(self) -> Sequence[float]:
        if self.rgb is not None:
            return self.rgb
        if self.hs is not None:
            return rgb_of_hs(*self.hs)
        assert self.xy is not None  # asked only where there is a colour
        return rgb_of_xy(*self.xy)

    def as_hs(self) -> Sequence[float]:
        return self.hs if self.hs is not None else hs_of_rgb(*self.as_rgb())

    def as_xy(self) -> Sequence[float]:
        return self.xy if self.xy is not None else xy_of_rgb(*self.as_rgb())


def _brightness(data: JsonObject, known: int) -> float | None:
    absolute, percent = number_of(data, "brightness"), number_of(data, "brightness_pct")
    step, step_percent = number_of(data, "brightness_step"), number_of(data, "brightness_step_pct")
    if absolute is None and percent is not None:
        absolute = percent / 100 * FULL
    if absolute is None and step is not None:
        absolute = known + step
    if absolute is None and step_percent is not None:
        absolute = known + step_percent / 100 * FULL
    return None if absolute is None else max(0, min(FULL, absolute))


def _numbers(data: JsonObject, key: str, count: int) -> list[float] | None:
    values = data.get(key)
    if values is None:
        return None
    if not isinstance(values, list | tuple) or len(values) != count:
        raise NotPossible(f"`{key}` must be {count} numbers, not {values!r:.60}")
    numbers = [number_of({key: each}, key) for each in values]
    return [number if number is not None else 0 for number in numbers]
