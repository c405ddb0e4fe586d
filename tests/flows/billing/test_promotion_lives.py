"""Random lives with promotions: nothing below zero, nothing had twice, and all of it adds up."""

from __future__ import annotations

import os
from collections import defaultdict
from datetime import date

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from billing.catalog.terms import When
from billing.flows.change import Change, change
from billing.flows.redeem import redeem
from billing.invoicing.discounts import invoice_discount, parts_from
from billing.invoicing.goodwill import goodwill
from billing.invoicing.store import credit_line, credit_note, invoice, invoice_line
from billing.promotions.model import Scope
from billing.promotions.store import promotion as promotions
from billing.promotions.store import redemption
from billing.reads import accounts, explaining
from billing.subscriptions.store import pause
from runtime.store import Store, Tx
from terms.ids import AccountId
from tests.fixtures.billing import make_office
from tests.fixtures.promotions import offer, promotion
from tests.flows.billing.books import check_books
from tests.flows.billing.days import each_day_once
from tests.flows.billing.test_histories import HOUSEHOLDS, History, acts, no_more_to_do, scratch
from tests.flows.billing.test_verify import broken

EXAMPLES = int(os.environ.get("BOXOFFICE_TEST_HISTORIES", "8"))
OFFERED = (
    promotion("HALF", "50%", periods_max=2),
    promotion("THIRD", "33.33%", "BASIC", "LARGE", scope=Scope.PLAN),
    promotion("SEVEN", "7.77", account_max=2, group="seven"),
    promotion("FIVE", "5.00", "BASIC", "SPORT", periods_max=3),
    promotion("HUNDRED", "100.00", "KIDS", "LARGE"),
    promotion("FREE", "100%", periods_max=1, group="free"),
    promotion("AHEAD", "12.5%", "BASIC", ahead=3),
)
CODES = [one.code for one in OFFERED]

redeeming = st.tuples(st.just("redeem"), st.sampled_from(HOUSEHOLDS), st.sampled_from(CODES))


class Promoted(History):
    """A life in which codes are redeemed, too."""

    async def _redeem(self, contract: str, code: str) -> None:
        async with self.office.store.begin() as tx:
            await redeem(self.office.desk, tx, contract, code, self.office.now)


@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@example(
    # A household whose lesser plan is only to come does not go "to the other and back".
    first=[],
    then=[("plan", "100002", "LARGE"), ("plan", "100002", "BASIC")],
)
@given(first=st.lists(redeeming, max_size=6), then=st.lists(acts | redeeming, max_size=10))
async def test_no_life_makes_a_discount_more_than_it_is(
    sqlite_template, tmp_path_factory, machine, first, then
):
    """Whatever promotions, changes, rests and ends follow each other, the discounts hold.

    No line is below zero, nobody has more than was paid, a fixed amount is had once a day, every
    line computes again, and a change to and fro costs nothing.
    """
    with scratch(sqlite_template, tmp_path_factory.mktemp("life")) as copy:
        store = Store(copy("life.db"))
        try:
            life = Promoted(make_office(store, machine))
            await life.office.publish()
            await offer(life.office, *OFFERED)
            await life.begin()
            for one in (*first, *then):
                await life.act(*one)
            await sound(life)
            for contract, account in zip(HOUSEHOLDS, life.accounts, strict=True):
                await to_and_fro(life, contract, account)
            await sound(life)
            await no_more_to_do(life)
        finally:
            await store.close()


async def sound(life: History) -> None:
    """Check everything that is to hold at any moment."""
    store = life.office.store
    await check_books(store)
    await each_day_once(store, life.office.now.date())
    async with store.read() as tx:
        lines = await tx.rows(
            select(invoice_line, invoice.c.number).join(
                invoice, invoice.c.id == invoice_line.c.invoice_id
            )
        )
        assert all(row.amount_minor >= 0 for row in lines)
        for row in lines:
            if row.off_minor:
                assert (await explaining.line(tx, f"{row.number}.{row.n}")).agrees
        wrong = set(await broken(tx)) - {"each payment in cash is a deed of somebody"}
        assert not wrong
        await _had_once(tx)
        await _periods(tx)


