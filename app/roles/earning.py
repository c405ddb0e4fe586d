"""Months that are over are earned, by the scheduler or by hand: page by page, others in between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.desk.auditing import note
from app.wiring import House
from billing.flows.earn import earn


@dataclass(slots=True, kw_only=True)
class EarnedMonth:
    """A month that was earned, or a part of it: of how many accounts something was."""

    month: date
    accounts: int = 0
    postings: int = 0


async def run(house: House) -> list[EarnedMonth]:
    """Earn what is over and not done, each page in a transaction of its own."""
    months: dict[date, EarnedMonth] = {}
    while True:
        async with house.store.begin() as tx:
            page = await earn(tx, await house.clock.business_now(tx))
        if page is None:
            return list(months.values())
        month = months.setdefault(page.month, EarnedMonth(month=page.month))
        month.accounts += page.accounts
        month.postings += page.postings


async def run_by_hand(house: House, *, actor: str) -> list[EarnedMonth]:
    """Earn, as somebody wishes it."""
    months = await run(house)
    async with house.store.begin() as tx:
        told = ", ".join(f"{one.month:%Y-%m}: {one.postings} accounts" for one in months)
        await note(
            house, tx, actor=actor, action="books.earn", subject="books", after=told or "nothing"
        )
    return months
