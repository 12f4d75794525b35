"""The simulator itself; what it simulates is in tests/scenarios."""

import orjson
import pytest

from hub_agent.core.scenario import LARGE, TELL_EVERY, NotAScenario, read_document, run_scenario, scenarios_in

HOME = {
    "time_zone": "Europe/Berlin",
    "latitude": 52.5,
    "longitude": 13.4,
    "elevation": 34,
    "start": "2026-01-14T12:00:00+01:00",
}
COUNTS = {
    "alias": "count",
    "mode": "parallel",
    "triggers": [{"trigger": "state", "entity_id": "sensor.a"}],
    "actions": [{"action": "notify.n", "data": {"state": "{{ trigger.to_state.state }}"}}],
}


def scenario(steps: list[dict], expect: list[dict]) -> dict:
    return {
        "name": "long",
        "home": HOME,
        "automations": [COUNTS],
        "initial": {"sensor.a": {"state": "first", "attributes": {}}},
        "steps": steps,
        "expect": expect,
    }


def changes(count: int) -> list[dict]:
    return [{"at": f"+{number}s", "set": {"entity": "sensor.a", "state": str(number)}} for number in range(count)]


def seen(number: int, *, state: int | None = None) -> dict:
    told = number if state is None else state
    return {"at": f"+{number}s", "action": "notify.n", "data": {"state": str(told)}}


def test_of_many_expectations_each_is_looked_for_at_its_own_time() -> None:
    count = 3000
    verdict = run_scenario(scenario(changes(count), [seen(number) for number in range(count)]))

    assert verdict.passed, verdict.as_json()


def test_what_comes_at_another_time_than_expected_is_both_missing_and_unexpected() -> None:
    expect = [seen(0), seen(1), seen(30, state=2)]
    verdict = run_scenario(scenario(changes(3), expect))

    assert [each["at"] for each in verdict.missing] == ["+30s"]
    assert [each["at"] for each in verdict.unexpected] == ["+2s"]


def test_who_waits_for_a_long_scenario_hears_how_far_it_is() -> None:
    heard = []
    steps = [{"at": f"+{number}s", "advance": True} for number in range(TELL_EVERY * 2 + 1)]

    run_scenario(scenario(steps, []), tell=lambda number, now: heard.append((number, now.isoformat())))

    assert heard == [
        (0, "2026-01-14T11:00:00+00:00"),
        (10_000, "2026-01-14T13:46:40+00:00"),
        (20_000, "2026-01-14T16:33:20+00:00"),
    ]


def test_a_world_has_what_the_scenario_names_and_nothing_of_its_own() -> None:
    counting = {**COUNTS, "actions": [{"action": "notify.n", "data": {"state": "{{ states | count }}"}}]}
    one_more = {**counting, "variables": {"sun": "{{ states('sun.sun') }}"}}
    steps = [{"at": "+1s", "set": {"entity": "sensor.a", "state": "second"}}]

    def run(rule: dict, count: int) -> bool:
        return run_scenario({**scenario(steps, [seen(1, state=count)]), "automations": [rule]}).passed

    assert run(counting, 2), "the sensor and the rule"
    assert run(one_more, 3), "and the sun"


def test_a_large_file_is_judged_as_a_small_one() -> None:
    filling = {"note": "x" * 2_000}
    steps = [{**step, **filling} for step in changes(9_000)]
    content = orjson.dumps(scenario(steps, [seen(number) for number in range(9_000)]))
    assert len(content) > LARGE

    [(found, _)] = scenarios_in(read_document(content))

    assert not isinstance(found["steps"], list)
    assert run_scenario(found).passed


def test_a_step_without_a_time_is_refused_in_a_large_file_too() -> None:
    steps = [{**step, "note": "x" * 2_000} for step in changes(9_000)]
    steps[8_000]["at"] = "soon"

    with pytest.raises(NotAScenario, match="long: step 8001: 'soon' is not a time"):
        scenarios_in(read_document(orjson.dumps(scenario(steps, []))))


def in_one_instant(count: int, expect: list[dict]) -> dict:
    rule = {
        "alias": "loop",
        "triggers": [{"trigger": "event", "event_type": "e"}],
        "actions": [
            {"repeat": {"count": count, "sequence": [{"action": "notify.n", "data": {"n": "{{ repeat.index }}"}}]}}
        ],
    }
    steps = [{"at": "+1s", "event": {"type": "e"}}, {"at": "+3s", "advance": True}]
    return {**scenario(steps, expect), "automations": [rule]}


def test_thousands_of_the_same_in_one_instant_are_paired() -> None:
    same = {"at": "+1s", "action": "notify.n"}

    assert run_scenario(in_one_instant(3000, [same] * 3000)).passed
    assert len(run_scenario(in_one_instant(3000, [same] * 3001)).missing) == 1


def test_an_expectation_that_says_little_leaves_what_others_need() -> None:
    any_of_them = {"at": "+1s", "action": "notify.n"}
    first, second = ({**any_of_them, "data": {"n": number}} for number in (1, 2))

    assert run_scenario(in_one_instant(3, [any_of_them, second, first])).passed
    assert run_scenario(in_one_instant(3, [first, any_of_them, first])).missing == [first]


def test_pairs_are_changed_where_that_makes_room() -> None:
    """Each takes what fits first; the last finds a place only if the others move on."""
    rule = {
        "alias": "both",
        "triggers": [{"trigger": "event", "event_type": "e"}],
        "actions": [{"action": "notify.n", "data": {"a": a, "b": b}} for a, b in ((1, 1), (1, 2), (2, 2))],
    }
    steps = [{"at": "+1s", "event": {"type": "e"}}, {"at": "+3s", "advance": True}]
    expect = [{"at": "+1s", "action": "notify.n", "data": data} for data in ({"a": 1}, {"b": 2}, {"b": 1})]

    assert run_scenario({**scenario(steps, expect), "automations": [rule]}).passed
