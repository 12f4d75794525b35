"""Invoices add up, stay as they were issued, and are numbered without gaps."""

import random
from datetime import UTC, datetime
from decimal import Decimal

import psycopg
import pytest

from tests.cloud.billing.conftest import NEW_YEAR, day

DRAFT = {
    "invoice_date": NEW_YEAR,
    "subtotal": Decimal(10),
    "discount_amount": Decimal(2),
    "tax_amount": Decimal(1),
    "total_amount": Decimal(9),
    "amount_due": Decimal(9),
    "status": "draft",
}


@pytest.fixture
def new_invoice(desk):
    def make(**columns):
        number = f"T-{random.getrandbits(64)}"
        return desk.insert("invoices", **DRAFT | {"invoice_number": number, "user_id": desk.new_person()} | columns)

    return make


@pytest.mark.parametrize(
    "columns, constraint",
    [
        ({"total_amount": Decimal("9.01"), "amount_due": Decimal(1)}, "invoices_add_up"),
        (
            {"discount_amount": Decimal(11), "total_amount": Decimal(0), "amount_due": Decimal(0)},
            "invoices_discount_within_subtotal",
        ),
        (
            {"tax_amount": Decimal(-1), "total_amount": Decimal(7), "amount_due": Decimal(7)},
            "invoices_amounts_not_negative",
        ),
        ({"amount_paid": Decimal(1)}, "invoices_due_and_paid_within_total"),
        ({"status": "pending", "amount_due": Decimal(0)}, "invoices_owe_what_their_status_says"),
        ({"status": "void"}, "invoices_owe_what_their_status_says"),
        ({"status": "paid", "amount_due": Decimal(0), "amount_paid": Decimal(9)}, "invoices_paid_says_when"),
    ],
)
def test_an_invoice_whose_figures_contradict_each_other_is_refused(new_invoice, columns, constraint):
    with pytest.raises(psycopg.errors.CheckViolation) as error:
        new_invoice(**columns)
    assert error.value.diag.constraint_name == constraint


@pytest.mark.parametrize("amount, tax", [("9.99", "1"), ("10", "0.99"), ("10", None)])
def test_an_issued_invoice_whose_lines_do_not_add_up_is_refused_when_the_transaction_ends(
    desk, new_invoice, amount, tax
):
    invoice = new_invoice()
    desk.insert(
        "invoice_line_items",
        invoice_id=invoice,
        description="a",
        unit_price=Decimal(amount),
        amount=Decimal(amount),
        tax_amount=tax and Decimal(tax),
    )
    with pytest.raises(psycopg.errors.CheckViolation, match="does not add up"):
        desk.db.execute("UPDATE invoices SET status = 'pending' WHERE id = %s", (invoice,))


def test_a_line_is_quantity_times_price(desk, new_invoice):
    with pytest.raises(psycopg.errors.CheckViolation):
        desk.insert(
            "invoice_line_items",
            invoice_id=new_invoice(),
            description="a",
            quantity=3,
            unit_price=Decimal("1.11"),
            amount=Decimal("3.34"),
        )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE invoices SET billing_name = 'another' WHERE id = %s",
        "UPDATE invoices SET subtotal = 11, total_amount = 11, amount_due = 11 WHERE id = %s",
        "DELETE FROM invoices WHERE id = %s",
        "DELETE FROM invoice_line_items WHERE invoice_id = %s",
        "UPDATE invoice_line_items SET description = 'x' WHERE invoice_id = %s",
        "INSERT INTO invoice_line_items (invoice_id, description, unit_price, amount) VALUES (%s, 'x', 0, 0)",
    ],
)
@pytest.mark.parametrize("is_paid", [False, True])
def test_an_issued_invoice_stays_as_it_is(desk, statement, is_paid):
    invoice = desk.subscribe(desk.new_person(), desk.new_plan())["invoice_id"]
    if is_paid:
        desk.pay(invoice, "10")
    with pytest.raises(psycopg.Error) as error:
        desk.db.execute(statement, (invoice,))
    assert error.value.diag.message_detail == "invoice_issued"


