"""Runs one scenario of automations under virtual time, through the same hub that runs a home. tests/scenarios/README.md has the form."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson

from hub_agent.core.automation.spelling import automation_fields, script_fields
from hub_agent.core.hub import Hub
from hub_agent.core.long_scenario import Steps, read_long
from hub_agent.core.matching import Observed, match_up
from hub_agent.core.services import Given
from hub_agent.errors import DefinitionError
from hub_agent.model.action import Call, CallAnswered
from hub_agent.model.automation import Place
from hub_agent.model.definition import Definition
from hub_agent.model.effects import Announce, Effect, IssueRaised, Save
from hub_agent.model.ids import CallId, EntityId, HomeId, slugify
from hub_agent.model.inputs import CallRequested, EventFired, Input, StateRemoved, StateSet, TopicHeard, WebhookCalled
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import MqttMessage
from hub_agent.model.state import Cause, EntityState

TOLERANCE_S = 1.0
# A scenario that keeps itself busy without end.
TICKS_MAX = 3_000_000
# A year of a busy home has three million steps: who waits for it is told how far it is.
TELL_EVERY = 10_000

# A larger file is read piece by piece.
LARGE = 16 * 2**20

_AFTER_START = re.compile(r"\+\d+(\.\d+)?s")

# As Home Assistant has it, where none is given.
ZONE_RADIUS_M = 100

LOCAL_NETWORKS = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)

INVALID = ("automation_invalid", "scene_invalid")


@dataclass(frozen=True, slots=True)
class Verdict:
    name: str
    area: str | None
    observed: Sequence[JsonObject] = ()
    missing: Sequence[JsonObject] = ()
    unexpected: Sequence[JsonObject] = ()
    error: str | None = None

    @property
    def passed(self) -> bool:
        return not self.missing and not self.unexpected and self.error is None

    def as_json(self) -> JsonObject:
        return {
            "name": self.name,
            "area": self.area,
            "passed": self.passed,
            "observed": list(self.observed),
            "missing": list(self.missing),
            "unexpected": list(self.unexpected),
            "error": self.error,
        }


class NotAScenario(Exception):
    """The object does not have a scenario's form; the text says where."""


def run_scenario(
    scenario: Mapping[str, Any], area: str | None = None, tell: Callable[[int, datetime], None] | None = None
) -> Verdict:
    """Raises NotAScenario. `tell` hears now and then how many steps have been taken, and what time it is in the scenario."""
    name = str(scenario.get("name", "scenario"))
    start = _start_of(scenario)
    try:
        stage = Stage(scenario, start)
        stage.play(tell)
        return _judge(scenario, stage, name, area)
    except (KeyError, TypeError, AttributeError, ValueError) as err:
        words = f"{err} is missing" if isinstance(err, KeyError) and not str(err).startswith('"') else repr(err)
        raise NotAScenario(f"{name}: {words}") from err


def read_document(content: bytes) -> Any:
    """What `scenarios_in` takes. Raises orjson.JSONDecodeError."""
    return orjson.loads(content) if len(content) < LARGE else read_long(content, _comes_after_start)


def scenarios_in(document: Any) -> list[tuple[Mapping[str, Any], str | None]]:
    """The scenarios of a file's content, each with its area. Raises NotAScenario."""
    if isinstance(document, list):
        document = {"scenarios": document}
    if not isinstance(document, Mapping):
        raise NotAScenario("holds neither a scenario nor a list of them under 'scenarios'")
    if "scenarios" not in document:
        found: Any = [document]
    else:
        found = document["scenarios"]
    if not isinstance(found, list):
        raise NotAScenario("'scenarios' is not a list")
    area = document.get("area")
    for number, each in enumerate(found):
        _check_form(each, f"scenario {number + 1}")
    return [(each, area if isinstance(area, str) else None) for each in found]


