"""What rules may ask of the web and of the machine: rendered, asked once, and told when it was cut off."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from hub_agent.core.hub import Hub
from hub_agent.model.action import Call, CallAnswered
from hub_agent.model.automation import Place
from hub_agent.model.definition import Definition
from hub_agent.model.effects import Answer, CallOutside, Effect, Publish, SaveTrace
from hub_agent.model.ids import CallId, EntityId
from hub_agent.model.inputs import CallRequested, DefinitionArrived, EventFired, StateSet
from hub_agent.model.json import JsonObject
from tests.unit.core.test_hub import HOME, MANUAL, Living

ALLOWED: Mapping[str, JsonObject] = {
    "rest_command.level": {
        "url": "http://lights/{{ room | urlencode }}",
        "headers": {"x-sun": "{{ states('sun.sun') }}"},
        "payload": "{{ {'level': level} | to_json }}",
    },
    "shell_command.blink": {"command": ["/bin/blink", "--times={{ times }}", "{{ words }}"]},
}
RULE_ID = "00000000-0000-4000-8000-00000000a001"


class Allowing(Living):
    """A hub whose settings allow something."""

    def _new(self) -> Hub:
        place = Place("Europe/Berlin", 52.5, 13.4)
        return Hub(home_id=HOME, place=place, new_id=self._new_id, outside=ALLOWED)

    def call(self, action: str, data: JsonObject, target: tuple[str, ...] = ()) -> list[Effect]:
        entities = tuple(EntityId(each) for each in target)
        return self.tell(CallRequested(Call(CallId("asked"), action, entities, data, MANUAL)))

    def rule(self, *actions: Any) -> None:
        trigger = {"trigger": "event", "event_type": "go"}
        fields = {"name": "Rule", "is_enabled": True, "triggers": [trigger], "conditions": [], "actions": [*actions]}
        self.tell(DefinitionArrived(Definition("automation", RULE_ID, fields), is_from_cloud=True))


def outside(effects: list[Effect]) -> list[Call]:
    return [each.call for each in effects if isinstance(each, CallOutside)]


def refusal(effects: list[Effect]) -> str:
    [answer] = [each.answer for each in effects if isinstance(each, Answer)]
    assert isinstance(answer, CallAnswered)
    return answer.error or ""


def traces(effects: list[Effect]) -> list[Any]:
    return [each.body for each in effects if isinstance(each, SaveTrace)]


def test_what_is_asked_is_rendered_with_the_data_of_the_call_and_the_home() -> None:
    home = Allowing()
    home.tell(StateSet(EntityId("sun.sun"), "above_horizon", {}))
    [call] = outside(home.call("rest_command.level", {"room": "living room", "level": 40, "self": "me"}))

    assert call.data == {
        "url": "http://lights/living%20room",
        "headers": {"x-sun": "above_horizon"},
        "payload": '{"level":40}',
    }


def test_an_argument_stays_one_argument_whatever_is_in_it() -> None:
    words = "two words; $(reboot) 'x' \"y\" | tee"
    [call] = outside(Allowing().call("shell_command.blink", {"times": 3, "words": words}))

    assert call.data == {"command": ["/bin/blink", "--times=3", words]}


@pytest.mark.parametrize("action", ["rest_command.other", "shell_command.reboot"])
def test_what_the_settings_do_not_allow_does_not_exist(action: str) -> None:
    effects = Allowing().call(action, {})

    assert outside(effects) == []
    assert f"there is no action {action}" in refusal(effects)


def test_a_template_that_fails_is_told_and_nothing_is_asked() -> None:
    effects = Allowing().call("shell_command.blink", {"times": 3, "words": 1})
    assert len(outside(effects)) == 1

    broken: dict[str, JsonObject] = {"shell_command.x": {"command": ["/bin/x", "{{ 1 / 0 }}", "{% for %}"]}}
    home = Living()
    home.hub = Hub(home_id=HOME, place=Place("UTC", 0, 0), new_id=home._new_id, outside=broken)
    effects = home.tell(CallRequested(Call(CallId("asked"), "shell_command.x", (), {}, MANUAL)))
    assert outside(effects) == []
    assert "division by zero" in refusal(effects)


def test_a_rule_waits_for_the_answer_and_uses_it() -> None:
    home = Allowing()
    ask = {"action": "shell_command.blink", "data": {"times": 1, "words": ""}, "response_variable": "said"}
    home.rule(ask, {"action": "mqtt.publish", "data": {"topic": "code", "payload": "{{ said.returncode }}"}})
    [call] = outside(home.tell(EventFired("go", {})))
    assert call.wants_response
    effects = home.tell(CallAnswered(call.id, response={"stdout": "", "stderr": "", "returncode": 7}))

    [trace] = traces(effects)
    assert trace["status"] == "success"
    assert [each.publication.payload for each in effects if isinstance(each, Publish)] == [b"7"]


@pytest.mark.parametrize("goes_on", [False, True])
def test_a_failure_ends_the_run_unless_the_step_may_fail(goes_on: bool) -> None:
    home = Allowing()
    ask = {"action": "rest_command.level", "data": {"room": "a", "level": 1}, "continue_on_error": goes_on}
    home.rule(ask, {"action": "mqtt.publish", "data": {"topic": "done"}})
    [call] = outside(home.tell(EventFired("go", {})))
    [trace] = traces(home.tell(CallAnswered(call.id, error="no answer within 10 s")))

    assert trace["status"] == ("partial" if goes_on else "failed")
    assert "no answer within 10 s" in str(trace)


@pytest.mark.parametrize("goes_on", [False, True])
def test_what_a_restart_cut_off_is_not_asked_again_and_the_run_is_told(goes_on: bool) -> None:
    home = Allowing()
    ask = {"action": "rest_command.level", "data": {"room": "a", "level": 1}, "continue_on_error": goes_on}
    home.rule(ask, {"action": "mqtt.publish", "data": {"topic": "done"}})
    [call] = outside(home.tell(EventFired("go", {})))
    effects = home.crash(timedelta(seconds=20))

    assert outside(effects) == []
    [trace] = traces(effects)
    assert trace["status"] == ("partial" if goes_on else "failed")
    assert "the hub was restarted" in str(trace)
    # An answer that comes late, of the life before, does nothing.
    assert traces(home.tell(CallAnswered(call.id))) == []
