"""What came down: definitions and commands, believed only as far as they make sense."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub_agent.core.sync.envelope import read_instant
from hub_agent.model.definition import Definition
from hub_agent.model.inputs import CloudCommand, DefinitionArrived
from hub_agent.model.json import JsonObject, JsonValue

CURSOR_LENGTH_MAX = 200
_HOME_COLUMNS = ("name", "timezone", "country", "metadata", "latitude", "longitude", "owner_id", "owner_name")


@dataclass(frozen=True, slots=True)
class Heard:
    """`cursor` None: nothing to go on from yet. `unread` counts parts that made no sense."""

    cursor: str | None
    home: Definition | None
    definitions: tuple[DefinitionArrived, ...]
    commands: tuple[CloudCommand, ...]
    server_time: datetime | None
    unread: int = 0


def read_changes(answer: JsonObject, now: datetime, waited: timedelta = timedelta(0)) -> Heard:
    """Commands must not be done late. `now` stands in for the cloud's time where it does not say it; where it does, the
    answer may have been on its way since, for as long as it was `waited` for at most: a wrong clock here costs no more.
    """
    server_time = read_instant(answer.get("server_time"))
    changes, commands = _list(answer.get("changes")), _list(answer.get("commands"))
    definitions = tuple(_read_definitions(changes))
    read = tuple(_read_commands(commands, _arrival(server_time, now, waited)))
    cursor = answer.get("cursor")
    is_cursor = isinstance(cursor, str) and 0 < len(cursor) <= CURSOR_LENGTH_MAX
    return Heard(
        cursor=str(cursor) if is_cursor else None,
        home=read_home(answer.get("home")),
        definitions=definitions,
        commands=read,
        server_time=server_time,
        unread=len(changes) + len(commands) - len(definitions) - len(read),
    )


def _arrival(server_time: datetime | None, now: datetime, waited: timedelta) -> datetime:
    if server_time is None:
        return now
    return server_time + min(max(now - server_time, timedelta(0)), waited)


def read_home(home: object) -> Definition | None:
    """The home's own document, as it comes with the claim and with every change."""
    if not isinstance(home, Mapping) or not isinstance(home.get("id"), str):
        return None
    version = home.get("version")
    fields = {name: home[name] for name in _HOME_COLUMNS if name in home}
    return Definition("home", str(home["id"]), fields, _version(version) or 1)


def _read_definitions(changes: Iterable[object]) -> Iterable[DefinitionArrived]:
    for change in changes:
        if not isinstance(change, Mapping):
            continue
        kind, definition_id, fields = change.get("entity_type"), change.get("id"), change.get("fields")
        version = _version(change.get("version"))
        if not isinstance(kind, str) or not isinstance(definition_id, str) or version is None:
            continue
        is_deleted = change.get("deleted") is True
        if not isinstance(fields, Mapping) and not is_deleted:
            continue
        body: dict[str, JsonValue] = {} if is_deleted or not isinstance(fields, Mapping) else dict(fields)
        definition = Definition(
            kind,
            definition_id,
            _flat_home(body) if kind == "home" else body,
            version,
            is_deleted=is_deleted,
            modified_at=read_instant(change.get("modified_at")),
            modified_by=_text(change.get("modified_by")),
            aliases=tuple(_read_aliases(change.get("aliases"))),
        )
        disputed = change.get("disputed")
        still = frozenset(map(str, disputed)) if isinstance(disputed, list) else None
        yield DefinitionArrived(definition, is_from_cloud=True, disputed=still)


def _text(value: object) -> str | None:
    return value[:200] if isinstance(value, str) else None


def _flat_home(fields: dict[str, JsonValue]) -> dict[str, JsonValue]:
    coordinates = fields.pop("coordinates", None)
    if isinstance(coordinates, Mapping):
        fields |= {"latitude": coordinates.get("latitude"), "longitude": coordinates.get("longitude")}
    return fields


def _read_aliases(aliases: object) -> Iterable[tuple[str, str]]:
    for alias in _list(aliases):
        if isinstance(alias, Mapping) and isinstance(alias.get("kind"), str) and isinstance(alias.get("value"), str):
            yield str(alias["kind"]), str(alias["value"])


def _read_commands(commands: Iterable[object], now: datetime) -> Iterable[CloudCommand]:
    for command in commands:
        if not isinstance(command, Mapping):
            continue
        command_id, kind, payload = command.get("id"), command.get("kind"), command.get("payload")
        expires_at = read_instant(command.get("expires_at"))
        if not isinstance(command_id, str) or not isinstance(kind, str) or expires_at is None:
            continue
        yield CloudCommand(command_id, kind, payload if isinstance(payload, Mapping) else {}, expires_at <= now)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _version(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