async def _had_once(tx: Tx) -> None:
    """Check that of a fixed amount no day of a period has more than the amount.

    Lines that charged nothing are left out: no credit says until when they were had.
    """
    c, off = invoice_line.c, invoice_discount.c
    joined = (
        invoice_discount.join(invoice_line, c.invoice_id == off.invoice_id)
        .join(redemption, redemption.c.id == off.redemption_id)
        .join(promotions, promotions.c.code == redemption.c.promotion)
    )
    rows = await tx.rows(
        select(
            *(off.redemption_id, off.ends_on, off.parts, off.invoice_id, c.n),
            *(c.period_start, c.period_end, c.subject, promotions.c.amount_minor.label("most")),
            promotions.c.scope,
        )
        .select_from(joined)
        .where(promotions.c.amount_minor.is_not(None), c.amount_minor > 0)
    )
    back = await tx.rows(select(credit_line))
    given: dict[tuple[str, int], set[int]] = defaultdict(set)
    for one in back:
        days = range(one.period_start.toordinal(), one.period_end.toordinal())
        given[(one.invoice_id, one.invoice_n)] |= set(days)
    had: dict[tuple[str, date, int], int] = defaultdict(int)
    for row in rows:
        credited = given[(row.invoice_id, row.n)]
        for day in range(row.period_start.toordinal(), row.period_end.toordinal()):
            if day not in credited:
                parts = [one for one in parts_from(row.parts) if one.n == row.n]
                had[(row.redemption_id, row.ends_on, day)] += sum(one.off_minor for one in parts)
    most = {row.redemption_id: row.most for row in rows}
    assert all(off_minor <= most[key[0]] for key, off_minor in had.items())


async def _periods(tx: Tx) -> None:
    """Check that no redemption was borne by more periods than it is for."""
    off = invoice_discount.c
    rows = await tx.rows(
        select(func.count(off.ends_on.distinct()).label("borne"), promotions.c.periods_max)
        .join(redemption, redemption.c.id == off.redemption_id)
        .join(promotions, promotions.c.code == redemption.c.promotion)
        .where(promotions.c.periods_max.is_not(None))
        .group_by(off.redemption_id, promotions.c.periods_max)
    )
    assert all(row.borne <= row.periods_max for row in rows)


async def to_and_fro(life: History, contract: str, account: AccountId) -> None:
    """Take another plan and go back at once: nothing is owed for it, and nothing is had."""
    office = life.office
    before = await net(life, account)
    async with office.store.read() as tx:
        held = await accounts.offerings(tx, contract, office.now.date())
        ahead = select(redemption.c.id).where(
            redemption.c.account_id == account, redemption.c.promotion == "AHEAD"
        )
        rests = select(pause.c.id).where(pause.c.service_id == life.services[contract])
        kind = select(goodwill.c.id).where(goodwill.c.account_id == account)
        is_else = await tx.scalar(ahead) or await tx.scalar(rests) or await tx.scalar(kind)
    plans = [one for one in ("BASIC", "LARGE") if one in held]
    if len(plans) != 1 or is_else:
        # It has ended, or changes later. What was paid ahead ends with its subscription, days
        # behind a rest that were given back are charged when they come, and of a line that goodwill
        # took of only the rest is given back.
        return
    other = "LARGE" if plans == ["BASIC"] else "BASIC"
    for plan in (other, *plans):
        async with office.store.begin() as tx:
            wish = Change(plan=plan, when=When.NOW)
            await change(office.desk, tx, contract, wish, office.now)
        await office.settle(account)
    assert await net(life, account) == before


async def net(life: History, account: AccountId) -> int:
    """Sum what an account was charged, less what it was given back."""
    async with life.office.store.read() as tx:
        charged = await tx.scalar(
            select(func.sum(invoice.c.net_minor)).where(invoice.c.account_id == account)
        )
        back = await tx.scalar(
            select(func.sum(credit_note.c.net_minor)).where(credit_note.c.account_id == account)
        )
    return int(charged or 0) - int(back or 0)