def _check_form(scenario: Any, where: str) -> None:
    if not isinstance(scenario, Mapping):
        raise NotAScenario(f"{where} is not a mapping")
    where = str(scenario.get("name", where))
    if ("automation" in scenario) is ("automations" in scenario):
        raise NotAScenario(f"{where}: needs 'automation' or 'automations'")
    for key, kind in (("home", Mapping), ("steps", list | Steps), ("expect", list)):
        if not isinstance(scenario.get(key), kind):
            raise NotAScenario(f"{where}: '{key}' is missing or has the wrong form")
    start = _start_of(scenario)
    for number, want in enumerate(scenario["expect"]):
        if not isinstance(want, Mapping) or "at" not in want or ("action" in want) is ("event" in want):
            raise NotAScenario(f"{where}: expectation {number + 1} needs 'at', and 'action' or 'event'")
        _instant(str(want["at"]), start, f"{where}: expectation {number + 1}")
    steps = scenario["steps"]
    if isinstance(steps, Steps) and steps.all_fit:
        return
    for number, step in enumerate(steps):
        at = step.get("at") if isinstance(step, dict) else None
        if not isinstance(at, str):
            raise NotAScenario(f"{where}: step {number + 1} has no 'at'")
        if not _AFTER_START.fullmatch(at):
            _instant(at, start, f"{where}: step {number + 1}")


def _comes_after_start(step: Any) -> bool:
    """Its time is right, whenever the scenario begins."""
    at = step.get("at") if isinstance(step, dict) else None
    return isinstance(at, str) and _AFTER_START.fullmatch(at) is not None


def _start_of(scenario: Mapping[str, Any]) -> datetime:
    words = f"{scenario.get('name', 'scenario')}: home.start is not an ISO time with offset"
    try:
        found = datetime.fromisoformat(str(scenario["home"]["start"]))
    except (KeyError, TypeError, ValueError) as err:
        raise NotAScenario(words) from err
    if found.tzinfo is None:
        raise NotAScenario(words)
    return found.astimezone(UTC)


def _instant(text: str, start: datetime, where: str = "") -> datetime:
    try:
        if text[:1] == "+" and text[-1:] == "s":
            return start + timedelta(0, float(text[1:-1]))
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as err:
        raise NotAScenario(f"{where}: {text!r} is not a time") from err
    if found.tzinfo is None:
        raise NotAScenario(f"{where}: {text!r} has no offset")
    return found.astimezone(UTC)


# The stage: a hub whose outside is the scenario.


@dataclass(slots=True)
class ScriptedServices:
    """The outside as the scenario tells it: what a call changes, how long it takes, whether it fails."""

    services: Mapping[str, Mapping[str, Any]]
    observe: Callable[[Observed], None]
    answer_later: Callable[[datetime, CallAnswered], None]
    takes_whole_calls: bool = True

    def call(self, call: Call, now: datetime) -> Sequence[Given]:
        service = self.services.get(call.action, {})
        if service.get("missing"):
            return [CallAnswered(call.id, error=f"there is no action {call.action}", is_unknown_action=True)]
        self.observe(Observed(now, call.action, tuple(sorted(call.target)), call.data))
        answer = CallAnswered(call.id, error=service.get("fails"), response=service.get("response"))
        if service.get("takes_s"):
            self.answer_later(now + timedelta(seconds=service["takes_s"]), answer)
            return self._changes(service, call)
        return [*self._changes(service, call), answer]

    @staticmethod
    def _changes(service: Mapping[str, Any], call: Call) -> list[Given]:
        state = service.get("sets_state")
        return [] if state is None else [StateSet(each, state, cause=call.cause) for each in call.target]


