"""A subscription begins, changes, pauses and ends, and every step is what was paid for."""

from datetime import UTC, datetime
from decimal import Decimal

import psycopg
import pytest

from tests.cloud.billing.conftest import NEW_YEAR, Desk, day


def refusal(error: pytest.ExceptionInfo[psycopg.Error]) -> tuple[str | None, str | None]:
    return error.value.sqlstate, error.value.diag.message_detail


def test_a_subscription_begins_with_a_period_and_its_invoice(desk):
    person, plan = desk.new_person(), desk.new_plan("9.99")

    answer = desk.subscribe(person, plan, details={"tax_rate": "0.25", "billing_email": "pays@example.com"})

    assert (answer["status"], answer["current_period_end"]) == ("active", "2026-02-01T00:00:00+00:00")
    (invoice,) = desk.invoices(answer["subscription_id"])
    assert (invoice["subtotal"], invoice["tax_amount"], invoice["total_amount"], invoice["amount_due"]) == (
        Decimal("9.99"),
        Decimal("2.50"),
        Decimal("12.49"),
        Decimal("12.49"),
    )
    assert (invoice["status"], invoice["billing_email"]) == ("pending", "pays@example.com")
    assert [line["amount"] for line in desk.lines(invoice["id"])] == [Decimal("9.99")]


def test_a_plan_that_costs_nothing_makes_no_invoice(desk):
    answer = desk.subscribe(desk.new_person(), desk.new_plan("0"))

    assert desk.invoices(answer["subscription_id"]) == []
    assert desk.renew(answer["subscription_id"], day(2))["invoiced"] == 0
    assert desk.subscription(answer["subscription_id"])["current_period_end"] == day(3)


def test_a_trial_costs_nothing_until_it_ends_and_is_had_once(desk):
    person, plan = desk.new_person(), desk.new_plan(trial_period_days=14)

    answer = desk.subscribe(person, plan)
    assert (answer["status"], answer["current_period_end"]) == ("trialing", "2026-01-15T00:00:00+00:00")
    assert desk.invoices(answer["subscription_id"]) == []

    desk.renew(answer["subscription_id"], day(1, 15))
    subscription = desk.subscription(answer["subscription_id"])
    assert (subscription["status"], subscription["current_period_end"]) == ("active", day(2, 15))
    assert len(desk.invoices(answer["subscription_id"])) == 1

    desk.call("billing_cancel", of_subscription=answer["subscription_id"], at_period_end=False, as_of=day(1, 20))
    assert desk.subscribe(person, plan, day(1, 21))["status"] == "active"


def test_a_person_has_one_running_subscription_for_a_home_and_one_for_none(desk, new_home):
    home, owner = new_home()
    plan = desk.new_plan()
    desk.subscribe(owner, plan, for_home=home)
    desk.subscribe(owner, plan)

    for again in ({"for_home": home}, {}):
        with pytest.raises(psycopg.Error) as error:
            desk.subscribe(owner, plan, **again)
        assert refusal(error) == ("PT409", "already_subscribed")


def test_a_deleted_home_ends_its_subscription_and_leaves_the_other_alone(desk, new_home):
    home, owner = new_home()
    plan = desk.new_plan()
    for_home = desk.subscribe(owner, plan, for_home=home)["subscription_id"]
    for_none = desk.subscribe(owner, plan)["subscription_id"]

    desk.db.execute("DELETE FROM homes WHERE id = %s", (home,))

    ended, running = desk.subscription(for_home), desk.subscription(for_none)
    assert (ended["status"], ended["home_id"], ended["ended_at"] is not None) == ("cancelled", None, True)
    assert running["status"] == "active"


def test_a_person_who_is_deleted_takes_home_subscription_and_invoices_along(desk, new_home):
    home, owner = new_home()
    answer = desk.subscribe(owner, desk.new_plan(), for_home=home, coupon=desk.new_coupon("10"))
    desk.pay(answer["invoice_id"], "9")
    desk.db.execute("DELETE FROM auth.users WHERE id = %s", (owner,))
    assert desk.invoices(answer["subscription_id"]) == []


def test_a_home_that_is_somebody_elses_cannot_be_subscribed_for(desk, new_home):
    home, _owner = new_home()
    with pytest.raises(psycopg.Error) as error:
        desk.subscribe(desk.new_person(), desk.new_plan(), for_home=home)
    assert refusal(error) == ("PT404", "home_unknown")


@pytest.mark.parametrize(
    "columns, named, detail",
    [
        ({"is_active": False}, {}, "plan_unknown"),
        ({"annual": None}, {"billed": "annual"}, "interval_not_offered"),
        ({}, {"billed": "weekly"}, "interval_not_offered"),
    ],
)
def test_what_is_not_on_sale_cannot_be_had(desk, columns, named, detail):
    with pytest.raises(psycopg.Error) as error:
        desk.subscribe(desk.new_person(), desk.new_plan(**columns), **named)
    assert refusal(error)[1] == detail


