"""Runs made of any steps, nested in any way: a restart between any two moments changes nothing. Modes against a small model of them."""

import json
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings, strategies as st

from hub_agent.core.scenario import Stage, run_scenario

HOME = {
    "time_zone": "Europe/Berlin",
    "latitude": 52.52,
    "longitude": 13.405,
    "elevation": 34,
    "start": "2026-01-14T12:00:00+01:00",
}
START = datetime.fromisoformat(HOME["start"])
CHECK = {"trigger": "event", "event_type": "check"}
HORIZON_S = 120

Step = dict[str, Any]


def scenario(automation: Step, steps: list[Step], **more: Any) -> dict[str, Any]:
    timed = sorted(steps, key=lambda step: float(step["at"][1:-1]))
    return {
        "name": "property",
        "automation": automation,
        "home": HOME,
        "initial": {"binary_sensor.w": {"state": "off", "attributes": {}}},
        "steps": [*timed, {"at": f"+{HORIZON_S}s", "advance": True}],
        "expect": [],
        **more,
    }


def seen(each: dict[str, Any]) -> list[str]:
    """What was done, in the order of time; within one instant the order is nobody's business."""
    verdict = run_scenario(each)
    assert verdict.error is None, verdict.error
    return sorted(json.dumps(one, sort_keys=True, default=str) for one in verdict.observed)


# Steps. All lengths are whole seconds; what happens outside comes at .25, restarts at other parts of a second: no ties.

SECONDS = st.integers(0, 4)
BOOLEANS = st.booleans()
ROUND = "{{ repeat.index if repeat is defined else 0 }}"


def _told(name: str, /, **data: Any) -> Step:
    return {"action": f"notify.{name}", "data": {"round": ROUND, **data}}


def _counted(number: int) -> list[Step]:
    name = f"v{number}"
    return [
        {"variables": {name: f"{{{{ {name} | default(0) + 1 }}}}"}},
        {"action": "notify.counted", "data": {"name": name, "value": f"{{{{ {name} }}}}"}},
    ]


def _waits(seconds: int, goes_on: bool, is_template: bool) -> list[Step]:
    patience = {"timeout": seconds, "continue_on_timeout": goes_on}
    wait: Step = {"wait_template": "{{ is_state('binary_sensor.w', 'on') }}", **patience}
    if not is_template:
        wait = {"wait_for_trigger": [{"trigger": "event", "event_type": "go"}], **patience}
    told = {"completed": "{{ wait.completed }}", "remaining": "{{ wait.remaining }}"}
    return [wait, _told("waited", **told), {"delay": 2}, _told("waited_before", **told)]


def _bad(is_passed: bool) -> list[Step]:
    return [{"action": "notify.bad", "continue_on_error": is_passed}, _told("after_bad")]


def _called(name: str, is_waited_for: bool) -> list[Step]:
    if not is_waited_for:
        return [{"action": "script.turn_on", "target": {"entity_id": f"script.{name}"}}]
    return [
        {"action": f"script.{name}", "data": {"given": 5}, "response_variable": "answer"},
        _told("answered", answer="{{ answer }}"),
    ]


LEAVES = st.one_of(
    st.builds(lambda seconds: [{"delay": seconds}], SECONDS),
    st.builds(lambda name: [_told(name)], st.sampled_from("abc")),
    st.builds(_counted, st.integers(0, 9)),
    st.builds(_waits, SECONDS, BOOLEANS, BOOLEANS),
    st.builds(_bad, BOOLEANS),
    st.builds(_called, st.sampled_from(["short", "long", "outer", "broken"]), BOOLEANS),
    st.builds(lambda holds: [{"condition": "template", "value_template": f"{{{{ {holds} }}}}"}], BOOLEANS),
    st.builds(lambda is_error: [{"stop": "enough", "error": is_error}], BOOLEANS),
    st.builds(lambda: [{"event": "said", "event_data": {"round": ROUND}}]),
)