@dataclass(slots=True)
class Stage:
    scenario: Mapping[str, Any]
    start: datetime
    observed: list[Observed] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    saved: dict[str, dict[str, JsonObject]] = field(default_factory=dict)
    hub: Hub = field(init=False)
    definitions: list[Definition] = field(init=False)
    _answers: list[tuple[datetime, int, CallAnswered]] = field(default_factory=list)
    _ids: int = 0
    _now: datetime = field(init=False)
    _event_types: frozenset[str] = frozenset()
    _words: str = ""

    def play(self, tell: Callable[[int, datetime], None] | None = None) -> None:
        self._event_types = frozenset(_events_named(self.scenario))
        spoken = {key: each for key, each in self.scenario.items() if key not in {"steps", "expect"}}
        # Not orjson: a scenario may hold half a character, as a hostile definition may.
        self._words = json.dumps(spoken, default=str)
        self._now = self.start
        self.definitions = self._read_definitions()
        self._build(self._initial(), self.start, None)
        horizon = self.start
        for number, step in enumerate(self.scenario["steps"]):
            horizon = max(horizon, _instant(step["at"], self.start))
            self._advance(horizon)
            self._take(step, horizon)
            if tell is not None and number % TELL_EVERY == 0:
                tell(number, horizon)
        self._advance(horizon)

    # The hub.

    def _build(self, states: Mapping[str, EntityState], now: datetime, last_alive_at: datetime | None) -> None:
        home = self.scenario["home"]
        place = Place(home["time_zone"], home["latitude"], home["longitude"], float(home.get("elevation", 0)))
        services = ScriptedServices(self.scenario.get("services", {}), self.observed.append, self._answer_later)
        self.hub = Hub(
            home_id=HomeId(self._new_id()), place=place, new_id=self._new_id, services=services, brings=self._is_named
        )
        restored = self.hub.restore(
            devices=(),
            states=states,
            saved=self.saved,
            commands=(),
            definitions=self.definitions,
            cloud_commands_done=(),
            last_alive_at=last_alive_at,
            now=now,
        )
        self._keep(restored, now)
        self._keep(self.hub.start(now), now)

    def _is_named(self, entity_id: EntityId) -> bool:
        """A scenario's world is what it says; the sun and the zone of the home are there where it speaks of them."""
        return entity_id in self._words

    def _restart(self, now: datetime) -> None:
        """Everything but what the mirror keeps is lost."""
        self._keep(self.hub.stop(now), now)
        states = self.hub.states
        kept: dict[str, EntityState] = {
            entity_id: state for entity_id in states.entity_ids() if (state := states.state(entity_id)) is not None
        }
        self.saved = orjson.loads(orjson.dumps(self.saved))
        self._build(kept, now, now)

    def _keep(self, effects: Sequence[Effect], now: datetime) -> None:
        for effect in effects:
            if isinstance(effect, Announce):  # most of all there is
                if effect.topic == "event" and effect.body["event_type"] in self._event_types:
                    self._observe_event(effect.body, now)
                continue
            match effect:
                case Save(room, key, None):
                    self.saved.get(room, {}).pop(key, None)
                case Save(room, key, body) if body is not None:
                    self.saved.setdefault(room, {})[key] = body
                case IssueRaised(issue) if issue.code in INVALID:
                    self.refused.append(issue.text)

    def _observe_event(self, body: Mapping[str, object], now: datetime) -> None:
        data = body["data"]
        assert isinstance(data, Mapping)
        self.observed.append(Observed(now, None, (), data, str(body["event_type"])))

    def _new_id(self) -> str:
        self._ids += 1
        return str(UUID(int=self._ids))

    def _answer_later(self, at: datetime, answer: CallAnswered) -> None:
        self._ids += 1
        heappush(self._answers, (at, self._ids, answer))

    # Time.

    def _advance(self, until: datetime) -> None:
        now = self._now
        for _ in range(TICKS_MAX):
            timer = self.hub.get_timer()
            answer_at = self._answers[0][0] if self._answers else None
            due = timer if answer_at is None or (timer is not None and timer < answer_at) else answer_at
            if due is None or due > until:
                break
            now = max(now, due)  # what fell due while the hub was down is done now
            if answer_at is not None and answer_at <= due:
                self._hand(heappop(self._answers)[2], now)
            else:
                self._keep(self.hub.handle_timer(now), now)
        else:
            raise ValueError(f"more than {TICKS_MAX} timers")
        self._now = until

    def _hand(self, happened: Input, now: datetime) -> None:
        self._keep(self.hub.handle(happened, now), now)

    def _take(self, step: Mapping[str, Any], now: datetime) -> None:
        if "restart" in step:
            self._restart(now)
            return
        happened = self._input_of(step)
        if happened is not None:
            self._hand(happened, now)

    def _input_of(self, step: Mapping[str, Any]) -> Input | None:
        if "set" in step:  # most of all there is; to match mappings takes its time
            body = step["set"]
            return StateSet(
                EntityId(body["entity"]), body.get("state"), body.get("attributes"), bool(body.get("force"))
            )
        match step:
            case {"remove": body}:
                return StateRemoved(EntityId(body["entity"]))
            case {"event": body}:
                return EventFired(body["type"], body.get("data", {}), body.get("user_id"))
            case {"mqtt": body}:
                return TopicHeard(MqttMessage(body["topic"], body["payload"].encode(), bool(body.get("retain"))))
            case {"webhook": body}:
                return _webhook(body)
            case {"call": body}:
                return CallRequested(self._call_of(body))
            case {"advance": _}:
                return None
            case _:
                raise NotAScenario(
                    f"a step is none of set, remove, event, mqtt, webhook, call, restart, advance: {dict(step)}"
                )

    def _call_of(self, body: Mapping[str, Any]) -> Call:
        data = dict(body.get("data") or {})
        named: Any = (body.get("target") or {}).get("entity_id", data.pop("entity_id", []))
        target = tuple(EntityId(each) for each in ([named] if isinstance(named, str) else named))
        return Call(CallId(self._new_id()), body["action"], target, data, Cause("manual", by="person"))

    # What the scenario defines.

    def _initial(self) -> dict[str, EntityState]:
        states: dict[str, EntityState] = {}
        for entity_id, body in (self.scenario.get("initial") or {}).items():
            state, attributes = (body, {}) if isinstance(body, str) else (body["state"], body.get("attributes") or {})
            states[entity_id] = EntityState(str(state), attributes, self.start, self.start)
        for zone in self.scenario.get("zones") or []:
            attributes = {key: zone[key] for key in ("latitude", "longitude")}
            attributes["radius"] = zone.get("radius", ZONE_RADIUS_M)
            name = slugify(zone["name"].removeprefix("zone."))
            states[f"zone.{name}"] = EntityState("0", attributes, self.start, self.start)
        return states

    def _read_definitions(self) -> list[Definition]:
        found: list[Definition] = []
        configs = self.scenario["automations"] if "automations" in self.scenario else [self.scenario["automation"]]
        for number, config in enumerate(configs):
            self._read(found, f"automation/{number}", "automation", automation_fields, config)
        for object_id, config in self.scenario.get("scripts", {}).items():
            self._read(found, f"script/{object_id}", "automation", partial(script_fields, object_id), config)
        for scene in self.scenario.get("scenes", []):
            self._read(found, f"scene/{scene['name']}", "scene", _scene_fields, scene)
        return found

    def _read(
        self,
        found: list[Definition],
        name: str,
        kind: str,
        read: Callable[[JsonValue], JsonObject],
        config: JsonValue,
    ) -> None:
        try:
            fields = read(config)
        except DefinitionError as err:
            self.refused.append(f"{name}: {err}")
            return
        found.append(Definition(kind, str(uuid5(NAMESPACE_URL, name)), fields, version=1, base=fields))