def test_an_upgrade_charges_the_rest_of_the_period_to_the_cent(desk):
    cheap, dear = desk.new_plan("10"), desk.new_plan("31")
    subscription = desk.subscribe(desk.new_person(), cheap)["subscription_id"]

    answer = desk.change(subscription, dear, day(1, 11))  # 21 of 31 days are left

    assert answer["total_amount"] == 14.23
    assert [line["amount"] for line in desk.lines(answer["invoice_id"])] == [Decimal("21.00"), Decimal("-6.77")]
    assert desk.subscription(subscription)["current_period_end"] == day(2)


def test_what_a_downgrade_leaves_over_is_used_by_the_next_invoices(desk):
    dear, cheap = desk.new_plan("31"), desk.new_plan("5")
    subscription = desk.subscribe(desk.new_person(), dear)["subscription_id"]

    answer = desk.change(subscription, cheap, day(1, 11))
    assert answer["credit"] == 17.61  # 21.00 less 3.39
    assert "invoice_id" not in answer

    desk.pay_all(subscription)
    desk.renew(subscription, day(5, 1))
    first, *later = desk.invoices(subscription)
    assert first["subtotal"] == 31
    assert [invoice["total_amount"] for invoice in later] == [0, 0, 0, Decimal("2.39")]
    assert [invoice["status"] for invoice in later] == ["paid", "paid", "paid", "pending"]


def test_another_interval_begins_a_new_period_at_once(desk):
    plan = desk.new_plan("31", "300")
    subscription = desk.subscribe(desk.new_person(), plan)["subscription_id"]

    answer = desk.change(subscription, plan, day(1, 11), billed="annual")

    assert answer["total_amount"] == 279
    assert answer["current_period_end"] == "2027-01-11T00:00:00+00:00"
    desk.pay_all(subscription)
    desk.renew(subscription, day(1, 11, 2027))
    assert desk.subscription(subscription)["current_period_end"] == day(1, 11, 2028)


def test_a_change_at_the_end_of_the_period_waits_for_it(desk):
    old, new = desk.new_plan("10"), desk.new_plan("7", "70")
    subscription = desk.subscribe(desk.new_person(), old)["subscription_id"]

    desk.change(subscription, new, day(1, 11), takes_effect="period_end", billed="annual")
    assert str(desk.subscription(subscription)["plan_id"]) == old
    desk.pay_all(subscription)
    desk.renew(subscription, day(2))

    changed = desk.subscription(subscription)
    assert (str(changed["plan_id"]), str(changed["previous_plan_id"]), changed["billing_interval"]) == (
        new,
        old,
        "annual",
    )
    assert (changed["current_period_end"], changed["scheduled_plan_change_id"]) == (day(2, 1, 2027), None)
    assert desk.invoices(subscription)[-1]["total_amount"] == 70


def test_a_change_during_the_trial_costs_nothing_and_lets_it_run(desk):
    subscription = desk.subscribe(desk.new_person(), desk.new_plan(trial_period_days=10))["subscription_id"]
    answer = desk.change(subscription, desk.new_plan("40"), day(1, 5))
    assert (answer["status"], answer["current_period_end"], answer["credit"]) == (
        "trialing",
        "2026-01-11T00:00:00+00:00",
        0,
    )
    desk.renew(subscription, day(1, 11))
    assert [invoice["total_amount"] for invoice in desk.invoices(subscription)] == [40]


@pytest.mark.parametrize(
    "moment, named, match",
    [
        (day(2), {}, "renew first"),
        (datetime(2025, 12, 31, tzinfo=UTC), {}, "renew first"),
        (day(1, 5), {"takes_effect": "soon"}, "now or at period_end"),
    ],
)
def test_a_change_outside_the_period_is_refused(desk, moment, named, match):
    subscription = desk.subscribe(desk.new_person(), desk.new_plan())["subscription_id"]
    with pytest.raises(psycopg.Error, match=match):
        desk.change(subscription, desk.new_plan(), moment, **named)


def test_a_plan_in_another_currency_is_refused(desk):
    subscription = desk.subscribe(desk.new_person(), desk.new_plan())["subscription_id"]
    with pytest.raises(psycopg.Error, match="sold in EUR"):
        desk.change(subscription, desk.new_plan(currency="EUR"), day(1, 5))


