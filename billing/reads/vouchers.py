"""Batches of vouchers as people see them, and what each dealer owes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from billing.vouchers.model import Batch
from billing.vouchers.store import batch_from, voucher_batch
from runtime.store import Tx, keyset
from runtime.store.keyset import Place
from terms.errors import NotFound
from terms.money import Money

BATCHES_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DealerView:
    """All batches of a dealer in one currency: how many cards, what was redeemed, what is owed."""

    dealer: str
    batches: int
    made: int
    activated: int
    redeemed: int
    void: int
    sold: Money
    earned: Money
    owed: Money


async def listing(tx: Tx, *, limit: int = BATCHES_MAX, behind: Place | None = None) -> list[Batch]:
    """List batches, the newest first, or those behind a place of this list."""
    c = voucher_batch.c
    query = keyset.page(select(voucher_batch), (c.made_at, c.name), behind, limit)
    return [batch_from(row) for row in await tx.rows(query)]


def place_of(batch: Batch) -> Place:
    """Tell where a batch stands in the list."""
    return batch.made_at, batch.name


async def one(tx: Tx, name: str) -> Batch:
    """Read a batch. Raises NotFound."""
    row = await tx.first(select(voucher_batch).where(voucher_batch.c.name == name))
    if row is None:
        raise NotFound(f"there is no batch of vouchers {name!r}", field="batch")
    return batch_from(row)


async def dealers(tx: Tx) -> list[DealerView]:
    """Add all batches up by dealer and currency. What is owed is the sum of what each owes."""
    found: dict[tuple[str, str], list[Batch]] = {}
    batches = await listing(tx)
    while batches:
        for batch in batches:
            found.setdefault((batch.dealer, batch.value.currency), []).append(batch)
        is_more = len(batches) == BATCHES_MAX
        batches = await listing(tx, behind=place_of(batches[-1])) if is_more else []
    return [_dealer(dealer, currency, mine) for (dealer, currency), mine in sorted(found.items())]


def _dealer(dealer: str, currency: str, mine: Sequence[Batch]) -> DealerView:
    def total(amounts: Sequence[Money]) -> Money:
        return Money(sum(one.amount_minor for one in amounts), currency)

    return DealerView(
        dealer=dealer,
        batches=len(mine),
        made=sum(one.count for one in mine),
        activated=sum(one.activated for one in mine),
        redeemed=sum(one.redeemed for one in mine),
        void=sum(one.void for one in mine),
        sold=total([one.sold for one in mine]),
        earned=total([one.earned for one in mine]),
        owed=total([one.owed for one in mine]),
    )
