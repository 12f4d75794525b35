"""The billing desk: people, plans and coupons of a test's own, and the functions that an operator's backend calls."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


class Desk:
    def __init__(self, db: psycopg.Connection) -> None:
        self.db = db
        self._people: list[str] = []
        self._plans: list[str] = []
        self._coupons: list[str] = []
        self._partners: list[str] = []

    def close(self) -> None:
        """People take their subscriptions, invoices and payments with them."""
        self.db.execute(
            "DELETE FROM auth.users WHERE id = ANY (%s::uuid[])"
            " OR id IN (SELECT user_id FROM user_subscriptions WHERE plan_id = ANY (%s::uuid[]))",
            (self._people, self._plans),
        )
        self.db.execute("DELETE FROM subscription_plans WHERE id = ANY (%s::uuid[])", (self._plans,))
        self.db.execute("DELETE FROM coupons WHERE id = ANY (%s::uuid[])", (self._coupons,))
        self.db.execute("DELETE FROM oem_partners WHERE id = ANY (%s::uuid[])", (self._partners,))

    def insert(self, table: str, **columns: Any) -> str:
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING id::text").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join(sql.Placeholder(name) for name in columns),
        )
        return self.db.execute(statement, columns).fetchone()[0]

    def new_person(self) -> str:
        person = str(uuid.uuid4())
        self.db.execute("INSERT INTO auth.users (id, email) VALUES (%s, %s)", (person, f"{person}@example.com"))
        self.insert("users", id=person, email=f"{person}@example.com")
        self._people.append(person)
        return person

    def new_plan(self, monthly: str = "10", annual: str | None = "100", tier: str = "essential", **columns: Any) -> str:
        code = f"plan-{uuid.uuid4()}"
        plan = self.insert(
            "subscription_plans",
            **{
                "plan_code": code,
                "tier": tier,
                "plan_name": code,
                "display_name": "A plan",
                "monthly_price": Decimal(monthly),
                "annual_price": None if annual is None else Decimal(annual),
            }
            | columns,
        )
        self._plans.append(plan)
        return plan

    def new_coupon(self, percent: str | None = None, fixed: str | None = None, **columns: Any) -> str:
        """Answers its code."""
        code = f"C-{uuid.uuid4()}"
        value = {"discount_type": "percent", "discount_value": Decimal(percent)} if percent is not None else {}
        if fixed is not None:
            value = {"discount_type": "fixed_amount", "discount_value": Decimal(fixed)}
        self._coupons.append(
            self.insert("coupons", **{"code": code, "name": code, "duration": "once"} | value | columns)
        )
        return code

    def new_partner(self, **columns: Any) -> str:
        partner = self.insert("oem_partners", **{"company_name": "Acme", "partner_type": "installer"} | columns)
        self._partners.append(partner)
        return partner

    @contextmanager
    def role(self, role: str, person: str | None = None) -> Iterator[None]:
        """One transaction under a role and a person's claims, as a gateway opens it."""
        claims = json.dumps({"role": role} | ({"sub": person} if person else {}))
        with self.db.transaction():
            self.db.execute(
                "SELECT set_config('role', %s, true), set_config('request.jwt.claims', %s, true)", (role, claims)
            )
            yield
            # The role would outlive this block if it stands in a larger transaction.
            self.db.execute("SELECT set_config('role', 'none', true), set_config('request.jwt.claims', '', true)")

    def call(self, function: str, *, role: str = "service_role", person: str | None = None, **named: Any) -> Any:
        with self.role(role, person):
            return self.ask(function, **named)

    def ask(self, function: str, **named: Any) -> Any:
        given = {name: json.dumps(value) if _is_json(value) else value for name, value in named.items()}
        statement = sql.SQL("SELECT public.{}({})").format(
            sql.Identifier(function),
            sql.SQL(", ").join(sql.SQL("{} => {}").format(sql.Identifier(n), sql.Placeholder(n)) for n in given),
        )
        return self.db.execute(statement, given).fetchone()[0]

    def subscribe(self, person: str, plan: str, as_of: datetime = NEW_YEAR, **named: Any) -> dict[str, Any]:
        return self.call("billing_subscribe", for_user=person, to_plan=plan, as_of=as_of, **named)

    def change(self, subscription: str, plan: str, as_of: datetime, **named: Any) -> dict[str, Any]:
        return self.call("billing_change_plan", of_subscription=subscription, to_plan=plan, as_of=as_of, **named)

    def renew(self, subscription: str, as_of: datetime) -> dict[str, Any]:
        return self.call("billing_renew", as_of=as_of, only_subscription=subscription)

    def pay(self, invoice: str, paid: str | Decimal, **named: Any) -> dict[str, Any]:
        return self.call("billing_record_payment", of_invoice=invoice, paid=Decimal(paid), **named)

    def pay_all(self, subscription: str) -> None:
        for invoice in self.invoices(subscription):
            if invoice["status"] in {"pending", "overdue"}:
                self.pay(invoice["id"], invoice["amount_due"])

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        with self.db.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(statement, values).fetchall()

    def subscription(self, subscription: str) -> dict[str, Any]:
        return self.rows("SELECT * FROM user_subscriptions WHERE id = %s", subscription)[0]

    def invoices(self, subscription: str) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM invoices WHERE subscription_id = %s ORDER BY invoice_number", subscription)

    def lines(self, invoice: Any) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM invoice_line_items WHERE invoice_id = %s ORDER BY amount DESC", invoice)


def _is_json(value: Any) -> bool:
    """Lists of words are arrays, everything else that is nested is a document."""
    return (
        isinstance(value, dict)
        or (isinstance(value, list) and not all(isinstance(item, str) for item in value))
        or value == []
    )


@pytest.fixture
def desk(db: psycopg.Connection) -> Iterator[Desk]:
    made = Desk(db)
    yield made
    made.close()


def day(month: int, of_month: int = 1, year: int = 2026, hour: int = 0) -> datetime:
    return datetime(year, month, of_month, hour, tzinfo=UTC)


def calls(moment: datetime, count: int, **of: Any) -> list[dict[str, Any]]:
    """A batch for record_api_usage."""
    return [{"time": moment.isoformat(), "endpoint": "/devices", "method": "GET"} | of for _ in range(count)]
