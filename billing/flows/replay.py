"""All that work rows stand for is marked again, so that their loss is no more than a delay.

Notices are left out: an edge is told once or never.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Column, ColumnElement, exists, or_, select, true

from billing.accounts.model import Perk
from billing.accounts.store import account
from billing.dunning.model import CARRIED_OUT
from billing.dunning.store import dunning_cut
from billing.flows import pages, upkeep
from billing.flows.attempts import stands
from billing.flows.desk import Desk
from billing.payments.model import UNSETTLED
from billing.payments.pages import pay_page
from billing.payments.refunds import UNDECIDED
from billing.payments.store import (
    UNTAKEN,
    attempt,
    open_item,
    payment_method,
    provider_event,
    refund,
)
from runtime.store import Tx
from runtime.work import work

PAGE_KEYS_MAX = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """How many are looked at again: accounts, charges not decided yet, messages not taken up."""

    accounts: int
    attempts: int
    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """What the rows of a kind stand for."""

    key: Column[str]
    wanted: ColumnElement[bool]


# Whose ladder has come to a rung that is carried out, done already or not.
_IS_AT_AN_END = account.c.id.in_(
    select(open_item.c.account_id)
    .join(dunning_cut, dunning_cut.c.invoice_id == open_item.c.id)
    .where(dunning_cut.c.rung.in_(sorted(CARRIED_OUT)))
)
_SOURCES: Mapping[str, _Source] = {
    "intake": _Source(key=provider_event.c.id, wanted=provider_event.c.state.in_(sorted(UNTAKEN))),
    "settle": _Source(key=account.c.id, wanted=true()),
    "reward": _Source(key=account.c.id, wanted=account.c.perks.op("&")(int(Perk.REWARD)) != 0),
    "dunning": _Source(key=account.c.id, wanted=_IS_AT_AN_END),
    "recover": _Source(key=account.c.id, wanted=account.c.perks.op("&")(int(Perk.GIVEN_UP)) != 0),
    "collect": _Source(key=attempt.c.id, wanted=stands(UNSETTLED)),
    "refund": _Source(key=refund.c.id, wanted=refund.c.state.in_(sorted(UNDECIDED))),
    "method": _Source(
        key=payment_method.c.id,
        wanted=or_(payment_method.c.is_leaving, upkeep.is_refused_unnamed()),
    ),
    pages.KIND: _Source(key=pay_page.c.id, wanted=pay_page.c.is_closing),
}
KINDS = tuple(_SOURCES)


async def replay(desk: Desk, tx: Tx) -> Replayed:
    """Mark every account, every attempt whose outcome is to come, every event not taken up.

    What stands already stays: settling again writes nothing, and an attempt that was asked for is
    looked up, not charged again.
    """
    counts = {kind: await _mark_all(desk, tx, kind) for kind in KINDS}
    return Replayed(accounts=counts["settle"], attempts=counts["collect"], events=counts["intake"])


async def mark_lost(desk: Desk, tx: Tx, kind: str, after: str = "") -> str | None:
    """Mark a page of what has no row of a kind and should have one, beyond a key.

    Rows that are there stay untouched: what waits goes on waiting, what is parked stays parked.
    Returns the key to go on after, None at the end.
    """
    source = _SOURCES[kind]
    has_row = exists().where(work.c.kind == kind, work.c.key == source.key)
    keys = await _page(tx, source, after, source.wanted, ~has_row)
    await desk.work.mark(tx, kind, keys)
    return keys[-1] if keys else None


async def _mark_all(desk: Desk, tx: Tx, kind: str) -> int:
    source = _SOURCES[kind]
    count, last = 0, ""
    while keys := await _page(tx, source, last, source.wanted):
        await desk.work.mark(tx, kind, keys)
        count, last = count + len(keys), keys[-1]
    return count


async def _page(tx: Tx, source: _Source, after: str, *conditions: ColumnElement[bool]) -> list[str]:
    query = select(source.key.label("key")).where(source.key > after, *conditions)
    rows = await tx.rows(query.order_by(source.key).limit(PAGE_KEYS_MAX))
    return [row.key for row in rows]
