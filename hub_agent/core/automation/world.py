"""What rules and their templates may know of the home, with a note of what a template has looked at."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Protocol
from uuid import UUID

from hub_agent.core.automation.reading import is_entity_id
from hub_agent.core.automation.values import are_same
from hub_agent.core.automation.views import StateView, attributes_of
from hub_agent.core.time_of_day import zone
from hub_agent.model.automation import Place
from hub_agent.model.ids import EntityId, NewId
from hub_agent.model.state import UNAVAILABLE, UNKNOWN, EntityState
from hub_agent.templating import Templates

# What Jinja asks every object for before it calls it; no domain is called so.
_ASKED_BY_JINJA = frozenset({"jinja_pass_arg", "unsafe_callable", "alters_data"})
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


USED_AS_FILTERS = frozenset(
    [
        "states",
        "state_attr",
        "is_state",
        "is_state_attr",
        "has_value",
        "expand",
        "today_at",
        "time_since",
        "time_until",
        "relative_time",
    ]
)
USED_AS_TESTS = frozenset({"is_state", "is_state_attr", "has_value"})


class World(Protocol):
    """The current states."""

    def state(self, entity_id: EntityId, /) -> EntityState | None: ...

    def entity_ids(self) -> Iterable[EntityId]: ...


class Looked:
    """What a template has looked at: entities, all of a domain, all of them, the clock."""

    __slots__ = ("at_all", "at_clock", "domains", "entity_ids")

    def __init__(self) -> None:
        self.entity_ids: set[str] = set()
        self.domains: set[str] = set()
        self.at_all = False
        self.at_clock = False


class Outlook:
    """The home as templates see it. `now` is set before each rendering; `looked` notes what is looked at."""

    def __init__(self, world: World, place: Place, new_id: NewId) -> None:
        self.world = world
        self._new_id = new_id
        self.now = _BEGINNING
        self.looked = Looked()
        self.set_place(place)

    def set_place(self, place: Place) -> None:
        self.place = place
        functions = self._functions()
        filters: dict[str, Callable[..., object]] = {
            name: function for name, function in functions.items() if name in USED_AS_FILTERS and callable(function)
        }
        tests = {name: filters[name] for name in USED_AS_TESTS}
        filters["random"] = self._pick
        self.templates = Templates(time_zone=zone(place.time_zone), globals=functions, filters=filters, tests=tests)

    def see(self, entity_id: str) -> EntityState | None:
        self.looked.entity_ids.add(entity_id)
        return self.world.state(EntityId(entity_id))

    def see_all(self, domain: str | None = None) -> list[StateView]:
        if domain is None:
            self.looked.at_all = True
        else:
            self.looked.domains.add(domain)
        found = []
        for entity_id in sorted(self.world.entity_ids()):
            if domain is None or entity_id.startswith(f"{domain}."):
                seen = self.world.state(entity_id)
                if seen is not None:
                    found.append(StateView(entity_id, seen))
        return found

    def local_now(self) -> datetime:
        self.looked.at_clock = True
        return self.now.astimezone(zone(self.place.time_zone))

    def _functions(self) -> Mapping[str, Callable[..., object] | object]:
        return {
            "states": _States(self),
            "state_attr": self._state_attr,
            "is_state": self._is_state,
            "is_state_attr": lambda entity_id, name, value: are_same(self._state_attr(entity_id, name), value),
            "has_value": lambda entity_id: self._state_text(entity_id) not in {UNAVAILABLE, UNKNOWN},
            "expand": self._expand,
            "now": self.local_now,
            "utcnow": lambda: self.local_now().astimezone(UTC),
            "today_at": self._today_at,
            "time_since": lambda at: _in_words(self.local_now() - at),
            "time_until": lambda at: _in_words(at - self.local_now()),
            "relative_time": lambda at: _in_words(self.local_now() - at),
        }

    def _pick(self, items: Iterable[object]) -> object:
        """One of them, by chance as far as ids are."""
        choices = list(items)
        return choices[UUID(self._new_id()).int % len(choices)] if choices else None

    def _state_text(self, entity_id: str) -> str:
        seen = self.see(entity_id)
        return UNKNOWN if seen is None else seen.state

    def _state_attr(self, entity_id: str, name: str) -> object:
        seen = self.see(entity_id)
        return None if seen is None else attributes_of(seen).get(name)

    def _is_state(self, entity_id: str, wanted: object) -> bool:
        seen = self.see(entity_id)
        if seen is None:
            return False
        return seen.state in wanted if isinstance(wanted, list | tuple) else seen.state == wanted

    def _expand(self, *named: object) -> list[StateView]:
        found: dict[str, StateView] = {}
        waiting = list(named)
        while waiting and len(found) < 1000:  # a group may hold itself
            each = waiting.pop(0)
            if isinstance(each, list | tuple):
                waiting += each
            elif isinstance(each, str):
                seen = self.see(each)
                members = None if seen is None else seen.attributes.get("entity_id")
                if each.startswith("group.") and isinstance(members, list | tuple) and each not in found:
                    waiting += members
                elif seen is not None:
                    found[each] = StateView(each, seen)
            elif isinstance(each, StateView):
                found[each.entity_id] = each
        return [found[entity_id] for entity_id in sorted(found)]

    def _today_at(self, text: str = "00:00") -> datetime:
        return datetime.combine(self.local_now().date(), time.fromisoformat(text), tzinfo=zone(self.place.time_zone))


class _States:
    """`states('light.a')`, `states.light.a.state`, `states.light` and `states`."""

    def __init__(self, outlook: Outlook) -> None:
        self._outlook = outlook

    def __call__(self, entity_id: str | None = None, rounded: bool = False, with_unit: bool = False) -> object:  # noqa: FBT001, FBT002 - as templates write it
        if entity_id is None:
            return self._outlook.see_all()
        seen = self._outlook.see(entity_id)
        if seen is None:
            return UNKNOWN
        unit = seen.attributes.get("unit_of_measurement")
        return f"{seen.state} {unit}" if with_unit and unit and not rounded else seen.state

    def __getattr__(self, domain: str) -> "_Domain":
        if domain.startswith("_") or domain in _ASKED_BY_JINJA:
            raise AttributeError(domain)
        return _Domain(self._outlook, domain)

    def __getitem__(self, entity_id: object) -> StateView | None:
        if not isinstance(entity_id, str) or not is_entity_id(entity_id):
            raise KeyError(entity_id)
        seen = self._outlook.see(entity_id)
        return None if seen is None else StateView(entity_id, seen)

    def __iter__(self) -> Iterator[StateView]:
        return iter(self._outlook.see_all())


class _Domain:
    def __init__(self, outlook: Outlook, domain: str) -> None:
        self._outlook = outlook
        self._domain = domain

    def __getattr__(self, name: str) -> StateView | None:
        if name.startswith("_") or name in _ASKED_BY_JINJA:
            raise AttributeError(name)
        entity_id = f"{self._domain}.{name}"
        seen = self._outlook.see(entity_id)
        return None if seen is None else StateView(entity_id, seen)

    def __getitem__(self, name: str) -> StateView | None:
        return self.__getattr__(str(name))

    def __iter__(self) -> Iterator[StateView]:
        return iter(self._outlook.see_all(self._domain))

    def __len__(self) -> int:
        return len(self._outlook.see_all(self._domain))


def _in_words(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {name}{'s' if count > 1 else ''}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"
