"""Coupons take off what they say, as long and as often as they say."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import psycopg
import pytest

from tests.cloud.billing.conftest import NEW_YEAR, Desk, day


def totals(desk, subscription):
    return [invoice["total_amount"] for invoice in desk.invoices(subscription)]


def live(desk, coupon, months, monthly="10", **named):
    """Renews month by month, everything paid."""
    subscription = desk.subscribe(desk.new_person(), desk.new_plan(monthly), coupon=coupon, **named)["subscription_id"]
    for month in range(2, 2 + months):
        desk.pay_all(subscription)
        desk.renew(subscription, day(month))
    return subscription


@pytest.mark.parametrize(
    "coupon, expected",
    [
        ({"percent": "25"}, ["7.50", "10", "10", "10"]),
        ({"percent": "25", "duration": "repeating", "duration_in_months": 2}, ["7.50", "7.50", "10", "10"]),
        ({"percent": "33.33", "duration": "forever"}, ["6.67", "6.67", "6.67", "6.67"]),
        ({"fixed": "4", "duration": "forever"}, ["6", "6", "6", "6"]),
        ({"fixed": "40", "duration": "repeating", "duration_in_months": 1}, ["0", "10", "10", "10"]),
    ],
)
def test_a_discount_lasts_as_long_as_its_coupon_says(desk, coupon, expected):
    subscription = live(desk, desk.new_coupon(**coupon), months=3)
    assert totals(desk, subscription) == [Decimal(amount) for amount in expected]


def test_a_period_that_a_coupon_pays_whole_is_paid(desk):
    answer = desk.subscribe(desk.new_person(), desk.new_plan(), coupon=desk.new_coupon("100"))
    (invoice,) = desk.invoices(answer["subscription_id"])
    assert (invoice["status"], invoice["subtotal"], invoice["discount_amount"], invoice["amount_due"]) == (
        "paid",
        10,
        10,
        0,
    )


def test_a_code_is_read_in_any_case(desk):
    code = desk.new_coupon("50")
    assert desk.subscribe(desk.new_person(), desk.new_plan(), coupon=f" {code.lower()} ")["total_amount"] == 5
    with pytest.raises(psycopg.errors.UniqueViolation):
        desk.new_coupon("10", code=code.lower())


def test_a_discount_begins_after_the_trial(desk):
    plan = desk.new_plan(trial_period_days=30)
    subscription = desk.subscribe(desk.new_person(), plan, coupon=desk.new_coupon("50"))["subscription_id"]
    desk.renew(subscription, day(1, 31))
    desk.pay_all(subscription)
    desk.renew(subscription, day(2, 28))
    assert totals(desk, subscription) == [5, 10]


def test_an_upgrade_in_a_discounted_period_counts_what_was_really_paid(desk):
    subscription = desk.subscribe(desk.new_person(), desk.new_plan("31"), coupon=desk.new_coupon("50"))[
        "subscription_id"
    ]
    answer = desk.change(subscription, desk.new_plan("62"), day(1, 11))
    assert [line["amount"] for line in desk.lines(answer["invoice_id"])] == [Decimal("21.00"), Decimal("-10.50")]


def test_a_coupon_ends_with_the_plan_that_it_was_for(desk):
    old = desk.new_plan("31")
    coupon = desk.new_coupon("50", duration="forever", applies_to_plans=[old])
    subscription = desk.subscribe(desk.new_person(), old, coupon=coupon)["subscription_id"]
    answer = desk.change(subscription, desk.new_plan("31"), day(1, 11))
    assert answer["total_amount"] == 10.50
    desk.pay_all(subscription)
    desk.renew(subscription, day(2))
    assert totals(desk, subscription)[-1] == 31


def test_a_coupon_for_one_period_is_not_taken_into_a_longer_one(desk):
    plan = desk.new_plan("31", "300")
    subscription = desk.subscribe(desk.new_person(), plan, coupon=desk.new_coupon("50"))["subscription_id"]
    assert desk.change(subscription, plan, day(1, 11), billed="annual")["total_amount"] == 289.50


@pytest.mark.parametrize(
    "coupon, match",
    [
        ({"is_active": False}, "no longer active"),
        ({"valid_from": day(1, 2)}, "not valid yet"),
        ({"valid_until": NEW_YEAR}, "no longer valid"),
        ({"max_redemptions": 0}, "used up"),
        ({"applies_to_tiers": ["complete"]}, "not for this plan"),
        ({"applies_to_plans": []}, "not for this plan"),
    ],
)
def test_a_coupon_that_does_not_count_is_refused_and_nothing_is_begun(desk, coupon, match):
    person, plan = desk.new_person(), desk.new_plan()
    with pytest.raises(psycopg.Error, match=match) as error:
        desk.subscribe(person, plan, coupon=desk.new_coupon("10", **coupon))
    assert error.value.diag.message_detail == "coupon_refused"
    assert desk.rows("SELECT FROM user_subscriptions WHERE user_id = %s", person) == []


def test_a_fixed_amount_is_of_its_currency(desk):
    with pytest.raises(psycopg.Error, match="not for this plan"):
        desk.subscribe(desk.new_person(), desk.new_plan(currency="EUR"), coupon=desk.new_coupon(fixed="5"))


def test_a_code_that_nobody_made_is_refused(desk):
    with pytest.raises(psycopg.Error, match="Coupon NONE is unknown"):
        desk.subscribe(desk.new_person(), desk.new_plan(), coupon="NONE")


@pytest.mark.parametrize(
    "columns",
    [
        {"percent": "100.01"},
        {"percent": "0"},
        {"fixed": "-1"},
        {"percent": "5", "duration": "repeating"},
        {"percent": "5", "valid_from": day(2), "valid_until": day(1)},
        {"percent": "5", "max_redemptions": 1, "redemptions_count": 2},
    ],
)
def test_a_coupon_that_makes_no_sense_cannot_be_made(desk, columns):
    with pytest.raises(psycopg.errors.CheckViolation):
        desk.new_coupon(**columns)


def test_a_person_redeems_a_coupon_as_often_as_allowed(desk, new_home):
    coupon, plan = desk.new_coupon("10", max_redemptions_per_user=2), desk.new_plan()
    person = desk.new_person()
    for _time in range(2):
        subscription = desk.subscribe(person, plan, coupon=coupon)["subscription_id"]
        desk.call("billing_cancel", of_subscription=subscription, at_period_end=False, as_of=day(1, 2))
    with pytest.raises(psycopg.Error, match="used up by this person"):
        desk.subscribe(person, plan, coupon=coupon)


def test_the_count_of_redemptions_is_true_whoever_writes_and_deletes_them(desk):
    code = desk.new_coupon("10", max_redemptions=2)
    (coupon,) = desk.rows("SELECT id FROM coupons WHERE code = %s", code)
    first, second = (
        desk.insert("coupon_redemptions", coupon_id=coupon["id"], user_id=desk.new_person()) for _ in range(2)
    )
    with pytest.raises(psycopg.Error, match="used up"):
        desk.insert("coupon_redemptions", coupon_id=coupon["id"], user_id=desk.new_person())
    desk.db.execute("DELETE FROM coupon_redemptions WHERE id = ANY (%s::uuid[])", ([first, second],))
    assert desk.rows("SELECT redemptions_count FROM coupons WHERE code = %s", code) == [{"redemptions_count": 0}]


def test_of_many_who_come_at_once_only_as_many_get_the_coupon_as_it_allows(desk, dsn, several_backends):
    coupon, plan = desk.new_coupon("10", max_redemptions=3), desk.new_plan()
    people = [desk.new_person() for _ in range(8)]

    def subscribe(person):
        with psycopg.connect(dsn, autocommit=True) as connection:
            try:
                return Desk(connection).subscribe(person, plan, coupon=coupon)["status"]
            except psycopg.Error as err:
                return err.diag.message_detail

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(subscribe, people))

    assert sorted(outcomes) == ["active"] * 3 + ["coupon_refused"] * 5
    assert desk.rows("SELECT redemptions_count FROM coupons WHERE code = %s", coupon) == [{"redemptions_count": 3}]
    found = desk.rows("SELECT count(*) FROM user_subscriptions WHERE plan_id = %s", plan)
    assert found == [{"count": 3}]


def test_of_two_subscriptions_begun_at_once_one_is_refused(desk, dsn, several_backends):
    person, plan = desk.new_person(), desk.new_plan()

    def subscribe(_number):
        with psycopg.connect(dsn, autocommit=True) as connection:
            try:
                return Desk(connection).subscribe(person, plan)["status"]
            except psycopg.Error as err:
                return err.diag.message_detail

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(subscribe, range(4))) == ["active", *["already_subscribed"] * 3]
    assert len(desk.rows("SELECT FROM invoices WHERE user_id = %s", person)) == 1