def _repeated(kind: str, times: int, steps: list[Step], goes_on: bool) -> list[Step]:
    loops: dict[str, Any] = {
        "count": times,
        "for_each": list(range(times)),
        "while": f"{{{{ repeat.index <= {times} }}}}",
        "until": f"{{{{ repeat.index >= {times} }}}}",
    }
    return [{"repeat": {kind: loops[kind], "sequence": steps}, "continue_on_error": goes_on}]


def _blocks(inner: st.SearchStrategy[list[Step]]) -> st.SearchStrategy[list[Step]]:
    several = st.lists(inner, min_size=1, max_size=3).map(lambda lists: [step for each in lists for step in each])
    return st.one_of(
        several,
        st.builds(_repeated, st.sampled_from(["count", "for_each", "while", "until"]), st.integers(0, 3), several, BOOLEANS),
        st.builds(lambda holds, then, other: [{"if": f"{{{{ {holds} }}}}", "then": then, "else": other}], BOOLEANS, several, several),
        st.builds(
            lambda holds, first, other: [
                {"choose": [{"conditions": f"{{{{ {holds} }}}}", "sequence": first}], "default": other}
            ],
            BOOLEANS,
            several,
            several,
        ),
        st.builds(lambda steps, goes_on: [{"sequence": steps, "continue_on_error": goes_on}], several, BOOLEANS),
        st.builds(
            lambda branches, goes_on: [
                {"parallel": [{"sequence": each} for each in branches], "continue_on_error": goes_on}
            ],
            st.lists(several, min_size=1, max_size=3),
            BOOLEANS,
        ),
    )  # fmt: skip


ACTIONS = st.recursive(LEAVES, _blocks, max_leaves=14)
SCRIPTS = {
    "short": {"mode": "parallel", "max": 500, "sequence": [_told("short", given="{{ given | default(0) }}")]},
    "long": {
        "mode": "parallel",
        "max": 500,
        "sequence": [
            {"delay": 3},
            {"variables": {"out": {"sum": "{{ given | default(0) + 1 }}"}}},
            {"stop": "done", "response_variable": "out"},
        ],
    },
    "outer": {
        "mode": "parallel",
        "max": 500,
        "sequence": [{"action": "script.long", "response_variable": "inner"}, _told("outer", inner="{{ inner }}")],
    },
    "broken": {"mode": "parallel", "max": 500, "sequence": [{"delay": 1}, {"action": "notify.bad"}]},
}
OUTSIDE = st.lists(st.tuples(st.integers(1, 40), st.sampled_from(["go", "on", "off"])), max_size=8)


