"""Many workers do everything at once to the same few subscriptions: nobody waits for each other in a circle, and the books are right."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.cloud.billing.conftest import NEW_YEAR, Desk, calls, day

WORKERS = 4
STEPS = 25


@pytest.fixture
def all_at_once(dsn, db, several_backends):
    """Lets workers run into a row that is held, and lets go when all wait for it: that is as much at once as can be."""

    def run(hold, *values, work):
        def one(number):
            with psycopg.connect(dsn, autocommit=True, application_name="all at once") as connection:
                return work(Desk(connection), number)

        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'all at once' AND wait_event_type = 'Lock'"
            " AND datname = current_database()"
        )
        with psycopg.connect(dsn) as holder, ThreadPoolExecutor(WORKERS) as pool:
            holder.execute(hold, values)
            futures = [pool.submit(one, number) for number in range(WORKERS)]
            while db.execute(waiting).fetchone()[0] < WORKERS and not all(future.done() for future in futures):
                pass
            holder.commit()
            return [future.result() for future in futures]

    return run


def test_a_change_that_several_ask_for_at_once_is_charged_once(desk, all_at_once):
    subscription, dear = desk.subscribe(desk.new_person(), desk.new_plan("10"))["subscription_id"], desk.new_plan("31")

    answers = all_at_once(
        "SELECT FROM user_subscriptions WHERE id = %s FOR UPDATE",
        subscription,
        work=lambda worker, _number: worker.change(subscription, dear, day(1, 11)),
    )

    assert sorted("invoice_id" in answer for answer in answers) == [False] * 3 + [True]
    assert len(desk.invoices(subscription)) == 2


def test_invoices_that_are_issued_at_once_get_a_number_each(desk, all_at_once):
    plan, people = desk.new_plan(), [desk.new_person() for _ in range(WORKERS)]
    desk.subscribe(desk.new_person(), plan)

    answers = all_at_once(
        "SELECT FROM hub_invoice_numbers WHERE year = %s FOR UPDATE",
        NEW_YEAR.year,
        work=lambda worker, number: worker.subscribe(people[number], plan)["invoice_number"],
    )

    numbers = sorted(int(number.rpartition("-")[2]) for number in answers)
    assert numbers == list(range(numbers[0], numbers[0] + WORKERS))


def test_a_payment_and_a_renewal_of_the_same_subscription_wait_in_one_order(desk, all_at_once):
    answer = desk.subscribe(desk.new_person(), desk.new_plan())
    subscription, invoice = answer["subscription_id"], answer["invoice_id"]

    def work(worker, number):
        if number % 2:
            return worker.pay(invoice, "1", provider_id=f"{invoice}-{number}", outcome="failed")["invoice_status"]
        worker.db.execute("UPDATE user_subscriptions SET metadata = metadata WHERE id = %s", (subscription,))
        return worker.renew(subscription, day(1, 10))["failed"]

    outcomes = all_at_once("SELECT FROM user_subscriptions WHERE id = %s FOR UPDATE", subscription, work=work)
    assert outcomes == [[], "overdue", [], "overdue"]
    assert desk.subscription(subscription)["status"] == "past_due"


def test_many_workers_at_once_neither_block_each_other_for_good_nor_spoil_the_books(desk, dsn, db, several_backends):
    (latest,) = db.execute("SELECT coalesce(max(year), 2100) FROM hub_invoice_numbers WHERE year > 2100").fetchone()
    start = datetime(latest + 1, 1, 1, tzinfo=UTC)
    plans = [desk.new_plan("10"), desk.new_plan("25"), desk.new_plan("3.33")]
    coupon = desk.new_coupon("10", duration="forever", max_redemptions=2)
    people = [desk.new_person() for _ in range(3)]
    subscriptions = [desk.subscribe(person, plans[0], start)["subscription_id"] for person in people]

    def act(worker: Desk, chance: random.Random) -> None:
        subscription = chance.choice(subscriptions)
        moment = start + timedelta(days=chance.randrange(120))
        unpaid = [invoice for invoice in worker.invoices(subscription) if invoice["amount_due"] > 0]
        match chance.randrange(6):
            case 0:
                worker.call("billing_renew", as_of=moment, at_most=chance.randint(1, 3))
            case 1 if unpaid:
                invoice = chance.choice(unpaid)
                outcome = chance.choice(["succeeded", "succeeded", "failed"])
                worker.pay(
                    invoice["id"],
                    invoice["amount_due"],
                    outcome=outcome,
                    provider_id=f"{invoice['id']}-{chance.randrange(3)}",
                )
            case 2:
                worker.change(
                    subscription,
                    chance.choice(plans),
                    worker.subscription(subscription)["current_period_start"] + timedelta(days=3),
                )
            case 3:
                worker.call("record_api_usage", batch=calls(moment, 2, user_id=chance.choice(people)))
                worker.call("billing_roll_up_usage", as_of=moment, called_within=timedelta(days=130))
            case 4 if unpaid:
                worker.call("billing_void_invoice", of_invoice=chance.choice(unpaid)["id"], reason="a test")
            case _:
                person = desk_people(worker)
                worker.subscribe(person, chance.choice(plans), moment, coupon=coupon)

    def desk_people(worker: Desk) -> str:
        person = worker.new_person()
        desk._people.append(person)
        return person

    def work(number: int) -> None:
        chance = random.Random(number)
        with psycopg.connect(dsn, autocommit=True) as connection:
            worker = Desk(connection)
            for _step in range(STEPS):
                try:
                    act(worker, chance)
                except psycopg.Error as err:
                    # What the rules refuse; never a deadlock, a violated constraint, a lost update.
                    if not (err.sqlstate or "").startswith("PT4"):
                        raise

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(work, range(WORKERS)))

    year = f"NX-{latest + 1}-%"
    wrong = desk.rows(
        "SELECT invoice_number FROM invoices i WHERE invoice_number LIKE %s AND ("
        " subtotal <> (SELECT sum(amount) FROM invoice_line_items l WHERE l.invoice_id = i.id)"
        " OR (status <> 'void' AND total_amount - amount_due <> coalesce((SELECT sum(amount) FROM payment_transactions t"
        "     WHERE t.invoice_id = i.id AND t.status = 'succeeded'), 0)))",
        year,
    )
    assert wrong == []
    numbers = db.execute(
        "SELECT invoice_number FROM invoices WHERE invoice_number LIKE %s ORDER BY 1", (year,)
    ).fetchall()
    assert [int(number.rpartition("-")[2]) for (number,) in numbers] == list(range(1, len(numbers) + 1))
    assert desk.rows("SELECT redemptions_count FROM coupons WHERE code = %s", coupon) == [{"redemptions_count": 2}]
    for subscription in subscriptions:
        owed = [invoice["status"] for invoice in desk.invoices(subscription)]
        status = desk.subscription(subscription)["status"]
        assert status == "inactive" or (status == "past_due") is ("overdue" in owed)
        (credit,) = desk.rows(
            "SELECT coalesce(sum(amount), 0) AS left FROM hub_subscription_credits WHERE subscription_id = %s",
            subscription,
        )
        assert credit["left"] >= 0
