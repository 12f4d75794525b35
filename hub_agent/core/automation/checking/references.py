"""What a rule names and the home does not have, or cannot reach."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from hub_agent.core.automation.checking.finding import Aspect, Finding, Fix, Severity, aspect_of
from hub_agent.core.automation.checking.home import Home
from hub_agent.core.automation.checking.naming import Name
from hub_agent.core.automation.views import iso
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.state import UNAVAILABLE

# A device that is away for less may just be restarting.
AWAY_FOR = timedelta(minutes=10)

WORDS_BY_DOMAIN = {"script": "a script", "scene": "a scene", "automation": "an automation", "zone": "a zone"}


def find_references(
    names: Iterable[Name],
    home: Home,
    now: datetime,
    *,
    made: frozenset[str],
    fix: Callable[[str], Fix | None],
) -> Iterator[Finding]:
    """`made`: scenes that rules make while they run; `fix` says what a missing entity may be called now."""
    told: set[tuple[str, str, str]] = set()
    for name in names:
        key = (name.kind, name.id, name.path)
        if key in told:
            continue
        told.add(key)
        match name.kind:
            case "entity" | "template":
                yield from _of_entity(name, home, now, made, fix)
            case "device" if home.device(DeviceId(name.id)) is None:
                text = f"It names the device {name.id}, which this home does not have."
                yield _missing("device_missing", name, text, None)
            case "area" if not home.has_room(name.id):
                text = f"It names the room {name.id}, which this home does not have."
                yield _missing("room_missing", name, text, None)


def _of_entity(
    name: Name, home: Home, now: datetime, made: frozenset[str], fix: Callable[[str], Fix | None]
) -> Iterator[Finding]:
    domain = name.id.partition(".")[0]
    seen = home.state(EntityId(name.id))
    if seen is None:
        if name.id in made or (domain == "zone" and home.has_zone(name.id)):
            return
        what = WORDS_BY_DOMAIN.get(domain)
        said = f"{what} ({name.id})" if what else name.id
        text = f"It names {said}, which this home does not have."
        yield _missing(f"{domain}_missing" if what else "entity_missing", name, text, fix(name.id))
    elif seen.state == UNAVAILABLE and now - seen.changed_at >= AWAY_FOR and name.kind == "entity":
        text = f"{name.id} cannot be reached since {iso(seen.changed_at)}."
        yield Finding(
            "entity_unavailable", Severity.WARNING, Aspect.DEVICES, text, name.path, name.id, since=seen.changed_at
        )


def _missing(code: str, name: Name, text: str, fix: Fix | None) -> Finding:
    """What a template asks for may be absent on purpose: it can say what then."""
    severity = Severity.INFO if name.kind == "template" else Severity.WARNING
    known = fix if name.kind == "entity" else None
    return Finding(code, severity, aspect_of(name.path), text, name.path, name.id, fix=known)
