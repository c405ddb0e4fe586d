"""/books: what the books say as a whole; and an invoice is written off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.desk import books
from app.web.api.shapes import Amount, Day, Text
from app.web.api.ways import change, look
from app.web.route import Body, Call, Query
from billing.reads.books import Aged, Balance, DeferredMonth
from runtime.store import Tx


class TrialQuery(Query):
    """With all that was booked up to and including a day; without one, all."""

    until: Day | None = None


class AgeingQuery(Query):
    """As of a day; today unless said."""

    on: Day | None = None


class MonthsQuery(Query):
    """From the month of a day to that of another; this year's, up to this one, unless said."""

    since: Day | None = None
    until: Day | None = None


class WriteOffBody(Body):
    """Why nobody will pay it."""

    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class BookBalance:
    """All that was debited and credited of a book in a currency; a debit balance is positive."""

    book: str
    party: str
    debit: Amount
    credit: Amount
    balance: Amount

    @classmethod
    def of(cls, one: Balance) -> BookBalance:
        """Show a balance."""
        return cls(
            book=one.book.value,
            party=one.party,
            debit=Amount.of(one.debit),
            credit=Amount.of(one.credit),
            balance=Amount.of(one.balance),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalance:
    """The trial balance: the balances of each currency sum to zero."""

    items: list[BookBalance]


@dataclass(frozen=True, slots=True, kw_only=True)
class DebtAge:
    """What is open of one age: not due yet, or so many days overdue."""

    age: str
    open: Amount
    invoices: int
    accounts: int

    @classmethod
    def of(cls, one: Aged) -> DebtAge:
        """Show an age."""
        return cls(
            age=one.age.value,
            open=Amount.of(one.open),
            invoices=one.invoices,
            accounts=one.accounts,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ageing:
    """What is owed, by age; each currency has every age."""

    items: list[DebtAge]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeferredRevenue:
    """A month of deferred revenue in a currency: opening + charged - given back - earned."""

    month: date
    opening: Amount
    charged: Amount
    given_back: Amount
    earned: Amount
    closing: Amount

    @classmethod
    def of(cls, one: DeferredMonth) -> DeferredRevenue:
        """Show a month."""
        return cls(
            month=one.month,
            opening=Amount.of(one.opening),
            charged=Amount.of(one.charged),
            given_back=Amount.of(one.given_back),
            earned=Amount.of(one.earned),
            closing=Amount.of(one.closing),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeferredMonths:
    """Deferred revenue through the months, by currency."""

    items: list[DeferredRevenue]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOff:
    """What was given up of an invoice."""

    number: str
    account: str
    amount: Amount


async def trial(call: Call) -> TrialBalance:
    """Show the trial balance."""
    query: TrialQuery = call.query
    return TrialBalance(items=list(map(BookBalance.of, await books.trial(call.house, query.until))))


async def ageing(call: Call) -> Ageing:
    """Show what is owed, by how many days ago it was due."""
    query: AgeingQuery = call.query
    return Ageing(items=list(map(DebtAge.of, await books.ageing(call.house, query.on))))


async def deferred(call: Call) -> DeferredMonths:
    """Show how deferred revenue went through the months."""
    query: MonthsQuery = call.query
    found = await books.deferred(call.house, query.since, query.until)
    return DeferredMonths(items=list(map(DeferredRevenue.of, found)))


async def write_off(call: Call, tx: Tx) -> WriteOff:
    """Give up what is open of an invoice that nobody will pay."""
    told: WriteOffBody = call.body
    done = await books.write_off(
        call.house, tx, call.part("number"), reason=told.reason, actor=call.actor
    )
    return WriteOff(number=done.number, account=done.account, amount=Amount.of(done.amount))


ROUTES = (
    look("books/trial", trial, TrialBalance, query=TrialQuery),
    look("books/ageing", ageing, Ageing, query=AgeingQuery),
    look("books/deferred", deferred, DeferredMonths, query=MonthsQuery),
    change("invoices/{number}/write-off", write_off, WriteOff, body=WriteOffBody),
)
