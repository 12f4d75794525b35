"""Renewal: month ends, several workers, repeats, what failed, what was not paid."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.cloud.billing.conftest import NEW_YEAR, Desk, day


def live_through(desk, start, months, **named):
    subscription = desk.subscribe(desk.new_person(), desk.new_plan("0"), start, **named)["subscription_id"]
    ends = []
    for _month in range(months):
        ends.append(desk.subscription(subscription)["current_period_end"].astimezone(UTC))
        desk.renew(subscription, ends[-1])
    return [(end.month, end.day) for end in ends]


def test_a_month_that_ended_on_the_31st_ends_there_again(desk):
    assert live_through(desk, day(1, 31), 5) == [(2, 28), (3, 31), (4, 30), (5, 31), (6, 30)]


def test_a_leap_day_comes_back_after_four_years(desk):
    plan = desk.new_plan("0", "0")
    subscription = desk.subscribe(desk.new_person(), plan, day(2, 29, 2028), billed="annual")["subscription_id"]
    for year, of_february in ((2029, 28), (2030, 28), (2031, 28), (2032, 29)):
        assert desk.subscription(subscription)["current_period_end"] == day(2, of_february, year)
        desk.renew(subscription, day(2, of_february, year))


def test_periods_are_the_same_whatever_the_sessions_time_zone_is(desk):
    start = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
    with desk.db.transaction():
        desk.db.execute("SET LOCAL timezone TO 'Asia/Tokyo'")  # where it is the 1st already
        assert live_through(desk, start, 2) == [(2, 28), (3, 31)]


def test_renewing_again_changes_nothing(desk):
    subscription = desk.subscribe(desk.new_person(), desk.new_plan())["subscription_id"]
    desk.pay_all(subscription)
    assert desk.renew(subscription, day(2))["invoiced"] == 1
    before = desk.subscription(subscription), desk.invoices(subscription)
    assert desk.renew(subscription, day(2)) == {
        "renewed": 0,
        "invoiced": 0,
        "past_due": 0,
        "ended_unpaid": 0,
        "failed": [],
        "more": False,
    }
    assert (desk.subscription(subscription), desk.invoices(subscription)) == before


def test_nothing_is_renewed_before_it_is_due(desk):
    subscription = desk.subscribe(desk.new_person(), desk.new_plan())["subscription_id"]
    assert desk.renew(subscription, day(2) - timedelta(microseconds=1))["renewed"] == 0


def test_what_was_not_renewed_for_long_is_made_up_for_in_bounds(desk):
    subscription = desk.subscribe(desk.new_person(), desk.new_plan())["subscription_id"]
    desk.pay_all(subscription)
    answer = desk.renew(subscription, day(7, 1, 2028))  # 30 months later
    assert (answer["invoiced"], answer["more"]) == (24, True)
    desk.pay_all(subscription)
    answer = desk.renew(subscription, day(7, 1, 2028))
    assert (answer["invoiced"], answer["more"]) == (6, False)
    starts = [invoice["period_start"] for invoice in desk.invoices(subscription)]
    assert len(set(starts)) == len(starts) == 31


def test_a_subscription_that_does_not_renew_itself_ends(desk):
    subscription = desk.subscribe(desk.new_person(), desk.new_plan())["subscription_id"]
    desk.db.execute("UPDATE user_subscriptions SET auto_renew = false WHERE id = %s", (subscription,))
    desk.pay_all(subscription)
    desk.renew(subscription, day(2))
    ended = desk.subscription(subscription)
    assert (ended["status"], ended["ended_at"]) == ("inactive", day(2))


def test_what_is_not_paid_in_time_is_overdue_and_ends_after_the_grace(desk):
    subscription = desk.subscribe(desk.new_person(), desk.new_plan())["subscription_id"]

    def status_on(moment):
        desk.renew(subscription, moment)
        return desk.subscription(subscription)["status"], desk.invoices(subscription)[0]["status"]

    assert status_on(day(1, 8)) == ("active", "pending")
    assert status_on(day(1, 9)) == ("past_due", "overdue")
    assert status_on(day(1, 22)) == ("past_due", "overdue")
    assert status_on(day(1, 23)) == ("inactive", "overdue")
    assert desk.subscribe(desk.subscription(subscription)["user_id"], desk.new_plan(), day(1, 24))["status"] == "active"


def test_an_invoice_that_was_settled_by_hand_brings_the_subscription_back_at_the_next_renewal(desk):
    subscription = desk.subscribe(desk.new_person(), desk.new_plan())["subscription_id"]
    desk.renew(subscription, day(1, 9))
    assert desk.subscription(subscription)["status"] == "past_due"
    desk.db.execute(
        "UPDATE invoices SET status = 'paid', amount_paid = total_amount, amount_due = 0, paid_at = now() WHERE subscription_id = %s",
        (subscription,),
    )
    desk.renew(subscription, day(1, 10))
    assert desk.subscription(subscription)["status"] == "active"


def test_one_that_cannot_be_renewed_is_named_and_does_not_stop_the_others(desk):
    good = desk.subscribe(desk.new_person(), desk.new_plan("0"))["subscription_id"]
    bad_plan = desk.new_plan("0", "0")
    bad = desk.subscribe(desk.new_person(), desk.new_plan("0"))["subscription_id"]
    desk.change(bad, bad_plan, day(1, 5), takes_effect="period_end", billed="annual")
    desk.db.execute("UPDATE subscription_plans SET annual_price = NULL WHERE id = %s", (bad_plan,))

    answer = desk.call("billing_renew", as_of=day(2))

    assert bad in [failure["subscription_id"] for failure in answer["failed"]]
    assert desk.subscription(good)["current_period_end"] == day(3)
    assert desk.subscription(bad)["current_period_end"] == day(2)


def test_a_calls_counter_begins_anew_with_the_period(desk):
    subscription = desk.subscribe(desk.new_person(), desk.new_plan("0"))["subscription_id"]
    desk.db.execute("UPDATE user_subscriptions SET api_calls_this_period = 7 WHERE id = %s", (subscription,))
    desk.renew(subscription, day(2))
    assert desk.subscription(subscription)["api_calls_this_period"] == 0


def test_several_workers_renew_each_subscription_once_and_leave_no_gap_in_the_numbers(desk, dsn, db, several_backends):
    (latest,) = db.execute("SELECT coalesce(max(year), 2100) FROM hub_invoice_numbers WHERE year > 2100").fetchone()
    start = datetime(latest + 1, 1, 1, tzinfo=UTC)
    plan = desk.new_plan()
    subscriptions = [desk.subscribe(desk.new_person(), plan, start)["subscription_id"] for _ in range(12)]
    for subscription in subscriptions:
        desk.pay_all(subscription)

    def work(_number):
        with psycopg.connect(dsn, autocommit=True) as connection:
            worker = Desk(connection)
            return [worker.call("billing_renew", as_of=start + timedelta(days=31), at_most=5) for _ in range(4)]

    with ThreadPoolExecutor(4) as pool:
        answers = [answer for worked in pool.map(work, range(4)) for answer in worked]

    # Each was one worker's: nobody tried in vain.
    assert [
        failure for answer in answers for failure in answer["failed"] if failure["subscription_id"] in subscriptions
    ] == []
    invoiced = sum(answer["invoiced"] for answer in answers)
    assert invoiced == 12
    found = db.execute(
        "SELECT invoice_number FROM invoices WHERE invoice_number LIKE %s ORDER BY 1", (f"NX-{latest + 1}-%",)
    ).fetchall()
    assert [int(number.rpartition("-")[2]) for (number,) in found] == list(range(1, 25))
    for subscription in subscriptions:
        assert len(desk.invoices(subscription)) == 2


def test_the_database_itself_refuses_a_second_invoice_for_a_period(desk):
    subscription = desk.subscribe(desk.new_person(), desk.new_plan())["subscription_id"]
    with pytest.raises(psycopg.errors.UniqueViolation):
        desk.db.execute(
            "INSERT INTO invoices (invoice_number, user_id, subscription_id, invoice_date, subtotal, total_amount, amount_due, status, metadata)"
            " SELECT invoice_number || 'b', user_id, subscription_id, invoice_date, subtotal, total_amount, amount_due, 'draft', metadata"
            " FROM invoices WHERE subscription_id = %s",
            (subscription,),
        )
    assert desk.subscription(subscription)["current_period_start"] == NEW_YEAR
