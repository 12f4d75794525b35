"""Partners' keys are stored hashed and count as long as they shall; what was earned together is shared to the cent."""

import uuid
from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest

from tests.cloud.billing.conftest import NEW_YEAR, calls, day


@pytest.fixture
def partner(desk):
    return desk.new_partner(
        api_access_enabled=True,
        api_rate_limit=100,
        revenue_share_percent=Decimal(30),
        referral_commission_percent=Decimal("12.5"),
    )


def test_a_key_is_answered_once_and_stored_hashed(desk, partner):
    issued = desk.call("oem_issue_key", for_partner=partner, key_name="web", key_scopes=["devices"])
    (stored,) = desk.rows("SELECT * FROM oem_api_keys WHERE partner_id = %s", partner)
    assert issued["key"].startswith(stored["key_prefix"] + "_")
    assert len(issued["key"]) == 77
    assert issued["key"] not in str(stored)
    found = desk.call("oem_verify_key", given=issued["key"], needs_scope="devices")
    assert (found["valid"], found["partner_id"], found["scopes"], found["calls_left"]) == (
        True,
        partner,
        ["devices"],
        100,
    )


def test_a_plain_key_cannot_be_stored(desk, partner):
    with pytest.raises(psycopg.errors.CheckViolation):
        desk.insert("oem_api_keys", partner_id=partner, key_name="web", key_prefix="nxk", api_key_hash="nxk_secret")


def test_a_key_counts_only_as_long_and_as_far_as_it_shall(desk, partner):
    issue = {"for_partner": partner, "key_name": "web"}
    revoked, expired, fine = (desk.call("oem_issue_key", **issue) for _ in range(3))
    desk.call("oem_revoke_key", key_id=revoked["key_id"])
    desk.db.execute("UPDATE oem_api_keys SET expires_at = %s WHERE id = %s", (NEW_YEAR, expired["key_id"]))

    def verify(key, **named):
        answer = desk.call("oem_verify_key", given=key, as_of=NEW_YEAR, **named)
        return answer.get("reason", "valid")

    assert verify(revoked["key"]) == "revoked"
    assert verify(expired["key"]) == "expired"
    assert verify(fine["key"]) == "valid"
    assert verify(fine["key"], needs_scope="billing") == "scope_missing"
    assert verify(fine["key"] + "0") == verify("") == verify("x" * 100_000) == verify(None) == "unknown"
    desk.db.execute("UPDATE oem_partners SET status = 'suspended' WHERE id = %s", (partner,))
    assert verify(fine["key"]) == "partner_suspended"
    with pytest.raises(psycopg.Error, match="no such partner"):
        desk.call("oem_issue_key", **issue)


def test_a_rotated_key_goes_on_for_a_while_beside_the_new_one(desk, partner):
    old = desk.call("oem_issue_key", for_partner=partner, key_name="web", key_scopes=["devices"])
    new = desk.call("oem_rotate_key", key_id=old["key_id"], as_of=NEW_YEAR)

    def is_valid(key, moment):
        return desk.call("oem_verify_key", given=key["key"], needs_scope="devices", as_of=moment)["valid"]

    assert is_valid(old, NEW_YEAR + timedelta(hours=23))
    assert not is_valid(old, NEW_YEAR + timedelta(hours=24))
    assert is_valid(new, NEW_YEAR + timedelta(hours=24))
    with pytest.raises(psycopg.Error, match="no such key in use"):
        desk.call("oem_rotate_key", key_id=str(uuid.uuid4()))


def test_when_a_key_was_used_is_noted_now_and_then(desk, partner):
    key = desk.call("oem_issue_key", for_partner=partner, key_name="web")
    seen = []
    for minutes in (0, 4, 6):
        desk.call("oem_verify_key", given=key["key"], as_of=NEW_YEAR + timedelta(minutes=minutes))
        seen.append(desk.rows("SELECT last_used_at FROM oem_api_keys WHERE id = %s", key["key_id"])[0]["last_used_at"])
    assert seen == [NEW_YEAR, NEW_YEAR, NEW_YEAR + timedelta(minutes=6)]


def test_a_keys_calls_are_its_partners_and_use_up_what_is_left(desk, partner):
    key = desk.call("oem_issue_key", for_partner=partner, key_name="web", rate_limit=10)
    desk.call("record_api_usage", batch=calls(NEW_YEAR, 7, api_key_id=key["key_id"]))
    assert desk.call("oem_verify_key", given=key["key"], as_of=NEW_YEAR)["calls_left"] == 3
    assert desk.call("api_calls_left", for_partner=partner, as_of=NEW_YEAR) == 93
    desk.call("billing_roll_up_usage", as_of=NEW_YEAR)
    assert desk.rows("SELECT usage_count FROM oem_api_keys WHERE id = %s", key["key_id"]) == [{"usage_count": 7}]


def test_shares_add_up_and_no_day_is_closed_twice(desk, partner):
    plan = desk.new_plan("9.99")
    for details in ({"partner_id": partner}, {"partner_id": partner, "tax_rate": "0.25"}, {"referred_by": partner}, {}):
        invoice = desk.subscribe(desk.new_person(), plan, details=details)
        desk.pay(invoice["invoice_id"], str(invoice["total_amount"]), as_of=day(1, 31, hour=23))
    desk.call("record_api_usage", batch=calls(day(1, 31), 2, partner_id=partner, cost_units=1.5))
    desk.db.execute("UPDATE oem_partners SET metadata = '{\"price_per_cost_unit\": 0.01}' WHERE id = %s", (partner,))
    desk.pay(invoice["invoice_id"], "1", kind="refund", as_of=day(2, 3))

    def close(first, last):
        statement = "SELECT revenue_type, gross_revenue, partner_share, nexa_share, transaction_count FROM b2b_close_period(%s, %s, %s, %s)"
        return [tuple(row.values()) for row in desk.rows(statement, partner, first, last, day(6))]

    january = close("2026-01-01", "2026-01-31")
    assert january == [
        ("api_usage", Decimal("0.03"), 0, Decimal("0.03"), 2),
        ("referral", Decimal("9.99"), Decimal("1.25"), Decimal("8.74"), 1),
        ("subscription", Decimal("19.98"), Decimal("5.99"), Decimal("13.99"), 2),
    ]
    assert close("2026-01-01", "2026-01-31") == january
    with pytest.raises(psycopg.Error, match="closed already"):
        close("2026-01-31", "2026-02-28")
    assert close("2026-02-01", "2026-02-28") == [("subscription", 0, 0, 0, 0)]
    with pytest.raises(psycopg.Error, match="not over"):
        close("2026-06-01", "2026-06-01")


def test_shares_that_do_not_add_up_are_refused(desk, partner):
    with pytest.raises(psycopg.errors.CheckViolation):
        desk.insert(
            "b2b_revenue", partner_id=partner, revenue_type="subscription", period_start=NEW_YEAR, period_end=day(2),
            gross_revenue=10, partner_share=3, nexa_share=8,
        )  # fmt: skip


def test_only_the_operator_records_calls(call_as, desk):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        call_as("authenticated", {"sub": desk.new_person()}, "record_api_usage", [])
    assert call_as("service_role", {}, "record_api_usage", []) == 0
