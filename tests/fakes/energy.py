"""The part of the fake door where energy is read: three weeks of a little home in Berlin, the grid measured or not."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from hub_agent.core.energy.book import Book
from hub_agent.core.energy.meters import ROLES, Role
from hub_agent.core.energy.telling import Asked, Metered, Period, told
from hub_agent.errors import HubAgentError, NotFound, NotPossible

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
FRIDGE, WASHER, ROOF = (f"00000000-0000-4000-8000-0000000000e{n}" for n in (1, 2, 3))


def lived() -> Book:
    book = Book()
    for days_ago in range(21):
        noon = NOON - timedelta(days=days_ago)
        book.add(FRIDGE, 1_100 + 10 * days_ago, noon - timedelta(hours=12), noon, BERLIN)
        book.add(ROOF, 2_500, noon - timedelta(hours=6), noon, BERLIN)
        if days_ago % 3 == 0:
            book.add(WASHER, 800, noon - timedelta(hours=3), noon - timedelta(hours=2), BERLIN)
    return book


class FakeEnergy:
    """Fills ports.Energy."""

    def __init__(self, asked: list[Any]) -> None:
        self.asked = asked
        self.failing: HubAgentError | None = None
        self.book = lived()
        self.roles: dict[str, Role] = {FRIDGE: "device", WASHER: "device", ROOF: "solar"}
        self.names = {FRIDGE: "Fridge", WASHER: "Washing Machine", ROOF: "Roof"}

    def told(self, period: str, day: str | None) -> Any:
        if self.failing:
            raise self.failing
        try:
            of = date.fromisoformat(day) if day else NOON.date()
        except ValueError:
            raise NotPossible(f"'{day}' is no day; a day is written like 2026-01-14.", "day") from None
        devices = [Metered(each, self.names[each], role) for each, role in self.roles.items()]
        return told(self.book, devices, Asked(cast("Period", period), of, BERLIN, NOON))

    async def set_role(self, name: str, role: str, by: str) -> Any:
        found = next((each for each, known in self.names.items() if name in {each, known}), None)
        if found is None:
            raise NotFound(f"There is no device '{name}'.")
        self.asked.append(("energy_role", {"id": found, "role": role}, by))
        self.roles[found] = next(each for each in ROLES if each == role)
        return {"id": found, "name": self.names[found], "role": role}
