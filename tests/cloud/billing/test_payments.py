"""What providers tell about payments, in any order and any number of times, and what becomes of invoice and subscription."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import psycopg
import pytest

from tests.cloud.billing.conftest import Desk, day


@pytest.fixture
def billed(desk):
    """A subscription of 10 a month with its first invoice."""
    return desk.subscribe(desk.new_person(), desk.new_plan())


@pytest.fixture
def tell(desk, billed):
    return lambda paid, **named: desk.pay(billed["invoice_id"], paid, **named)


def told(answer):
    return answer["invoice_status"], answer["amount_paid"], answer["amount_due"], answer["subscription_status"]


def test_an_invoice_is_paid_when_all_parts_are(tell):
    assert told(tell("4")) == ("pending", 4, 6, "active")
    assert told(tell("6")) == ("paid", 10, 0, "active")


def test_more_than_is_owed_is_refused(tell):
    with pytest.raises(psycopg.Error) as error:
        tell("10.01")
    assert error.value.diag.message_detail == "overpaid"
    tell("10")
    with pytest.raises(psycopg.Error) as error:
        tell("1")
    assert error.value.diag.message_detail == "invoice_status"


def test_a_failed_payment_makes_the_subscription_past_due_and_a_later_one_brings_it_back(desk, billed, tell):
    answer = tell("10", outcome="failed", details={"failure_code": "card_declined"})
    assert told(answer) == ("overdue", 0, 10, "past_due")
    with pytest.raises(psycopg.Error, match="past_due cannot change"):
        desk.change(billed["subscription_id"], desk.new_plan(), day(1, 5))
    assert told(tell("10")) == ("paid", 10, 0, "active")


def test_a_subscription_is_past_due_until_its_last_overdue_invoice_is_paid(desk, billed, tell):
    upgrade = desk.change(billed["subscription_id"], desk.new_plan("20"), day(1, 5))
    tell("10", outcome="failed")
    desk.pay(upgrade["invoice_id"], str(upgrade["total_amount"]), outcome="failed")

    assert told(tell("10")) == ("paid", 10, 0, "past_due")
    assert desk.pay(upgrade["invoice_id"], str(upgrade["total_amount"]))["subscription_status"] == "active"


def test_a_refund_is_not_owed_again(tell):
    tell("10")
    assert told(tell("3", kind="refund")) == ("paid", 7, 0, "active")
    assert told(tell("7", kind="refund")) == ("refunded", 0, 0, "active")


@pytest.mark.parametrize("kind", ["refund", "chargeback"])
def test_no_more_is_returned_than_was_paid(tell, kind):
    tell("4")
    with pytest.raises(psycopg.Error) as error:
        tell("4.01", kind=kind)
    assert error.value.diag.message_detail == "refund_exceeds_payment"


def test_a_chargeback_is_owed_again(tell):
    tell("10")
    assert told(tell("10", kind="chargeback")) == ("overdue", 0, 10, "past_due")
    assert told(tell("10")) == ("paid", 10, 0, "active")


def test_the_same_transaction_counts_once_however_often_it_is_told(desk, billed, tell):
    name = f"tx-{billed['invoice_id']}"
    assert tell("10", provider_id=name, outcome="pending")["is_news"]
    assert told(tell("10", provider_id=name)) == ("paid", 10, 0, "active")
    for outcome in ("succeeded", "processing", "pending"):
        again = tell("10", provider_id=name, outcome=outcome)
        assert (again["is_news"], told(again)) == (False, ("paid", 10, 0, "active"))
    assert len(desk.rows("SELECT FROM payment_transactions WHERE invoice_id = %s", billed["invoice_id"])) == 1


@pytest.mark.parametrize("named", [{"paid": "9"}, {"kind": "refund"}, {"outcome": "failed"}])
def test_a_transaction_that_is_told_differently_is_refused(billed, tell, named):
    name = f"tx-{billed['invoice_id']}"
    tell("10", provider_id=name)
    with pytest.raises(psycopg.Error) as error:
        tell(**{"paid": "10", "provider_id": name} | named)
    assert error.value.diag.message_detail == "payment_differs"


def test_two_providers_may_use_the_same_name(billed, tell):
    name = f"tx-{billed['invoice_id']}"
    tell("4", provider_id=name)
    assert tell("6", provider_id=name, provider="paypal")["invoice_status"] == "paid"


def test_a_payment_in_another_currency_or_of_another_person_settles_nothing(desk, billed):
    (invoice,) = desk.invoices(billed["subscription_id"])
    for other in ({"currency": "EUR"}, {"user_id": desk.new_person()}):
        with pytest.raises(psycopg.Error) as error:
            desk.insert(
                "payment_transactions",
                **{"user_id": invoice["user_id"], "invoice_id": invoice["id"], "amount": Decimal(10), "currency": "USD"}
                | {"transaction_type": "charge", "status": "succeeded", "payment_provider": "stripe"}
                | other,
            )
        assert error.value.diag.message_detail == "payment_misfits"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM payment_transactions WHERE invoice_id = %s",
        "UPDATE payment_transactions SET amount = 9 WHERE invoice_id = %s",
    ],
)
def test_what_was_paid_is_kept(desk, billed, tell, statement):
    tell("10")
    with pytest.raises(psycopg.Error) as error:
        desk.db.execute(statement, (billed["invoice_id"],))
    assert error.value.sqlstate == "PT409"


@pytest.mark.parametrize(
    "columns", [{"amount": 0}, {"amount": -5}, {"card_last4": "4242424242424242"}, {"card_exp_month": 13}]
)
def test_a_payment_that_cannot_be_is_refused(desk, columns):
    with pytest.raises(psycopg.errors.CheckViolation):
        desk.insert(
            "payment_transactions",
            **{"user_id": desk.new_person(), "amount": 1, "transaction_type": "charge", "status": "succeeded", "payment_provider": "stripe"}
            | columns,
        )  # fmt: skip


def test_of_one_transaction_told_by_many_at_once_one_is_stored(desk, dsn, billed, several_backends):
    name = f"tx-{billed['invoice_id']}"

    def tell_it(_number):
        with psycopg.connect(dsn, autocommit=True) as connection:
            return Desk(connection).pay(billed["invoice_id"], "10", provider_id=name)["is_news"]

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(tell_it, range(6))) == [False] * 5 + [True]
    assert desk.invoices(billed["subscription_id"])[0]["amount_paid"] == 10


def test_of_many_refunds_at_once_no_more_than_was_paid_is_returned(desk, dsn, billed, several_backends):
    desk.pay(billed["invoice_id"], "10")

    def refund(_number):
        with psycopg.connect(dsn, autocommit=True) as connection:
            try:
                return Desk(connection).pay(billed["invoice_id"], "4", kind="refund")["invoice_status"]
            except psycopg.Error as err:
                return err.diag.message_detail

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(refund, range(6))) == ["paid"] * 2 + ["refund_exceeds_payment"] * 4
    assert desk.invoices(billed["subscription_id"])[0]["amount_paid"] == 2
