"""Days that promotions make wholly free: nothing is given back of them, and nothing comes of that.

Four households live one life, at full price, at half, for nothing, and with more off than anything
costs. What the free ones are charged follows from the other two, whatever happens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from billing.catalog.terms import When
from billing.flows.change import Change
from billing.flows.redeem import redeem
from billing.flows.void import void
from billing.invoicing.store import credit_line, credit_note, invoice, invoice_line
from billing.subscriptions.model import Activation
from runtime.store import Store, Tx
from terms.errors import DomainError
from terms.ids import AccountId
from tests.fixtures.billing import START, household, make_office
from tests.fixtures.promotions import offer, promotion
from tests.flows.billing.books import check_books
from tests.flows.billing.days import each_day_once
from tests.flows.billing.test_histories import ADDONS, EXAMPLES, History, no_more_to_do, scratch

FULL, HALF, FREE, MORE = "100000", "100050", "100100", "100999"
OFF = {HALF: "50%", FREE: "100%", MORE: "9999.00"}
# What limits a promotion, and for how many months all that is charged is free.
LIMITS: Mapping[str, tuple[Mapping[str, Any], int | None]] = {
    "one period": ({"periods_max": 1}, 1),
    "two periods": ({"periods_max": 2}, 2),
    "nothing": ({}, None),
    "until later in March": ({"until": date(2026, 3, 20)}, 1),
    "until April": ({"until": date(2026, 4, 2)}, 2),
}
CENTS_A_LINE = 2  # of a rate halved, and of a part of it

Act = tuple[str, Any]
acts = st.one_of(
    st.tuples(st.just("days"), st.integers(1, 20)),
    st.tuples(
        st.just("change"), st.builds(Change, add=st.sampled_from(ADDONS).map(lambda x: (x,)))
    ),
    st.tuples(
        st.just("change"), st.builds(Change, remove=st.sampled_from(ADDONS).map(lambda x: (x,)))
    ),
    st.tuples(
        st.just("change"),
        st.builds(Change, plan=st.sampled_from(["BASIC", "LARGE"]), when=st.just(When.NOW)),
    ),
    st.tuples(
        st.just("change"), st.builds(Change, quantity=st.integers(1, 3), when=st.just(When.NOW))
    ),
    st.tuples(st.just("rest"), st.tuples(st.integers(0, 9), st.none() | st.integers(1, 40))),
    st.tuples(st.just("resume"), st.integers(0, 9)),
    st.tuples(st.just("cancel"), st.sampled_from(list(When))),
    st.tuples(st.just("void"), st.booleans()),
)


class Lives(History):
    """The same life of households that differ in what is off."""

    async def begin_with(self, limit: Mapping[str, Any]) -> None:
        """Sign them up, each with its promotion from the first day on."""
        office = self.office
        await office.publish()
        for code, off in OFF.items():
            await offer(office, promotion(f"P{code}", off, **limit))
        orders = [
            household(one, plan="BASIC", activation=Activation.OPEN, addons=("SPORT",))
            for one in (FULL, *OFF)
        ]
        self.accounts = [one.account for one in await office.sign_up(*orders)]
        for code in OFF:
            async with office.store.begin() as tx:
                await redeem(office.desk, tx, code, f"P{code}", office.now)
        await office.settle(*self.accounts)

    async def all_do(self, name: str, value: Any) -> None:
        """Let each do the same."""
        if name == "days":
            await self._days("", value)
        else:
            for contract in (FULL, *OFF):
                with suppress(DomainError):
                    await getattr(self, f"_{name}")(contract, value)
        await self.office.settle(*self.accounts)

    async def _void(self, contract: str, is_again: bool) -> None:
        """Call the first invoice void; it is the same one at any price."""
        account = self.accounts[(FULL, *OFF).index(contract)]
        async with self.office.store.begin() as tx:
            query = select(invoice.c.number).where(invoice.c.account_id == account)
            number = await tx.scalar(query.order_by(invoice.c.sequence).limit(1))
            now = self.office.now
            await void(self.office.desk, tx, number, now, by="ann", is_charged_again=is_again)


REST: Act = ("rest", (3, None))
ON_MARCH_20: Act = ("days", 9)
TO_AND_FRO: tuple[Act, ...] = (
    ("change", Change(plan="LARGE", when=When.NOW)),
    ("days", 3),
    ("change", Change(plan="BASIC", when=When.NOW)),
)


@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(limited=st.sampled_from(sorted(LIMITS)), life=st.lists(acts, min_size=2, max_size=8))
@example(limited="one period", life=[REST, ON_MARCH_20, ("resume", 0), ("days", 20)])
@example(limited="one period", life=[*TO_AND_FRO, ("void", True), ("days", 25)])
@example(
    limited="until April", life=[("days", 25), ("void", True), REST, ("days", 5), ("resume", 0)]
)
@example(limited="one period", life=[("void", False), *TO_AND_FRO, ("days", 25)])
async def test_what_is_free_stays_free_and_nothing_else_does(
    sqlite_template, tmp_path_factory, machine, limited: str, life: list[Act]
):
    """Whatever is changed, rested, ended, void or charged again, free days cost nothing twice.

    No line of the free periods costs anything. Half price lies in the middle between full price and
    none, but for cents that are rounded; and more off than anything costs is all of it.
    """
    with scratch(sqlite_template, tmp_path_factory.mktemp("free")) as copy:
        store = Store(copy("life.db"))
        try:
            lives = Lives(make_office(store, machine))
            limit, months = LIMITS[limited]
            await lives.begin_with(limit)
            for name, value in life:
                await lives.all_do(name, value)
            await check_books(store)
            if not any(name == "void" for name, _ in life):
                await each_day_once(store, lives.office.now.date())
            await no_more_to_do(lives)
            async with store.read() as tx:
                full, half, free, more = [await _net(tx, one) for one in lives.accounts]
                lines = await _lines(tx)
                costs = await _costs_before(tx, lives.accounts[2:], months)
            assert not costs, costs
            assert more == free
            assert abs(full + free - 2 * half) <= CENTS_A_LINE * lines, (full, half, free)
        finally:
            await store.close()


@pytest.mark.parametrize("off", ["50%", "100%", "5.00"])
async def test_a_period_that_began_in_time_stays_discounted(small_office, off: str):
    """After a promotion has ended, a change to and fro or a rest lifted costs what the days did."""
    office = small_office
    await office.publish()
    await offer(office, promotion("SOON", off, until=START.date() + timedelta(days=4)))
    (made,) = await office.sign_up(household(FULL, activation=Activation.OPEN))
    async with office.store.begin() as tx:
        await redeem(office.desk, tx, FULL, "SOON", office.now)
    await office.settle(made.account)
    lives = Lives(office)
    lives.accounts = [made.account]
    async with office.store.read() as tx:
        before = await _net(tx, made.account)
    office.forward(days=9)
    for plan in ("LARGE", "BASIC"):
        await lives._change(FULL, Change(plan=plan, when=When.NOW))
        await office.settle(made.account)
    async with office.store.read() as tx:
        assert await _net(tx, made.account) == before
    await lives._rest(FULL, (0, 5))
    await office.settle(made.account)
    await lives._resume(FULL, 0)
    await office.settle(made.account)
    async with office.store.read() as tx:
        assert await _net(tx, made.account) == before


async def _net(tx: Tx, account: AccountId) -> int:
    """Sum what an account was charged, less what it was given back."""
    of_invoices = select(func.sum(invoice.c.net_minor)).where(invoice.c.account_id == account)
    of_notes = select(func.sum(credit_note.c.net_minor)).where(credit_note.c.account_id == account)
    return int(await tx.scalar(of_invoices) or 0) - int(await tx.scalar(of_notes) or 0)


async def _costs_before(
    tx: Tx, accounts: Sequence[AccountId], months: int | None
) -> list[tuple[str, date, int]]:
    """List what was charged of the months that are free in any case: a rest makes it more."""
    until = date.max if months is None else date(START.year, START.month + months, 1)
    c = invoice_line.c
    query = select(c.offering, c.period_start, c.amount_minor).join_from(
        invoice_line, invoice, invoice.c.id == c.invoice_id
    )
    mine = (invoice.c.account_id.in_(accounts), c.period_start < until, c.amount_minor > 0)
    return [tuple(row) for row in await tx.rows(query.where(*mine))]


async def _lines(tx: Tx) -> int:
    """Count all that may have been rounded."""
    counts = [
        await tx.scalar(select(func.count()).select_from(one))
        for one in (invoice_line, credit_line)
    ]
    return sum(map(int, counts))
