"""What a run would bill, added up batch by batch: sums, what is unusual, what is broken."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar

from billing.flows.settle import Foreseen
from billing.reads import bills
from billing.reads.bills import Lately, Named
from runtime.store import Tx
from terms.ids import AccountId
from terms.money import Money

SHOWN_MAX = 100
SHOCK_PERCENT = 150


@dataclass(slots=True, kw_only=True)
class Sums:
    """What would be billed in one currency."""

    currency: str
    invoices: int = 0
    net: Money
    tax: Money
    total: Money
    given_back: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusual:
    """A bill that is much larger, or much smaller, than the account's usual one."""

    number: str
    name: str
    total: Money
    usual: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """An account that cannot be billed, and why: a run parks it and goes on."""

    number: str
    why: str


N = TypeVar("N", Unusual, Named)


@dataclass(slots=True, kw_only=True)
class BillPreview:
    """What a run at a moment would bill. The lists are by number and cut at SHOWN_MAX; the counts
    are not.

    `shocks` are bills of more than `shock_percent` of the median of the account's last three,
    `drops` of less than that the other way round. `fresh` were never billed before; `gone` were a
    month before the day, and are not now.
    """

    at: datetime
    day: date
    shock_percent: int = SHOCK_PERCENT
    accounts: int = 0
    sums: dict[str, Sums] = field(default_factory=dict)
    shocks: list[Unusual] = field(default_factory=list)
    shocks_count: int = 0
    drops: list[Unusual] = field(default_factory=list)
    drops_count: int = 0
    fresh: list[Named] = field(default_factory=list)
    fresh_count: int = 0
    gone: list[Named] = field(default_factory=list)
    gone_count: int = 0
    broken: list[Broken] = field(default_factory=list)
    broken_count: int = 0

    def told(self) -> str:
        """Write what a person needs who is to let the day go."""
        sums = [
            {
                "currency": one.currency,
                "invoices": one.invoices,
                "net": str(one.net),
                "tax": str(one.tax),
                "total": str(one.total),
                "given_back": str(one.given_back),
            }
            for one in self.sums.values()
        ]
        counts = ("accounts", "shocks", "drops", "fresh", "gone", "broken")
        named = {one: getattr(self, f"{one}_count", self.accounts) for one in counts}
        return json.dumps({**named, "sums": sums}, separators=(",", ":"))


@dataclass(slots=True, kw_only=True)
class Rechecked:
    """What periods since a day, computed again, come to that is not on the books.

    `differs` stands on the books otherwise. `due` is to be billed by now and is not yet: whatever
    a run will bill is no difference. What is `broken` could not be compared.
    """

    at: datetime
    since: date
    accounts: int = 0
    differs: dict[str, Sums] = field(default_factory=dict)
    due: dict[str, Sums] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)
    broken_count: int = 0

    @property
    def is_right(self) -> bool:
        """Whether all was compared, and nothing differs."""
        return not (self.differs or self.broken_count)


async def add(tx: Tx, found: BillPreview, foreseen: Sequence[Foreseen]) -> None:
    """Add what is foreseen of a batch of accounts."""
    found.accounts += len(foreseen)
    for one in foreseen:
        sum_up(found.sums, one)
    invoices = {one.account: one.invoice.total for one in foreseen if one.invoice}
    lately = await bills.lately(tx, [one.account for one in foreseen])
    usual = {key: (invoices[key], one) for key, one in lately.items() if key in invoices}
    shocks = [key for key, (now, one) in usual.items() if _exceeds(now, one.usual, found)]
    drops = [key for key, (now, one) in usual.items() if _exceeds(one.usual, now, found)]
    fresh = [key for key in invoices if key not in lately]
    gone = [key for key, one in lately.items() if key not in invoices and _was_due(one, found)]
    found.shocks_count += len(shocks)
    found.drops_count += len(drops)
    found.fresh_count += len(fresh)
    found.gone_count += len(gone)
    await _name(tx, found, usual, [shocks, drops, fresh, gone])


async def _name(
    tx: Tx,
    found: BillPreview,
    usual: Mapping[AccountId, tuple[Money, Lately]],
    lists: Sequence[Sequence[AccountId]],
) -> None:
    """Show of each list those whose numbers come first, with their names."""
    shocks, drops, fresh, gone = lists
    named = await bills.names(tx, [*shocks, *drops, *fresh, *gone])

    def unusual(one: AccountId) -> Unusual:
        now, before = usual[one]
        of = named[one]
        return Unusual(number=of.number, name=of.name, total=now, usual=before.usual)

    found.shocks = first([*found.shocks, *map(unusual, shocks)])
    found.drops = first([*found.drops, *map(unusual, drops)])
    found.fresh = first([*found.fresh, *(named[one] for one in fresh)])
    found.gone = first([*found.gone, *(named[one] for one in gone)])


def first(named: Sequence[N]) -> list[N]:
    """Give as many as are shown, by their numbers."""
    return sorted(named, key=lambda one: one.number)[:SHOWN_MAX]


def _exceeds(larger: Money, smaller: Money, found: BillPreview) -> bool:
    return (
        larger.currency == smaller.currency
        and larger.amount_minor * 100 > smaller.amount_minor * found.shock_percent
    )


def _was_due(one: Lately, found: BillPreview) -> bool:
    """Whether an account was billed a month before, so that it would be today."""
    return one.last_on in bills.month_before(found.day)


def sum_up(found: dict[str, Sums], one: Foreseen) -> None:
    """Add the documents of an account to the sums of its currency, where there are any."""
    if not (one.invoices or one.note):
        return
    zero = Money(0, one.currency)
    fresh = Sums(currency=one.currency, net=zero, tax=zero, total=zero, given_back=zero)
    sums = found.setdefault(one.currency, fresh)
    for invoice in one.invoices:
        sums.invoices += 1
        sums.net += invoice.net
        sums.tax += invoice.tax
        sums.total += invoice.total
    if one.note:
        sums.given_back += one.note.total
