"""input_number: a number within bounds. counter: a whole number that is counted up and down."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hub_agent.core.expectation import number_in
from hub_agent.core.helpers.kind import Body, Kind, Settings, Told, bad_setting, number_of
from hub_agent.errors import NotPossible
from hub_agent.model.device import Capability
from hub_agent.model.json import JsonObject


@dataclass(frozen=True, slots=True)
class Number(Kind):
    min: float
    max: float
    step: float
    mode: str
    unit: str | None
    initial: float | None

    verbs = frozenset({"set_value", "increment", "decrement"})

    def begin(self, kept: JsonObject | None, local: datetime, *, is_start: bool) -> JsonObject:
        del local
        value = None if kept is None else number_in(kept.get("value"))
        if value is None or (is_start and self.initial is not None):
            value = self.min if self.initial is None else self.initial
        return {"value": min(max(value, self.min), self.max)}

    def tell(self, body: JsonObject, verb: str, data: JsonObject, local: datetime) -> Told:
        del local
        if verb == "set_value":
            value = number_of(data, "value")
            if not self.min <= value <= self.max:
                raise NotPossible(f"{value:g} is not between {self.min:g} and {self.max:g}")
            return Told({"value": value})
        held = number_of(body, "value")
        if verb == "increment":
            return Told({"value": min(held + self.step, self.max)})
        return Told({"value": max(held - self.step, self.min)})

    def show(self, body: JsonObject, local: datetime) -> tuple[str, JsonObject]:
        del local
        shown: Body = {"initial": self.initial, "min": self.min, "max": self.max, "step": self.step, "mode": self.mode}
        if self.unit is not None:
            shown["unit_of_measurement"] = self.unit
        return str(number_of(body, "value")), shown

    def capabilities(self) -> Mapping[str, Capability]:
        return {"value": Capability("float", "rw", self.unit, self.min, self.max, self.step)}


@dataclass(frozen=True, slots=True)
class Counter(Kind):
    initial: int
    step: int
    minimum: int | None
    maximum: int | None
    survives: bool

    verbs = frozenset({"increment", "decrement", "reset", "set_value"})

    def begin(self, kept: JsonObject | None, local: datetime, *, is_start: bool) -> JsonObject:
        del local
        value = None if kept is None else number_in(kept.get("value"))
        if value is None or (is_start and not self.survives):
            value = self.initial
        return {"value": self._bounded(int(value))}

    def tell(self, body: JsonObject, verb: str, data: JsonObject, local: datetime) -> Told:
        del local
        held = int(number_of(body, "value"))
        match verb:
            case "increment":
                return Told({"value": self._bounded(held + self.step)})
            case "decrement":
                return Told({"value": self._bounded(held - self.step)})
            case "reset":
                return Told({"value": self._bounded(self.initial)})
        value = number_of(data, "value")
        if value != int(value) or self._bounded(int(value)) != value:
            raise NotPossible(f"{value:g} is not a whole number{self._bounds()}")
        return Told({"value": int(value)})

    def show(self, body: JsonObject, local: datetime) -> tuple[str, JsonObject]:
        del local
        shown: Body = {"initial": self.initial, "step": self.step}
        if self.minimum is not None:
            shown["minimum"] = self.minimum
        if self.maximum is not None:
            shown["maximum"] = self.maximum
        return str(int(number_of(body, "value"))), shown

    def capabilities(self) -> Mapping[str, Capability]:
        return {"value": Capability("int", "rw", None, self.minimum, self.maximum, self.step)}

    def _bounded(self, value: int) -> int:
        low = value if self.minimum is None else max(value, self.minimum)
        return low if self.maximum is None else min(low, self.maximum)

    def _bounds(self) -> str:
        low = "" if self.minimum is None else f" of at least {self.minimum}"
        return low if self.maximum is None else f"{low}{' and' if low else ' of'} at most {self.maximum}"


def read_number(settings: Settings) -> Number:
    low, high = settings.number("min"), settings.number("max")
    if low is None or high is None:
        raise bad_setting("min" if low is None else "max", "is needed")
    if low >= high:
        raise bad_setting("max", f"must be more than min, which is {low:g}")
    step, initial = settings.number("step"), settings.number("initial")
    if step is not None and step <= 0:
        raise bad_setting("step", "must be more than 0")
    if initial is not None and not low <= initial <= high:
        raise bad_setting("initial", f"must be between {low:g} and {high:g}")
    mode, unit = settings.choice("mode", ("slider", "box")), settings.text("unit_of_measurement")
    return Number(low, high, 1.0 if step is None else step, mode, unit, initial)


def read_counter(settings: Settings) -> Counter:
    low, high = settings.whole("minimum"), settings.whole("maximum")
    initial, step = settings.whole("initial") or 0, settings.whole("step")
    if (-math.inf if low is None else low) > (math.inf if high is None else high):
        raise bad_setting("maximum", f"must not be less than minimum, which is {low}")
    if step is not None and step <= 0:
        raise bad_setting("step", "must be more than 0")
    return Counter(initial, 1 if step is None else step, low, high, settings.flag("restore") is not False)
