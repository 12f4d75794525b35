"""What rules and their templates may know of the home, with a note of what a template has looked at."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from hub_agent.core.automation.reading import is_entity_id, to_number
from hub_agent.core.automation.registry import NoRegistry, Registry, RegistryFunctions
from hub_agent.core.automation.values import are_same
from hub_agent.core.automation.views import StateView, attributes_of, view
from hub_agent.core.geography import distance_m
from hub_agent.core.time_of_day import zone
from hub_agent.model.automation import Place
from hub_agent.model.ids import EntityId, NewId
from hub_agent.model.state import UNAVAILABLE, UNKNOWN, EntityState
from hub_agent.templating import Templates
from hub_agent.templating.plain import in_words, parse_clock, shuffled

# What Jinja asks every object for before it calls it; no domain is called so.
_ASKED_BY_JINJA = frozenset({"jinja_pass_arg", "unsafe_callable", "alters_data"})
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


# Functions that are no filters; all others are both.
ONLY_FUNCTIONS = frozenset(
    {"areas", "distance", "floors", "is_hidden_entity", "is_state", "is_state_attr", "issue", "issues", "now", "utcnow"}
)
USED_AS_TESTS = frozenset({"has_value", "is_device_attr", "is_hidden_entity", "is_state", "is_state_attr"})


class World(Protocol):
    """The current states."""

    def state(self, entity_id: EntityId, /) -> EntityState | None: ...

    def entity_ids(self) -> Iterable[EntityId]: ...


# What stands for others, and under which attribute it names them.
_MEMBERS = {"group": "entity_id", "zone": "persons"}


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

    def __init__(self, world: World, place: Place, new_id: NewId, registry: Registry | None = None) -> None:
        self.world = world
        self._registry = RegistryFunctions(registry or NoRegistry())
        self._new_id = new_id
        self.now = _BEGINNING
        self.looked = Looked()
        self.set_place(place)

    def set_place(self, place: Place) -> None:
        self.place = place
        functions = self._functions()
        filters: dict[str, Callable[..., object]] = {
            name: function
            for name, function in functions.items()
            if name not in ONLY_FUNCTIONS - USED_AS_TESTS and callable(function)
        }
        tests = {name: filters[name] for name in USED_AS_TESTS}
        filters["random"] = self._pick
        filters["closest"] = self._closest_of
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
            **self._registry.functions(),
            "closest": self._closest,
            "distance": self._distance,
            "entity_name": self._entity_name,
            "expand": self._expand,
            "has_value": lambda entity_id: self._state_text(entity_id) not in {UNAVAILABLE, UNKNOWN},
            "is_state": self._is_state,
            "is_state_attr": self._is_state_attr,
            "now": self.local_now,
            "relative_time": lambda value: self._since(value, 1),
            "shuffle": self._shuffle,
            "state_attr": self._state_attr,
            "state_attr_translated": self._state_attr,
            "state_translated": self._state_text,
            "states": _States(self),
            "time_since": lambda value, precision=1: self._since(value, precision),
            "time_until": lambda value, precision=1: self._until(value, precision),
            "today_at": self._today_at,
            "utcnow": lambda: self.local_now().astimezone(UTC),
        }

    # Chance, as far as ids are.

    def _pick(self, items: Iterable[object]) -> object:
        choices = list(items)
        if not choices:
            raise ValueError("random has nothing to choose from")
        return choices[UUID(self._new_id()).int % len(choices)]

    def _shuffle(self, *args: object, seed: object = None) -> list[object]:
        """A list, and maybe the seed that always gives the same order; or the parts themselves."""
        items: Iterable[object] = args
        if args and isinstance(args[0], Iterable) and not isinstance(args[0], str):
            items, rest = args[0], args[1:]
            seed = rest[0] if rest and seed is None else seed
        elif len(args) < 2:
            raise TypeError("shuffle needs a list")
        return shuffled(items, seed or UUID(self._new_id()).int)

    # States.

    def _state_text(self, entity_id: str) -> str:
        seen = self.see(entity_id)
        return UNKNOWN if seen is None else seen.state

    def _state_attr(self, entity_id: str, name: str) -> object:
        seen = self.see(entity_id)
        return None if seen is None else attributes_of(seen).get(name)

    def _is_state_attr(self, entity_id: str, name: str, wanted: object) -> bool:
        seen = self.see(entity_id)
        attributes = {} if seen is None else attributes_of(seen)
        return name in attributes and are_same(attributes[name], wanted)

    def _entity_name(self, entity_id: str) -> str | None:
        name = self._registry.name_of(entity_id)
        seen = self.see(entity_id)
        return name or (None if seen is None else StateView(entity_id, seen).name)

    def _is_state(self, entity_id: str, wanted: object) -> bool:
        seen = self.see(entity_id)
        if seen is None:
            return False
        return seen.state in wanted if isinstance(wanted, list | tuple) else seen.state == wanted

    def _expand(self, *named: object) -> list[StateView]:
        found: dict[str, StateView] = {}
        opened: set[str] = set()
        waiting = list(named)
        while waiting and len(found) < 1000:  # a group may hold itself
            each = waiting.pop(0)
            if isinstance(each, list | tuple):
                waiting += each
            elif isinstance(each, str):
                seen = self.see(each)
                key = _MEMBERS.get(each.partition(".")[0])
                if seen is not None and key is None:
                    found[each] = StateView(each, seen)
                elif seen is not None and key is not None and each not in opened:
                    opened.add(each)
                    members = seen.attributes.get(key)
                    waiting += members if isinstance(members, list | tuple) else ()
            elif isinstance(each, StateView):
                waiting.append(each.entity_id)
            elif isinstance(each, Iterable):  # states.light
                waiting += each
        return [found[entity_id] for entity_id in sorted(found)]

    # Places.

    def _distance(self, *args: object) -> float | None:
        """Kilometres from home, or between two points: entities, states, or latitude and longitude."""
        points: list[tuple[float, float]] = []
        waiting = list(args)
        while waiting:
            each = waiting.pop(0)
            point = self._position(each)
            if point is None and self._view(each) is None and waiting:
                point = _point(each, waiting.pop(0))
            if point is None:
                return None
            points.append(point)
        if not points:
            return None
        return distance_m(points[0], points[1] if len(points) > 1 else self._home) / 1000

    def _closest(self, *args: object) -> StateView | None:
        """Of the last argument, the entity nearest to home, or to the point before it."""
        *where, entities = args
        origin = self._home
        if where:
            found = self._position(where[0]) if len(where) == 1 else _point(where[0], where[1])
            if found is None:
                return None
            origin = found
        placed = [(each, at) for each in self._expand(entities) if (at := self._position(each)) is not None]
        return min(placed, key=lambda pair: distance_m(origin, pair[1]))[0] if placed else None

    def _closest_of(self, entities: object, *point: object) -> StateView | None:
        return self._closest(*point, entities)

    @property
    def _home(self) -> tuple[float, float]:
        return self.place.latitude, self.place.longitude

    def _view(self, value: object) -> StateView | None:
        if isinstance(value, StateView):
            return value
        if not isinstance(value, str) or not is_entity_id(value):
            return None
        return view(value, self.see(value))

    def _position(self, value: object) -> tuple[float, float] | None:
        found = self._view(value)
        return None if found is None else _point(*map(found.attributes.get, ("latitude", "longitude")))

    # The clock.

    def _today_at(self, text: str = "00:00") -> datetime:
        clock = parse_clock(text)
        if clock is None:
            raise ValueError(f"{text!r} is no time such as 07:30")
        return datetime.combine(self.local_now().date(), clock, tzinfo=zone(self.place.time_zone))

    def _since(self, value: object, precision: int) -> object:
        """How long ago; what is yet to come, or is no instant, as it is."""
        if not isinstance(value, datetime):
            return value
        ago = self.local_now() - self._aware(value)
        return value if ago.total_seconds() < 0 else in_words(ago, precision)

    def _until(self, value: object, precision: int) -> object:
        if not isinstance(value, datetime):
            return value
        left = self._aware(value) - self.local_now()
        return value if left.total_seconds() < 0 else in_words(left, precision)

    def _aware(self, moment: datetime) -> datetime:
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone(self.place.time_zone))


def _point(latitude: object, longitude: object) -> tuple[float, float] | None:
    numbers = (to_number(latitude), to_number(longitude))
    return None if numbers[0] is None or numbers[1] is None else (numbers[0], numbers[1])


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

    def __getitem__(self, entity_id: object) -> "StateView | _Domain | None":
        if isinstance(entity_id, str) and entity_id.isidentifier():
            return self.__getattr__(entity_id)
        if not isinstance(entity_id, str) or not is_entity_id(entity_id):
            raise KeyError(entity_id)
        seen = self._outlook.see(entity_id)
        return None if seen is None else StateView(entity_id, seen)

    def __iter__(self) -> Iterator[StateView]:
        return iter(self._outlook.see_all())

    def __len__(self) -> int:
        return len(self._outlook.see_all())


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
