"""Whatever a trigger or a condition holds, it loads or is refused in words; and what loads never makes the engine raise."""

from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings, strategies as st

from hub_agent.core.automation.conditions.registry import CONDITIONS
from hub_agent.core.automation.triggers.registry import TRIGGERS
from hub_agent.core.scenario import run_scenario

TEXTS = """
    on * sensor.a sensor.a,sensor.b zone.home input_number.n 12:00 25:61 sunset go {{1}} {{1/0}} {{states('sensor.a')}} {{now()}}
    {{trigger.entity_id}} {{ /5 */5 a/# a/#/b mon any 1e400 -1 00:00:05 99999999:00 enter GET true trigger 5
"""
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-100, 100_000),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from(["", " ", "\ud800", *TEXTS.split()]),
)
INNER_KEYS = st.sampled_from(["seconds", "minutes", "hours", "user_id", "entity_id", "offset", "conditions", "x"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(INNER_KEYS, inner, max_size=2),
    max_leaves=4,
)
# What a kind takes besides what it cannot do without, so that most of it is read to the end.
KEYS = {
    "state": "entity_id to from not_to not_from attribute for id alias enabled variables match state",
    "numeric_state": "entity_id above below attribute for value_template id enabled",
    "event": "event_type event_data context id",
    "mqtt": "topic payload value_template qos encoding",
    "webhook": "webhook_id allowed_methods local_only",
    "time": "at weekday before after",
    "time_pattern": "hours minutes seconds",
    "sun": "event offset before after before_offset after_offset",
    "homeassistant": "event enabled",
    "template": "value_template for variables enabled",
    "zone": "entity_id zone event",
    "trigger": "id alias enabled",
    **dict.fromkeys(("and", "or", "not"), "conditions enabled alias"),
}
NEEDED: dict[str, dict[str, Any]] = {
    "state": {"entity_id": "sensor.a"},
    "numeric_state": {"entity_id": "sensor.a", "above": 3},
    "event": {"event_type": "go"},
    "mqtt": {"topic": "a/b"},
    "webhook": {"webhook_id": "door"},
    "time": {"at": "12:00:01"},
    "time_pattern": {"seconds": "/1"},
    "sun": {"event": "sunset"},
    "homeassistant": {"event": "start"},
    "template": {"value_template": "{{ is_state('sensor.a', '5') }}"},
    "zone": {"entity_id": "sensor.a", "zone": "zone.home"},
}
NEEDED_OF_CONDITIONS: dict[str, dict[str, Any]] = {
    "state": {"entity_id": "sensor.a", "state": "5"},
    "numeric_state": {"entity_id": "sensor.a", "above": 3},
    "template": {"value_template": "{{ true }}"},
    "sun": {"after": "sunrise"},
    "time": {"after": "11:00"},
    "trigger": {"id": "0"},
    "zone": {"entity_id": "sensor.a", "zone": "zone.home"},
    **{kind: {"conditions": []} for kind in ("and", "or", "not")},
}
STATES = st.sampled_from(["on", "5", "1", "unavailable", "unknown", "warm", "12:00:02", "2026-01-14T11:00:02+00:00"])


def wild(kinds: Iterable[str]) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    def more(kind: str) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
        keys = st.sampled_from(KEYS.get(kind, "x").split())
        return st.tuples(st.just(kind), st.dictionaries(keys, VALUES, max_size=2))

    return st.sampled_from(sorted(kinds)).flatmap(more)


def scenario(trigger: dict[str, Any], condition: dict[str, Any], states: list[str]) -> dict[str, Any]:
    """One automation of which nobody knows what it does, beside a good one."""
    actions = [{"action": "notify.x"}]
    one = {"triggers": [trigger], "conditions": [condition], "actions": actions, "mode": "queued"}
    good = {"triggers": [{"trigger": "event", "event_type": "go"}], "actions": [{"action": "notify.good"}]}
    steps: list[dict[str, Any]] = [
        {
            "at": f"+{index + 1}s",
            "set": {"entity": "sensor.a", "state": state, "attributes": {"latitude": 52.5, "x": index}},
        }
        for index, state in enumerate(states)
    ]
    steps += [
        {"at": "+8s", "event": {"type": "go", "data": {"x": {"y": 1}}}},
        {"at": "+8s", "mqtt": {"topic": "a/b", "payload": '{"x": 1}'}},
        {"at": "+8s", "webhook": {"id": "door", "method": "POST", "json": {"x": 1}}},
        {"at": "+9s", "remove": {"entity": "sensor.a"}},
        {"at": "+10s", "restart": True},
        {"at": "+30s", "advance": True},
    ]
    return {
        "name": "any",
        "automations": [one, good],
        "home": {
            "time_zone": "Europe/Berlin",
            "latitude": 52.5,
            "longitude": 13.4,
            "start": "2026-01-14T12:00:00+01:00",
        },
        "initial": {"sensor.a": {"state": "1", "attributes": {}}},
        "steps": steps,
        "expect": [],
    }


@settings(max_examples=120, deadline=None)
@given(trigger=wild(TRIGGERS), condition=wild(CONDITIONS), states=st.lists(STATES, max_size=5))
def test_no_trigger_and_no_condition_makes_the_engine_raise_or_stops_another(trigger, condition, states) -> None:
    kind, more = trigger
    test, and_more = condition
    verdict = run_scenario(
        scenario(
            {"trigger": kind, **NEEDED.get(kind, {}), **more},
            {"condition": test, **NEEDED_OF_CONDITIONS.get(test, {}), **and_more},
            states,
        )
    )

    assert [each["at"] for each in verdict.observed if each["action"] == "notify.good"] == ["+8s"]
