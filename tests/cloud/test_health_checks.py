"""What a hub found when it looked at a rule, in the central table."""

from datetime import UTC, datetime
from uuid import uuid4

import orjson

from hub_agent.core.automation.checking.finding import Aspect, Finding, Fix, Severity
from hub_agent.core.automation.checking.verdict import Verdict, row_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GONE = Finding(
    "entity_missing",
    Severity.WARNING,
    Aspect.ACTIONS,
    "It names light.porch, which this home does not have.",
    "actions/0/target/entity_id",
    "light.porch",
    fix=Fix("Replace light.porch by light.veranda.", "light.porch", "light.veranda"),
)


def row(automation_id, *findings, repaired=None):
    verdict = Verdict(automation_id, "automation.hall", "Hall", NOON, findings)
    return orjson.loads(orjson.dumps(row_of(verdict, str(uuid4()), repaired=repaired)))


def stored(db, automation_id, *columns):
    found = db.execute(
        f"SELECT {', '.join(columns)} FROM automation_health_checks WHERE automation_id = %s ORDER BY health_score",
        (automation_id,),
    )
    return found.fetchall()


def test_a_look_at_a_rule_is_stored_in_the_home_of_its_hub(hub, db) -> None:
    automation_id = hub.add_automation()
    rows = [row(automation_id), row(automation_id, GONE)]
    answer = hub.ingest(streams={"automation_health_checks": {"first": 1, "rows": rows}})

    assert answer["refused"] == []
    assert answer["marks"] == {"automation_health_checks": 2}
    columns = (
        "home_id::text",
        "health_status",
        "health_score",
        "actions_valid",
        "devices_accessible",
        "can_auto_repair",
    )
    assert stored(db, automation_id, *columns) == [
        (hub.home_id, "degraded", 85, False, False, True),
        (hub.home_id, "healthy", 100, True, True, False),
    ]
    (issues, fixes), _ = stored(db, automation_id, "issues_found", "recommended_fixes")
    assert (issues[0]["code"], issues[0]["entity_id"]) == ("entity_missing", "light.porch")
    assert (fixes[0]["replace"], fixes[0]["by"]) == ("light.porch", "light.veranda")


def test_whether_a_repair_helped_is_stored(hub, db) -> None:
    automation_id = hub.add_automation()
    hub.ingest(streams={"automation_health_checks": {"first": 1, "rows": [row(automation_id, repaired=True)]}})

    assert stored(db, automation_id, "auto_repair_attempted", "auto_repair_success") == [(True, True)]


def test_a_look_at_another_homes_rule_is_refused(hub, db) -> None:
    stranger = "00000000-0000-0000-0000-000000000002"
    answer = hub.ingest(streams={"automation_health_checks": {"first": 1, "rows": [row(stranger)]}})

    assert len(answer["refused"]) == 1
    assert stored(db, stranger, "id") == []


def test_the_present_shows_it_beside_the_rule(hub, db) -> None:
    automation_id = hub.add_automation()
    told = {"health_status": "broken", "last_health_check_at": NOON.isoformat()}
    hub.ingest(present={"automations": {automation_id: told}})

    found = db.execute("SELECT health_status, last_health_check_at FROM automations WHERE id = %s", (automation_id,))
    assert found.fetchone() == ("broken", NOON)
