"""A broken name with one sure replacement is put right by healing, after a person was asked."""

from typing import Any

import pytest

from hub_agent.model.inputs import BrokerConnected, RemedyAnswered

ACTION = {"action": "light.turn_on", "target": {"entity_id": "light.kitchen_ceiling"}}


@pytest.mark.parametrize("is_approved", [True, False])
def test_a_renamed_entity_is_put_right_after_a_yes_and_only_then(home: Any, is_approved: bool) -> None:
    home.tell(BrokerConnected())
    home.set("light.ceiling_kitchen", "off")
    home.load(actions=[ACTION])
    home.wait(minutes=10)
    healing, hub_id = home.hub.monitoring.healing, home.hub.monitoring.diagnosis._facts.hub().id
    attempt = healing.watch(hub_id).trouble.attempt
    assert (attempt.remedy.name, attempt.question is not None) == ("repair_automation", True)

    home.tell(RemedyAnswered(attempt.id, is_approved=is_approved, request_id="request"))
    home.wait(minutes=5)
    (definition,) = home.hub.definitions.of_kind("automation")
    target = definition.fields["actions"][0]["target"]["entity_id"]
    assert target == ("light.ceiling_kitchen" if is_approved else "light.kitchen_ceiling")
    assert healing.troubled() == ([] if is_approved else [hub_id])