def test_a_cancelled_subscription_is_served_to_the_end_of_its_period_and_can_be_kept_until_then(desk):
    subscription = desk.subscribe(desk.new_person(), desk.new_plan())["subscription_id"]

    desk.call("billing_cancel", of_subscription=subscription, as_of=day(1, 5))
    assert desk.subscription(subscription)["status"] == "active"
    desk.call("billing_keep", of_subscription=subscription)
    desk.pay_all(subscription)
    desk.renew(subscription, day(2))
    desk.pay_all(subscription)
    assert desk.subscription(subscription)["status"] == "active"

    desk.call("billing_cancel", of_subscription=subscription, as_of=day(2, 5))
    desk.renew(subscription, day(6))
    ended = desk.subscription(subscription)
    assert (ended["status"], ended["cancelled_at"], ended["ended_at"]) == ("cancelled", day(2, 5), day(3))
    assert len(desk.invoices(subscription)) == 2
    with pytest.raises(psycopg.Error, match="has ended"):
        desk.call("billing_keep", of_subscription=subscription)


def test_people_cancel_their_own_subscription_only_and_now(desk):
    person, stranger = desk.new_person(), desk.new_person()
    subscription = desk.subscribe(person, desk.new_plan(), datetime.now(UTC))["subscription_id"]

    with pytest.raises(psycopg.Error) as error:
        desk.call("billing_cancel", role="authenticated", person=stranger, of_subscription=subscription)
    assert refusal(error) == ("PT404", "subscription_unknown")

    answer = desk.call(
        "billing_cancel", role="authenticated", person=person, of_subscription=subscription, as_of=day(1, 1, 2001)
    )
    assert answer["cancel_at_period_end"] is True
    assert desk.subscription(subscription)["cancelled_at"].year >= 2026
    assert (
        desk.call("billing_keep", role="authenticated", person=person, of_subscription=subscription)[
            "cancel_at_period_end"
        ]
        is False
    )


def test_a_pause_stops_the_clock(desk):
    subscription = desk.subscribe(desk.new_person(), desk.new_plan())["subscription_id"]
    desk.call("billing_pause", of_subscription=subscription, as_of=day(1, 11))
    assert desk.renew(subscription, day(6))["renewed"] == 0

    desk.call("billing_resume", of_subscription=subscription, as_of=day(3, 11))

    resumed = desk.subscription(subscription)
    assert (resumed["status"], resumed["current_period_end"]) == ("active", day(4, 1))
    assert len(desk.invoices(subscription)) == 1


LEGAL = {
    "trialing": {"active", "past_due", "paused", "cancelled", "inactive"},
    "active": {"past_due", "paused", "cancelled", "inactive"},
    "past_due": {"active", "cancelled", "inactive"},
    "paused": {"active", "trialing", "cancelled", "inactive"},
    "inactive": {"cancelled"},
    "cancelled": set(),
}


@pytest.mark.parametrize("before", LEGAL)
def test_a_status_only_becomes_what_may_follow_it(desk, before):
    person, plan = desk.new_person(), desk.new_plan()
    for after in LEGAL.keys() - {before}:
        subscription = desk.insert(
            "user_subscriptions",
            user_id=person,
            plan_id=plan,
            billing_interval="monthly",
            amount=1,
            status=before,
            trial_ends_at=day(2),
            current_period_start=NEW_YEAR,
            current_period_end=day(2),
            cancelled_at=NEW_YEAR,
            ended_at=NEW_YEAR,
        )
        move = "UPDATE user_subscriptions SET status = %s WHERE id = %s RETURNING ended_at IS NOT NULL, auto_renew"
        if after in LEGAL[before]:
            has_ended, renews = desk.db.execute(move, (after, subscription)).fetchone()
            assert has_ended
            assert renews is (after not in {"cancelled", "inactive"})
        else:
            with pytest.raises(psycopg.Error) as error:
                desk.db.execute(move, (after, subscription))
            assert refusal(error) == ("PT409", "subscription_status")
        desk.db.execute("DELETE FROM user_subscriptions WHERE id = %s", (subscription,))


@pytest.mark.parametrize(
    "function",
    [
        "billing_subscribe",
        "billing_change_plan",
        "billing_renew",
        "billing_record_payment",
        "billing_void_invoice",
        "billing_pause",
    ],
)
@pytest.mark.parametrize("role", ["anon", "authenticated", "hub"])
def test_only_the_operator_bills(desk, role, function):
    granted = "SELECT bool_or(has_function_privilege(%s, p.oid, 'EXECUTE')) FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname = %s"
    assert desk.db.execute(granted, (role, function)).fetchone() == (False,)


def test_the_desk_leaves_nothing_behind(db):
    desk = Desk(db)
    person, plan = desk.new_person(), desk.new_plan()
    subscription = desk.subscribe(person, plan, coupon=desk.new_coupon("50"))
    desk.pay(subscription["invoice_id"], "5", provider_id=str(subscription["invoice_id"]))
    desk.close()
    assert desk.rows("SELECT FROM user_subscriptions WHERE user_id = %s", person) == []
    assert desk.rows("SELECT FROM invoices WHERE user_id = %s", person) == []