def _scene_fields(scene: JsonValue) -> JsonObject:
    assert isinstance(scene, Mapping)
    return {"name": scene["name"], "device_states": [{"device_id": None, "desired_state": scene["entities"]}]}


def _webhook(body: Mapping[str, Any]) -> WebhookCalled:
    remote = body.get("remote")
    is_local = remote is None or any(ip_address(remote) in network for network in LOCAL_NETWORKS)
    # As the page's door does it: what is not JSON is a form, be it an empty one.
    form = body.get("form") if "json" in body else body.get("form", {})
    return WebhookCalled(body["id"], body["method"], body.get("json"), form, body.get("query"), is_local)


def _events_named(scenario: Mapping[str, Any]) -> set[str]:
    """Event types that a step of an automation or script fires."""
    found: set[str] = set()
    waiting: list[Any] = [
        scenario.get("automation"),
        scenario.get("automations"),
        list(scenario.get("scripts", {}).values()),
    ]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Mapping):
            event = each.get("event")
            if isinstance(event, str) and not {"trigger", "platform"} & each.keys():
                found.add(event)
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    return found


# The verdict.


def _judge(scenario: Mapping[str, Any], stage: Stage, name: str, area: str | None) -> Verdict:
    wanted: list[Mapping[str, Any]] = list(scenario["expect"])
    late = timedelta(seconds=float(scenario.get("tolerance_s", TOLERANCE_S)))
    early = timedelta(seconds=float(scenario.get("early_s", 0)))
    at = [_instant(each["at"], stage.start, f"{name}: an expectation") for each in wanted]
    left_wanted, left_seen = match_up(wanted, [(each - early, each + late) for each in at], stage.observed)
    return Verdict(
        name,
        area,
        [each.as_json(stage.start) for each in stage.observed],
        [dict(wanted[index]) for index in left_wanted],
        [stage.observed[index].as_json(stage.start) for index in left_seen],
        _error(scenario, stage),
    )


def _error(scenario: Mapping[str, Any], stage: Stage) -> str | None:
    if scenario.get("expect_config_error"):
        return None if stage.refused else "the definition was accepted, but should have been refused"
    if stage.refused:
        return f"refused: {'; '.join(stage.refused)}"
    wrong = []
    for each in scenario.get("expect_state", []):
        seen = stage.hub.states.state(EntityId(each["entity"]))
        if seen is None or seen.state != each["state"]:
            wrong.append(f"{each['entity']} is {seen.state if seen else 'missing'}, not {each['state']}")
    return "; ".join(wrong) or None
