"""Alerts in the whole hub: rules come down, one matter is one alert, people answer from afar, a crash changes nothing."""

from typing import Any

from hub_agent.core.hub import Hub
from hub_agent.model.action import CallAnswered
from hub_agent.model.automation import Place
from hub_agent.model.definition import Definition
from hub_agent.model.effects import AppendCase, CallOutside, Effect
from hub_agent.model.inputs import BrokerConnected, CloudCommand, DefinitionArrived
from hub_agent.model.report import AvailabilityReported
from tests.unit.core.test_hub import BRIDGE, HOME, Living, lamp

LAMPS = [lamp(f"Lamp {number}") for number in range(60)]
AWAY = {
    "rule_name": "Away",
    "rule_type": "device_state",
    "conditions": [{"when": "offline", "for_minutes": 30}],
    "severity": "warning",
    "notification_channels": ["push"],
}


class Told(Living):
    """With a channel that takes everything. `rows`: the alerts as they were last told, `heard`: what came over the channel."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.heard: list[str] = []
        self.version = 0
        super().__init__()
        self.tell(BrokerConnected(), BRIDGE, *LAMPS, AvailabilityReported(BRIDGE.origin, is_available=True))
        for each in LAMPS:
            self.report(each.name, "on")
        self.wait(600)

    def _new(self) -> Hub:
        return Hub(home_id=HOME, place=Place("UTC", 52.5, 13.4), new_id=self._new_id, channels={"phone": "ntfy"})

    def keep(self, effects: list[Effect]) -> list[Effect]:
        super().keep(effects)
        for each in effects:
            if isinstance(each, AppendCase) and each.table == "alerts":
                self.rows[each.id] = {**each.row, "revision": each.revision}
            elif isinstance(each, CallOutside) and each.call.action == "notify.phone":
                self.heard.append(str(each.call.data["title"]))
                self.keep(self.hub.handle(CallAnswered(each.call.id), self.now))
        return effects

    def rule(self, **fields: Any) -> None:
        row = {**AWAY, **fields}
        self.version += 1
        rule = Definition("alert_rule", "r1", row, version=self.version, base=row)
        self.tell(DefinitionArrived(rule, is_from_cloud=True))

    def everything(self, *, is_there: bool) -> None:
        for each in (BRIDGE, *LAMPS):
            self.tell(AvailabilityReported(each.origin, is_available=is_there))
        if is_there:
            for each in LAMPS:
                self.report(each.name, "on")


def test_a_bridge_with_sixty_devices_dies_one_alert_one_resolved_also_over_a_crash() -> None:
    home = Told()
    home.rule()
    home.everything(is_there=False)
    home.wait(2 * 3600)
    home.crash()
    home.tell(BrokerConnected())
    home.wait(3600)
    names = {home.devices[row["source_device_id"]].name for row in home.rows.values()}
    assert (len(home.rows), names) == (1, {"Bridge"})

    home.everything(is_there=True)
    home.wait(2 * 3600)
    assert [row["status"] for row in home.rows.values()] == ["resolved"]
    assert [title.startswith("Resolved") for title in home.heard] == [False, True]


def test_the_cloud_acknowledges_and_hears_it_as_a_revision() -> None:
    home = Told()
    home.rule(conditions=[{"when": "offline", "for_minutes": 2}])
    home.tell(AvailabilityReported(LAMPS[0].origin, is_available=False))
    home.wait(300)
    [(alert_id, row)] = home.rows.items()
    home.tell(CloudCommand("c1", "case.acknowledge", {"id": alert_id}))
    assert [each.status for each in home.done] == ["done"]
    assert (home.rows[alert_id]["status"], home.rows[alert_id]["revision"]) == ("acknowledged", row["revision"] + 1)
    home.tell(CloudCommand("c2", "case.resolve", {"id": alert_id}))
    assert home.rows[alert_id]["status"] == "resolved"
    home.tell(CloudCommand("c3", "case.resolve", {"id": alert_id}))
    assert home.done[-1].status == "failed"


def test_a_rule_that_changes_in_the_cloud_is_in_force_at_once() -> None:
    home = Told()
    home.rule(conditions=[{"when": "offline", "for_minutes": 600}])
    home.tell(AvailabilityReported(LAMPS[0].origin, is_available=False))
    home.wait(3600)
    before = len(home.rows)
    home.rule(conditions=[{"when": "offline", "for_minutes": 2}], severity="critical")
    home.wait(180)
    assert [row["severity"] for row in home.rows.values() if row["status"] == "active"] == ["critical"]
    assert len(home.rows) == max(1, before)
