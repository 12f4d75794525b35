"""The plans of the catalogue: one a tier, with more of everything the more they cost."""

import uuid
from itertools import pairwise

import pytest

from cloud_schema.statements import SQL
from tests.cloud.billing.conftest import day

LIMITS = ("device_limit", "home_limit", "user_limit", "automation_limit", "scene_limit", "data_retention_days")


@pytest.fixture
def plans(desk):
    desk.db.execute((SQL / "seed_plans.sql").read_text(encoding="utf-8"))
    return desk.rows("SELECT * FROM subscription_plans WHERE plan_code = tier::text ORDER BY tier")


def test_there_is_a_plan_a_tier_whose_id_is_known_without_asking(plans, db):
    tiers = db.execute("SELECT enum_range(NULL::subscription_tier)::text[]").fetchone()[0]
    names = uuid.uuid5(uuid.NAMESPACE_URL, "https://nexa.example/subscription_plans")
    assert [(plan["plan_code"], plan["id"]) for plan in plans] == [(tier, uuid.uuid5(names, tier)) for tier in tiers]


def test_a_higher_tier_costs_more_and_allows_no_less(plans):
    for lower, higher in pairwise(plans):
        assert higher["monthly_price"] > lower["monthly_price"]
        assert higher["annual_price"] <= 10 * higher["monthly_price"]
        for limit in LIMITS:
            assert higher[limit] is None or higher[limit] >= lower[limit]
        assert all(
            higher[feature]
            for feature, had in lower.items()
            if had is True and feature not in {"is_public", "is_popular"}
        )


def test_what_an_operator_changed_is_kept(plans, desk):
    with desk.db.transaction(force_rollback=True):
        desk.db.execute("UPDATE subscription_plans SET monthly_price = 1 WHERE plan_code = 'essential'")
        desk.db.execute((SQL / "seed_plans.sql").read_text(encoding="utf-8"))
        assert desk.rows("SELECT monthly_price FROM subscription_plans WHERE plan_code = 'essential'") == [
            {"monthly_price": 1}
        ]


def test_who_has_no_subscription_has_the_free_plan(plans, desk, new_home):
    home, owner = new_home()
    found = desk.call("plan_limits", role="authenticated", person=owner, for_home=home)
    assert (found["plan_code"], found["limits"]["device"]) == ("free", {"limit": 50, "used": 0, "left": 50})
    assert found["features"]["self_healing"] is False


def test_an_ended_subscription_falls_back_to_the_free_plan(plans, desk):
    person = desk.new_person()
    essential = next(str(plan["id"]) for plan in plans if plan["plan_code"] == "essential")
    subscription = desk.subscribe(person, essential)["subscription_id"]
    assert desk.call("plan_limits", for_user=person)["tier"] == "essential"
    desk.call("billing_cancel", of_subscription=subscription, at_period_end=False, as_of=day(1, 2))
    assert desk.call("plan_limits", for_user=person)["tier"] == "free"
