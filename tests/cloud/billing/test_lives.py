"""Random lives of subscriptions against a model in exact arithmetic: what is asked for is what the model asks for, to the cent."""

import calendar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from hypothesis import HealthCheck, given, settings, strategies as st

from tests.cloud.billing.conftest import Desk

CENT = Decimal("0.01")


def cents(exact: Fraction) -> Decimal:
    """Half a cent away from zero."""
    scaled = abs(exact) * 100
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(whole if exact >= 0 else -whole) * CENT


def months_after(anchor: datetime, months: int) -> datetime:
    index = anchor.month - 1 + months
    year, month = anchor.year + index // 12, index % 12 + 1
    return anchor.replace(year=year, month=month, day=min(anchor.day, calendar.monthrange(year, month)[1]))


@dataclass(frozen=True)
class Plan:
    monthly: Decimal
    annual: Decimal

    def price(self, billed: str) -> Decimal:
        return self.monthly if billed == "monthly" else self.annual


@dataclass(frozen=True)
class Coupon:
    percent: Decimal | None
    fixed: Decimal | None
    duration: str
    months: int | None


@dataclass
class Model:
    """The rules of FLOWS.md, written a second time and differently: with a list of period borders and exact fractions."""

    plan: Plan
    billed: str
    start: datetime
    coupon: Coupon | None
    tax_rate: Decimal
    anchor: datetime = field(init=False)
    steps: int = 1
    credit: Decimal = Decimal(0)
    scheduled: tuple[Plan, str] | None = None
    cancels: bool = False
    has_ended: bool = False
    asked: list[tuple[Decimal, Decimal, Decimal, Decimal]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.anchor = self.start
        self.discount_until = self.end if self.coupon and self.coupon.duration == "once" else None
        if self.coupon and self.coupon.duration == "repeating":
            self.discount_until = months_after(self.start, self.coupon.months)
        self.ask_for_period()

    @property
    def step(self) -> int:
        return 1 if self.billed == "monthly" else 12

    @property
    def begin(self) -> datetime:
        return months_after(self.anchor, (self.steps - 1) * self.step)

    @property
    def end(self) -> datetime:
        return months_after(self.anchor, self.steps * self.step)

    def discount(self, price: Decimal, period_start: datetime) -> Decimal:
        if self.coupon is None or (self.discount_until is not None and period_start >= self.discount_until):
            return Decimal(0)
        if self.coupon.percent is not None:
            return cents(Fraction(price) * Fraction(self.coupon.percent) / 100)
        return min(self.coupon.fixed, price)

    def ask(self, charge: Decimal, discount: Decimal) -> None:
        used = min(self.credit, charge - discount)
        self.credit -= used
        net = charge - discount - used
        tax = cents(Fraction(net) * Fraction(self.tax_rate))
        self.asked.append((charge - used, discount, tax, net + tax))

    def ask_for_period(self) -> None:
        price = self.plan.price(self.billed)
        if price:
            self.ask(price, self.discount(price, self.begin))

    def change_now(self, plan: Plan, billed: str, at: datetime) -> None:
        share = Fraction(
            (self.end - at) // timedelta(microseconds=1), (self.end - self.begin) // timedelta(microseconds=1)
        )
        old = self.plan.price(self.billed)
        back = cents(Fraction(old - self.discount(old, self.begin)) * share)
        price = plan.price(billed)
        if billed == self.billed:
            charge = cents(Fraction(price - self.discount(price, self.begin)) * share)
        else:
            if self.coupon and self.coupon.duration == "once":
                self.discount_until = self.begin
            self.anchor, self.steps = at, 1
            charge = price - self.discount(price, at)
        self.plan, self.billed, self.scheduled = plan, billed, None
        if charge > back:
            self.ask(charge - back, Decimal(0))
        else:
            self.credit += back - charge

    def renew(self, until: datetime) -> None:
        while not self.has_ended and self.end <= until:
            if self.cancels:
                self.has_ended = True
                return
            border = self.end
            if self.scheduled:
                plan, billed = self.scheduled
                if billed != self.billed:
                    if self.coupon and self.coupon.duration == "once":
                        self.discount_until = self.begin
                    self.anchor, self.steps, self.billed = border, 0, billed
                self.plan, self.scheduled = plan, None
            self.steps += 1
            self.ask_for_period()


prices = st.decimals(min_value=0, max_value=500, places=2)
plans = st.builds(Plan, prices, prices)
intervals = st.sampled_from(["monthly", "annual"])
YEAR = datetime(2026, 1, 1, tzinfo=UTC)
moments = st.timedeltas(timedelta(0), timedelta(days=365)).map(lambda since: YEAR + since)
coupons = st.builds(
    lambda percent, fixed, is_percent, duration, months: Coupon(
        percent if is_percent else None,
        None if is_percent else fixed,
        duration,
        months if duration == "repeating" else None,
    ),
    st.decimals(min_value=Decimal("0.01"), max_value=100, places=2),
    st.decimals(min_value=Decimal("0.01"), max_value=300, places=2),
    st.booleans(),
    st.sampled_from(["once", "repeating", "forever"]),
    st.integers(1, 14),
)
waits = st.timedeltas(timedelta(microseconds=1), timedelta(days=50))
steps = st.one_of(
    st.tuples(st.just("change"), waits, st.integers(0, 2), intervals),
    st.tuples(st.just("schedule"), waits, st.integers(0, 2), intervals),
    st.tuples(st.just("wait"), waits),
    st.tuples(st.sampled_from(["cancel", "keep"]), waits),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    choices=st.lists(plans, min_size=3, max_size=3),
    billed=intervals,
    start=moments,
    coupon=st.none() | coupons,
    tax_rate=st.sampled_from([Decimal(0), Decimal("0.25"), Decimal("0.0825")]),
    life=st.lists(steps, max_size=8),
)
def test_a_subscription_asks_for_what_the_model_asks_for(db, *, choices, billed, start, coupon, tax_rate, life):
    desk = Desk(db)
    try:
        ids = [desk.new_plan(str(plan.monthly), str(plan.annual)) for plan in choices]
        model = Model(choices[0], billed, start, coupon, tax_rate)
        code = coupon and desk.new_coupon(
            coupon.percent and str(coupon.percent),
            coupon.fixed and str(coupon.fixed),
            duration=coupon.duration,
            duration_in_months=coupon.months,
        )
        subscription = desk.subscribe(
            desk.new_person(), ids[0], start, billed=billed, coupon=code, details={"tax_rate": str(tax_rate)}
        )["subscription_id"]
        now = start
        for step, wait, *rest in life:
            now += wait
            desk.pay_all(subscription)
            model.renew(now)
            desk.renew(subscription, now)
            if model.has_ended:
                break
            take(desk, subscription, model, ids=ids, choices=choices, now=now, step=step, rest=rest)
        desk.pay_all(subscription)
        agree(desk, subscription, model)
    finally:
        desk.close()


def take(desk, subscription, model, *, ids, choices, now, step, rest):
    """One step of a life, by the desk and by the model."""
    if step in {"change", "schedule"} and not model.cancels:
        number, billed = rest
        if step == "change":
            model.change_now(choices[number], billed, now)
            desk.change(subscription, ids[number], now, billed=billed)
        else:
            model.scheduled = (choices[number], billed)
            desk.change(subscription, ids[number], now, billed=billed, takes_effect="period_end")
    elif step == "cancel":
        model.cancels, model.scheduled = True, None
        desk.call("billing_cancel", of_subscription=subscription, as_of=now)
    elif step == "keep":
        model.cancels = False
        desk.call("billing_keep", of_subscription=subscription)


def agree(desk, subscription, model):
    found = desk.subscription(subscription)
    invoices = desk.invoices(subscription)
    (credit,) = desk.rows(
        "SELECT coalesce(sum(amount), 0) AS left FROM hub_subscription_credits WHERE subscription_id = %s", subscription
    )

    figures = ("subtotal", "discount_amount", "tax_amount", "total_amount")
    assert [tuple(invoice[figure] for figure in figures) for invoice in invoices] == model.asked
    assert credit["left"] == model.credit
    assert (found["current_period_start"], found["current_period_end"]) == (model.begin, model.end)
    assert (found["status"] == "cancelled") is model.has_ended
    for invoice in invoices:
        lines = desk.lines(invoice["id"])
        assert sum(line["amount"] for line in lines) == invoice["subtotal"]
        assert sum(line["tax_amount"] for line in lines) == invoice["tax_amount"]
        assert (invoice["status"], invoice["amount_due"]) == ("paid", 0)
        assert invoice["amount_paid"] == invoice["total_amount"]


@given(st.fractions(-(10**6), 10**6))
def test_the_models_own_rounding_is_half_up(exact):
    quotient = (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(CENT, ROUND_HALF_UP)
    assert abs(Fraction(cents(exact)) - exact) <= Fraction(1, 200)
    assert abs(cents(exact) - quotient) <= CENT
