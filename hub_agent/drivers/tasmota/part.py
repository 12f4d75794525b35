"""What every part of a device shares: how it is advertised, what it makes of a message, and how it is commanded."""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from hub_agent.drivers.tasmota.setup import Setup
from hub_agent.errors import NotPossible
from hub_agent.model.device import AdvertisedEntity
from hub_agent.model.json import JsonObject
from hub_agent.model.report import EntityReport

# A command's word and what stands after it.
Command: TypeAlias = tuple[str, str]
Act: TypeAlias = Callable[[JsonObject], Sequence[Command]]

NUMBER_MAX: Final = 1e12


class Part:
    """`is_live_only`: what is heard once and does not last, so a retained message of it is of the past."""

    is_live_only = False

    def __init__(self, entity: AdvertisedEntity, acts: "dict[str, Act] | None" = None) -> None:
        self.entity = entity
        self.acts: dict[str, Act] = acts or {}

    def read(self, body: JsonObject) -> EntityReport | None:
        """None where the message does not speak of it."""
        del body
        return None

    def write(self, verb: str, data: JsonObject) -> Sequence[Command]:
        """Raises NotPossible."""
        act = self.acts.get(verb)
        if act is None:
            known = ", ".join(sorted(self.acts)) or "nothing: it can only be read"
            raise NotPossible(f"This {self.entity.domain} cannot do {verb!r:.60}. It can do {known}.")
        return act(data)


def power_of(body: JsonObject, setup: Setup, number: int) -> str | None:
    """What a message says of a relay: on or off. A device with one relay says it without a number."""
    value = body.get(f"POWER{number}")
    if value is None and number == 1:
        value = body.get("POWER")
    if not isinstance(value, str):
        return None
    word = value.upper()
    if word in {setup.on.upper(), "ON"}:
        return "on"
    return "off" if word in {setup.off.upper(), "OFF"} else None


def number_in(value: object) -> float | None:
    """A number, also where the device writes it as text."""
    if isinstance(value, str) and len(value) < 40:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if -NUMBER_MAX < value < NUMBER_MAX else None


def listed_numbers(value: object, count: int) -> list[float] | None:
    """ "30,100,50" """
    if not isinstance(value, str) or len(value) > 100:
        return None
    numbers = [number_in(part) for part in value.split(",")]
    if len(numbers) < count or any(number is None for number in numbers):
        return None
    return [number for number in numbers[:count] if number is not None]
