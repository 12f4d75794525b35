"""A restart changes nothing of what automations do, wherever it falls; and no input makes the engine raise."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings, strategies as st

from hub_agent.core.automation.loading import read_program
from hub_agent.core.automation.reading import to_duration
from hub_agent.core.scenario import Stage, Verdict, run_scenario, scenarios_in
from hub_agent.core.time_of_day import instant_of, next_daily, zone
from hub_agent.errors import DefinitionError
from hub_agent.model.definition import Definition
from hub_agent.templating import Templates

SCENARIOS_FOLDER = Path(__file__).parents[1] / "scenarios"

# Where a restart does matter, for a reason: what was to be answered from outside is lost, `start` and `shutdown` triggers
# fire, what is armed is judged anew by the states at the start.
MATTERS = {
    "armed_then_removed_and_back_inside_fires",
    "call_blocks_until_it_returns",
    "create_snapshot_and_come_back",
    "event_of_the_engines_start",
    "event_of_the_engines_stop",
    "for_limit_moving_alone_does_not_end_it",
    "initial_state_false_can_be_turned_on",
    "limit_moved_away_arms_at_next_change",
    "limit_moved_makes_next_change_a_crossing",
    "limit_unavailable_is_outside",
    "limit_unknown_counts_as_outside",
    "not_a_number_between_keeps_what_was",
    "response_variable_after_a_slow_call",
    "restart_during_a_slow_call_does_not_take_its_answer",
    "single_drops_while_waiting_for_a_call",
    "slow_calls_run_side_by_side",
    "slow_failure_comes_when_the_call_returns",
    "template_error_never_fires",
    "template_error_then_true_keeps_what_it_saw",
    "value_template_other_entity_is_only_read",
}


def _restartable() -> list[dict[str, Any]]:
    found = []
    for path in sorted(SCENARIOS_FOLDER.glob("*.json")):
        if path.name == "schema.json":
            continue
        for scenario, _ in scenarios_in(json.loads(path.read_text())):
            text = json.dumps(scenario)
            if scenario["name"] not in MATTERS and '"homeassistant"' not in text and "expect_config_error" not in text:
                found.append(dict(scenario))
    return found


RESTARTABLE = _restartable()
COUNTS_LIGHTS = next(each for each in RESTARTABLE if each["name"] == "template_trigger_counts_lights")


def _instant(scenario: dict[str, Any], at: str) -> datetime:
    start = datetime.fromisoformat(scenario["home"]["start"])
    return start + timedelta(seconds=float(at[1:-1])) if at.startswith("+") else datetime.fromisoformat(at)


def _seen(verdict: Verdict) -> list[str]:
    return [json.dumps(each, sort_keys=True, default=str) for each in verdict.observed]


@settings(max_examples=80, deadline=None)
@given(scenario=st.sampled_from(RESTARTABLE), after=st.integers(0, 12), part=st.floats(0.01, 0.99))
@example(scenario=COUNTS_LIGHTS, after=0, part=0.5)
def test_a_restart_at_any_moment_changes_nothing_of_what_is_done(scenario, after, part) -> None:
    times = sorted({_instant(scenario, each["at"]) for each in (*scenario["steps"], *scenario["expect"])})
    times.insert(0, datetime.fromisoformat(scenario["home"]["start"]))
    after = min(after, len(times) - 2)
    at = (times[after] + (times[after + 1] - times[after]) * part).isoformat()
    steps = sorted([*scenario["steps"], {"at": at, "restart": True}], key=lambda step: _instant(scenario, step["at"]))

    restarted = run_scenario({**scenario, "steps": steps})

    assert _seen(restarted) == _seen(run_scenario(scenario))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    ["trigger", "platform", "entity_id", "to", "for", "at", "above", "condition", "conditions", "and", "or", "state"]
)
STEP_KEYS = st.sampled_from(
    ["action", "target", "data", "delay", "if", "then", "choose", "sequence", "repeat", "count", "parallel", "event"]
)
WORDS = st.sampled_from(
    [
        "state",
        "time",
        "sun",
        "numeric_state",
        "time_pattern",
        "light.turn_on",
        "light.x",
        "07:00",
        "{{ 1 }}",
        "{{",
        "on",
    ]
)
ANY_KEY = KEYS | STEP_KEYS
CONFIG = st.dictionaries(
    ANY_KEY, WORDS | JSON | st.lists(st.dictionaries(ANY_KEY, WORDS | JSON, max_size=3), max_size=2)
)


@settings(max_examples=200, deadline=None)
@given(
    triggers=st.lists(CONFIG, max_size=2), conditions=st.lists(CONFIG, max_size=2), actions=st.lists(CONFIG, max_size=3)
)
def test_whatever_a_definition_holds_it_loads_or_is_refused_with_a_path(triggers, conditions, actions) -> None:
    row = {"name": "any", "triggers": triggers, "conditions": conditions, "actions": actions}

    try:
        read_program(Definition("automation", "id", row), Templates())
    except DefinitionError as err:
        assert str(err)  # noqa: PT017 - refusing is one of the two right answers


@given(value=JSON)
def test_durations_are_read_or_refused(value) -> None:
    try:
        assert to_duration(value) >= timedelta()
    except ValueError as err:
        assert str(err)  # noqa: PT017 - refusing is one of the two right answers


@given(
    day=st.dates(date(1990, 1, 1), date(2037, 1, 1)),
    at=st.times(),
    name=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia"]),
)
def test_a_time_of_day_comes_once_a_day_and_in_order(day, at, name) -> None:
    at = at.replace(microsecond=0)
    tz = zone(name)
    instant = instant_of(day, at, tz)
    later = next_daily(at, tz, instant)

    assert later > instant
    assert later - instant <= timedelta(hours=49)  # Samoa once left out a whole day
    assert instant_of(day, at, tz).astimezone(tz).replace(tzinfo=None) >= datetime.combine(day, at)


TOGETHER = [scenario for scenario in RESTARTABLE if scenario["home"]["start"].startswith("2026-01-14T12:00:00+01:00")]
WINDOW_S = 120.0


def _mixed(chosen: list[dict[str, Any]], restarts: list[float], calls: list[tuple[float, str]]) -> dict[str, Any]:
    """Several scenarios in one home, with restarts and a person's calls among them."""
    automations = [
        {**config, "alias": f"x{number}"}
        for number, scenario in enumerate(chosen)
        for config in (scenario.get("automations") or [scenario["automation"]])
    ]
    steps: list[dict[str, Any]] = [{"at": f"+{at}s", "restart": True} for at in restarts]
    steps += [{"at": f"+{at}s", "call": {"action": act, "target": {"entity_id": "automation.x0"}}} for at, act in calls]
    start = datetime.fromisoformat(chosen[0]["home"]["start"])
    for scenario in chosen:
        offsets = [(_instant(scenario, step["at"]) - start).total_seconds() for step in scenario["steps"]]
        steps += [
            {**step, "at": f"+{at}s"} for step, at in zip(scenario["steps"], offsets, strict=True) if at < WINDOW_S
        ]
    steps.append({"at": "+1000s", "advance": True})
    merged: dict[str, Any] = {"automations": automations, "home": chosen[0]["home"], "expect": []}
    for key in ("initial", "scripts", "services"):
        merged[key] = {name: body for scenario in chosen for name, body in scenario.get(key, {}).items()}
    merged["steps"] = sorted(steps, key=lambda step: float(step["at"][1:-1]))
    return merged


@settings(max_examples=40, deadline=None)
@given(
    chosen=st.lists(st.sampled_from(TOGETHER), min_size=1, max_size=5),
    restarts=st.lists(st.floats(0, WINDOW_S), max_size=4),
    calls=st.lists(
        st.tuples(
            st.floats(0, WINDOW_S), st.sampled_from(["automation.toggle", "automation.trigger", "automation.turn_off"])
        ),
        max_size=3,
    ),
)
def test_what_is_saved_is_what_is_running_and_nothing_is_left_behind(chosen, restarts, calls) -> None:
    scenario = _mixed(chosen, restarts, calls)
    stage = Stage(scenario, datetime.fromisoformat(scenario["home"]["start"]))
    stage.play()

    running = stage.hub.automations._running
    saved = {key.removeprefix("run/") for key in stage.saved.get("automation", {}) if key.startswith("run/")}
    assert saved == set(running._runs)
    assert not running.interpreter.changed
    if not saved:
        assert not running.interpreter.waiting_by_call
        assert not running.interpreter.result_by_call
