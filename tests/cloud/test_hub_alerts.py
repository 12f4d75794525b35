"""An alert's whole way: a rule of the cloud, judged by a hub's core, back into the database, and to the people of the home."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from hub_agent.model.definition import Definition
from hub_agent.model.effects import AppendCase
from hub_agent.model.inputs import BrokerConnected, CloudCommand, DefinitionArrived
from hub_agent.model.report import AvailabilityReported
from tests.cloud.household import Household
from tests.unit.core.test_hub import Living, lamp


@pytest.fixture
def home(hub, db):
    return Household(db, hub.home_id, hub.owner_id)


class Agent(Living):
    """A hub's core whose alerts are sent to the cloud as they come."""

    def __init__(self, hub: Any) -> None:
        self.cloud = hub
        self.is_joined = False
        super().__init__()
        self.now = datetime.now(UTC) - timedelta(hours=3)  # what is old would be told in the app only
        self.crash(timedelta(0))

    def join(self) -> str:
        """Its lamp is known in the cloud from now on."""
        self.tell(BrokerConnected(), lamp(via=None))
        self.report("Lamp", "on")
        [device] = [each for each in self.devices.values() if each.name == "Lamp"]
        assert self.cloud.define("device", device.id, device_name="Lamp", device_type="light")["status"] == "synced"
        self.is_joined = True
        self.wait(600)
        return device.id

    def hear(self) -> None:
        for change in self.cloud.changes()["changes"]:
            if change["entity_type"] == "alert_rule":
                row = change["fields"]
                definition = Definition("alert_rule", change["id"], row, version=change["version"], base=row)
                self.tell(DefinitionArrived(definition, is_from_cloud=True))

    def keep(self, effects: list[Any]) -> list[Any]:
        super().keep(effects)
        cases = [each for each in effects if isinstance(each, AppendCase) and each.table == "alerts" and self.is_joined]
        for each in cases:
            case = {
                "table": "alerts",
                "id": each.id,
                "time": each.row["time"],
                "revision": each.revision,
                "row": each.row,
            }
            assert self.cloud.ingest(cases=[orjson.loads(orjson.dumps(case))])["refused"] == []
        return effects


def test_a_rule_of_the_cloud_becomes_one_alert_one_message_and_one_end(home, hub):
    rule_id = home.add_rule(
        rule_name="Away", rule_type="device_state", conditions=[{"when": "offline", "for_minutes": 2}],
        notification_channels=["email"], severity="error",
    )  # fmt: skip
    agent = Agent(hub)
    device_id = agent.join()
    agent.hear()
    away = AvailabilityReported(lamp().origin, is_available=False)
    agent.tell(away)
    agent.wait(3600)
    [row] = home.alerts()
    assert (str(row["alert_rule_id"]), str(row["source_device_id"]), row["status"]) == (rule_id, device_id, "active")
    assert home.channels(alert_id=str(row["id"])) == {"in_app", "email"}
    told = len(home.told())

    command_id = str(uuid.uuid4())
    agent.tell(CloudCommand(command_id, "case.acknowledge", {"id": str(row["id"]), "by": hub.owner_id}))
    [row] = home.alerts()
    assert (row["status"], str(row["acknowledged_by"])) == ("acknowledged", hub.owner_id)
    agent.tell(AvailabilityReported(lamp().origin, is_available=True))
    agent.report("Lamp", "on")
    agent.wait(3600)
    assert [each["status"] for each in home.alerts()] == ["resolved"]
    assert len(home.told()) == told