# Every so many seconds, or now and then.
RESTARTS = st.one_of(
    st.integers(2, 5).map(lambda every: [second + 0.6 for second in range(1, 30, every)]),
    st.lists(st.integers(0, 200).map(lambda tenth: tenth // 4 + (0.4, 0.6, 0.7, 0.9)[tenth % 4]), max_size=10),
)


def _outside(happens: list[tuple[int, str]]) -> list[Step]:
    steps: list[Step] = []
    for at, what in happens:
        step: Step = {"event": {"type": "go"}}
        if what != "go":
            step = {"set": {"entity": "binary_sensor.w", "state": what}}
        steps.append({"at": f"+{at}.25s", **step})
    return steps


@settings(max_examples=50, deadline=None)
@given(
    actions=ACTIONS,
    mode=st.sampled_from(["single", "restart", "queued", "parallel"]),
    triggers=st.lists(st.integers(0, 20), min_size=1, max_size=4, unique=True),
    happens=OUTSIDE,
    restarts=RESTARTS,
)
def test_a_run_of_any_steps_does_the_same_however_often_it_is_saved_and_loaded(
    actions, mode, triggers, happens, restarts
) -> None:
    automation = {"alias": "x", "triggers": [CHECK], "actions": actions, "mode": mode}
    steps = [*({"at": f"+{at}.125s", "event": {"type": "check"}} for at in triggers), *_outside(happens)]
    more = {"scripts": SCRIPTS, "services": {"notify.bad": {"fails": "out of order"}}}
    undisturbed = scenario(automation, steps, **more)
    disturbed = scenario(automation, [*steps, *({"at": f"+{at}s", "restart": True} for at in restarts)], **more)

    assert seen(disturbed) == seen(undisturbed)

    stage = Stage(disturbed, START)
    stage.play()
    running = stage.hub.automations._running
    saved = {key.removeprefix("run/") for key in stage.saved.get("automation", {}) if key.startswith("run/")}
    assert saved == set(running._runs)


# Modes.

LENGTH_S = 7


@dataclass
class Model:
    """One automation that says it begins, waits, and says it is done."""

    mode: str
    most: int
    is_on: bool = True
    running: list[tuple[float, int]] = field(default_factory=list)
    queue: deque[int] = field(default_factory=deque)
    told: list[tuple[float, str, int]] = field(default_factory=list)

    def advance(self, until: float) -> None:
        while self.running and min(self.running)[0] <= until:
            ended = min(self.running)
            self.running.remove(ended)
            self.told.append((ended[0], "done", ended[1]))
            if self.queue:
                self.begin(ended[0], self.queue.popleft())

    def begin(self, at: float, number: int) -> None:
        self.told.append((at, "begun", number))
        self.running.append((at + LENGTH_S, number))

    def trigger(self, at: float, number: int) -> None:
        active = len(self.running) + len(self.queue)
        match self.mode:
            case "restart":
                self.running.clear()
                self.begin(at, number)
            case "queued" if self.running and active < self.most:
                self.queue.append(number)
            case "single" if not active:
                self.begin(at, number)
            case "queued" | "parallel" if active < self.most:
                self.begin(at, number)

    def stop(self) -> None:
        self.running.clear()
        self.queue.clear()

    def take(self, what: str, at: float, number: int) -> None:
        match what:
            case "event" if self.is_on:
                self.trigger(at, number)
            case "trigger":
                self.trigger(at, number)
            case "turn_off":
                self.is_on = False
                self.stop()
            case "let_go_on":
                self.is_on = False
            case "turn_on":
                self.is_on = True
            case "toggle":
                if self.is_on:
                    self.stop()
                self.is_on = not self.is_on


def _as_step(what: str, at: float, number: int) -> Step:
    body: Step = {"at": f"+{at}s"}
    match what:
        case "event":
            return {**body, "event": {"type": "check", "data": {"number": number}}}
        case "restart":
            return {**body, "restart": True}
    data: dict[str, Any] = {"variables": {"number": number}} if what == "trigger" else {}
    if what == "let_go_on":
        what, data = "turn_off", {"stop_actions": False}
    return {
        **body,
        "call": {"action": f"automation.{what}", "target": {"entity_id": "automation.x"}, "data": data},
    }


HAPPENINGS = st.sampled_from(
    ["event"] * 6
    + ["trigger", "trigger", "turn_off", "let_go_on", "turn_on", "turn_on", "toggle", "restart", "restart"]
)


@settings(max_examples=100, deadline=None)
@given(
    mode=st.sampled_from(["single", "restart", "queued", "parallel"]),
    most=st.integers(2, 4),
    happenings=st.lists(st.tuples(st.integers(1, 60), HAPPENINGS), max_size=25),
)
def test_modes_are_as_a_small_model_says(mode, most, happenings) -> None:
    model = Model(mode, most)
    steps = []
    for number, (at, what) in enumerate(sorted(happenings, key=lambda each: each[0])):
        model.advance(at)
        model.take(what, at, number)
        steps.append(_as_step(what, at, number))
    model.advance(HORIZON_S)
    said = {"number": "{{ number }}"}
    automation = {
        "alias": "x",
        "triggers": [{**CHECK, "variables": {"number": "{{ trigger.event.data.number }}"}}],
        "actions": [
            {"action": "notify.begun", "data": said},
            {"delay": LENGTH_S},
            {"action": "notify.done", "data": said},
        ],
        "mode": mode,
        "max": most,
    }

    stage = Stage(scenario(automation, steps), START)
    stage.play()
    observed = [
        ((each.at - START) / timedelta(seconds=1), str(each.action).removeprefix("notify."), each.data["number"])
        for each in stage.observed
    ]

    assert sorted(observed) == sorted(model.told)
    assert stage.hub.states.state("automation.x").state == ("on" if model.is_on else "off")
