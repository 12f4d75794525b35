"""Whatever stands in the place of whatever: a verdict comes of it, never a crash."""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings, strategies as st

from hub_agent.importing.judging import judge_path

KEYS = [
    "action",
    "actions",
    "alias",
    "choose",
    "condition",
    "conditions",
    "data",
    "default",
    "device_id",
    "domain",
    "else",
    "entities",
    "entity_id",
    "event",
    "event_type",
    "for",
    "id",
    "if",
    "name",
    "parallel",
    "platform",
    "repeat",
    "scene",
    "sequence",
    "service",
    "state",
    "target",
    "then",
    "to",
    "trigger",
    "triggers",
    "type",
    "use_blueprint",
    "path",
    "input",
    "variables",
    "wait_for_trigger",
    "wait_template",
]
WORDS = [
    "",
    "x",
    "on",
    "state",
    "device",
    "event",
    "sun.sun",
    "light.turn_on",
    "script.s",
    "vendor.fly",
    "tts.speak",
    "{{ x",
    "{{ f() }}",
    "{{ 1 }}.a",
]
values: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.fixed_dictionaries({"triggers": values, "actions": values, "id": values}), max_size=3),
    st.dictionaries(st.sampled_from(["s", "x"]), st.fixed_dictionaries({"sequence": values}), max_size=2),
    st.lists(st.fixed_dictionaries({"name": values, "entities": values}), max_size=2),
)
def test_any_value_anywhere_gets_a_verdict(automations: Any, scripts: Any, scenes: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = {"automation": automations, "script": scripts, "scene": scenes}
        (folder / "configuration.yaml").write_text(json.dumps(parts), encoding="utf-8")  # JSON is YAML
        report = judge_path(folder)

    for each in report.all:
        assert each.verdict in {"runs", "differs", "cannot"}
        assert (each.verdict == "cannot") is (each.fields is None)
    json.dumps(report.as_json())
