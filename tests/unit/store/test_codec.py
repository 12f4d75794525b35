"""What is read from the mirror is held with as little memory as may be, and never stops the start."""

import json

import pytest

from hub_agent.model.definition import Definition
from hub_agent.store.codec import decode


def _definition(number: int, deepness: int = 0) -> bytes:
    actions = "[" * deepness + "]" * deepness or '[{"action": "light.turn_on"}]'
    return f'{{"kind": "automation", "id": "{number}", "fields": {{"actions": {actions}}}}}'.encode()


def test_equal_texts_are_held_once() -> None:
    one, other = (decode(Definition, _definition(number)) for number in (1, 2))
    assert one.fields == other.fields == {"actions": [{"action": "light.turn_on"}]}
    assert one.kind is other.kind
    assert one.fields["actions"][0]["action"] is other.fields["actions"][0]["action"]


def test_long_texts_are_left_alone() -> None:
    text = "a template as long as it likes " * 10
    body = json.dumps({"kind": "automation", "id": "1", "fields": {"text": text}}).encode()
    assert decode(Definition, body).fields == {"text": text}


@pytest.mark.parametrize("deepness", [1_000, 100_000])
def test_bottomless_json_is_damage(deepness: int) -> None:
    with pytest.raises(ValueError):
        decode(Definition, _definition(1, deepness))