def test_where_an_invoice_can_be_had_may_still_be_noted(desk):
    invoice = desk.subscribe(desk.new_person(), desk.new_plan())["invoice_id"]
    desk.db.execute("UPDATE invoices SET invoice_pdf_url = 'https://x', notes = 'sent' WHERE id = %s", (invoice,))


def test_a_voided_invoice_gives_the_credit_back_that_it_used(desk):
    dear, cheap = desk.new_plan("31"), desk.new_plan("5")
    subscription = desk.subscribe(desk.new_person(), dear)["subscription_id"]
    desk.pay_all(subscription)
    assert desk.change(subscription, cheap, day(1, 11))["credit"] == 17.61
    answer = desk.change(subscription, dear, day(1, 12), billed="annual")
    assert (answer["credit"], answer["total_amount"]) == (0, 79.16)  # 100 less 3.23 less 17.61

    desk.call("billing_void_invoice", of_invoice=answer["invoice_id"], reason="a mistake")

    assert desk.change(subscription, dear, day(1, 12), billed="annual", takes_effect="period_end")["credit"] == 17.61


def test_a_voided_invoice_is_owed_no_more_and_its_subscription_is_not_past_due(desk):
    answer = desk.subscribe(desk.new_person(), desk.new_plan())
    desk.renew(answer["subscription_id"], day(1, 10))
    assert desk.subscription(answer["subscription_id"])["status"] == "past_due"

    desk.call("billing_void_invoice", of_invoice=answer["invoice_id"], reason="kindness")

    (invoice,) = desk.invoices(answer["subscription_id"])
    assert (invoice["status"], invoice["amount_due"], invoice["notes"]) == ("void", 0, "kindness")
    assert desk.subscription(answer["subscription_id"])["status"] == "active"
    with pytest.raises(psycopg.Error) as error:
        desk.pay(answer["invoice_id"], "10")
    assert error.value.diag.message_detail == "invoice_status"


def test_a_paid_invoice_cannot_be_voided(desk):
    invoice = desk.subscribe(desk.new_person(), desk.new_plan())["invoice_id"]
    desk.pay(invoice, "3")
    with pytest.raises(psycopg.Error, match="was paid on invoice"):
        desk.call("billing_void_invoice", of_invoice=invoice, reason="x")


def numbers_of_year(desk, year):
    found = desk.rows("SELECT invoice_number FROM invoices WHERE invoice_number LIKE %s ORDER BY 1", f"NX-{year}-%")
    return [int(row["invoice_number"].rpartition("-")[2]) for row in found]


@pytest.fixture
def year(db):
    """A year in which no other test has invoices."""
    (latest,) = db.execute("SELECT coalesce(max(year), 2100) FROM hub_invoice_numbers WHERE year > 2100").fetchone()
    return latest + 1


def test_an_invoice_that_is_undone_leaves_no_gap_in_the_numbers(desk, year):
    plan, moment = desk.new_plan(), datetime(year, 3, 1, tzinfo=UTC)
    desk.subscribe(desk.new_person(), plan, moment)
    with desk.db.transaction(force_rollback=True):
        desk.subscribe(desk.new_person(), plan, moment)
    desk.subscribe(desk.new_person(), plan, moment)

    assert numbers_of_year(desk, year) == [1, 2]


def test_the_numbers_begin_anew_each_year_by_universal_time(desk, year):
    plan = desk.new_plan()
    for moment in (datetime(year, 12, 31, 23, 59, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)):
        with desk.db.transaction():
            desk.db.execute("SET LOCAL timezone TO 'Pacific/Auckland'")
            desk.ask("billing_subscribe", for_user=desk.new_person(), to_plan=plan, as_of=moment)
    assert numbers_of_year(desk, year) == numbers_of_year(desk, year + 1) == [1]
