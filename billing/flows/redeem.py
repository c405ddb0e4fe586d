"""An account redeems a promotion by its code. Settle takes it off what it charges from then on.

However many redeem at once, never more than the promotion allows do: its row counts them, and is
what they wait for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import or_, select, update

from billing.accounts.model import Perk
from billing.catalog.model import OfferingKind, PriceBook
from billing.catalog.terms import Timing
from billing.flows.contract import Contract, lock
from billing.flows.desk import Desk
from billing.flows.loyalty import give_perk
from billing.invoicing.discounts import periods_of
from billing.promotions.model import Scope
from billing.promotions.promotion import Promotion, Redemption, clashing, spelled
from billing.promotions.store import promotion, promotion_from, redemption, redemption_from
from billing.subscriptions.model import Subscription
from runtime.chance import new_id
from runtime.store import Tx
from terms.errors import Invalid
from terms.ids import AccountId

FIELD = "code"


async def redeem(desk: Desk, tx: Tx, contract: str, code: str, now: datetime) -> Redemption:
    """Give the account of a contract a promotion and mark it.

    Raises NotFound for an unknown contract, Invalid naming `code` where the promotion cannot be
    had: unknown, too early or too late, had already, used up, or not combined with another.
    """
    held = await lock(tx, contract, now)
    book = (await desk.shelf.newest(tx)).book
    row = await tx.first(select(promotion).where(promotion.c.code == spelled(code)))
    if row is None:
        raise Invalid(FIELD, "there is no such promotion")
    wanted = promotion_from(row)
    mine = await _mine(tx, held.account)
    _check(wanted, held, book)
    bearers = _bearers(wanted, held, book)
    _check_mine(wanted, mine, held.today)
    made = _made(new_id(now, desk.chance), wanted, held, book, bearers)
    await _count(tx, wanted)
    n = 1 + sum(one.redemption.promotion.code == wanted.code for one in mine)
    await _keep(tx, made, held.account, n, now)
    await desk.work.mark(tx, "settle", [held.account])
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class _Had:
    """A redemption, and how many periods bore it already."""

    redemption: Redemption
    periods: int


async def _mine(tx: Tx, owner: AccountId) -> list[_Had]:
    r = redemption.c
    query = (
        select(redemption, periods_of(r.id).label("periods"))
        .where(r.account_id == owner)
        .order_by(r.id)
    )
    rows = await tx.rows(query)
    codes = sorted({row.promotion for row in rows})
    found = await tx.rows(select(promotion).where(promotion.c.code.in_(codes)))
    promotions = {row.code: promotion_from(row) for row in found}
    return [_Had(redemption=redemption_from(row, promotions), periods=row.periods) for row in rows]


def _check(wanted: Promotion, held: Contract, book: PriceBook) -> None:
    if held.today < wanted.from_on:
        raise Invalid(FIELD, f"it may be redeemed from {wanted.from_on} on")
    if not wanted.is_had_on(held.today):
        raise Invalid(FIELD, f"it could be redeemed until before {wanted.until_on}")
    if wanted.currency not in ("", held.currency):
        raise Invalid(FIELD, f"it is in {wanted.currency}, and the account in {held.currency}")
    if not any(book.offering(one.offering).kind is OfferingKind.PLAN for one in held.subscriptions):
        raise Invalid(FIELD, "the service has ended: there is nothing to take it off")


def _bearers(wanted: Promotion, held: Contract, book: PriceBook) -> list[Subscription]:
    """List the subscriptions that a promotion is taken off. Raises Invalid where there is none."""
    names = wanted.discount.limited_to
    if not names:
        return list(held.subscriptions)
    found = [one for one in held.subscriptions if one.offering in names]
    is_of_rentals = wanted.discount.scope is Scope.LINE and any(
        book.offering(name).kind is OfferingKind.RENTAL for name in names
    )
    if not found and not is_of_rentals:
        raise Invalid(
            FIELD, f"it is for {', '.join(sorted(names))}, which the service does not have"
        )
    return found


def _check_mine(wanted: Promotion, mine: Sequence[_Had], today: date) -> None:
    times = sum(one.redemption.promotion.code == wanted.code for one in mine)
    if times >= wanted.account_max:
        raise Invalid(FIELD, "it is redeemed already")
    live = [
        one.redemption.promotion for one in mine if not one.redemption.is_over(one.periods, today)
    ]
    if other := clashing(wanted, live):
        raise Invalid(FIELD, f"it cannot be combined with {other.code}")


def _made(
    key: str, wanted: Promotion, held: Contract, book: PriceBook, bearers: Sequence[Subscription]
) -> Redemption:
    """Say from when on it counts: for nothing that is charged already."""
    if wanted.ahead is not None:
        return _ahead(key, wanted, held, book, bearers)
    is_plan = OfferingKind.PLAN
    plans = [one for one in bearers if book.offering(one.offering).kind is is_plan]
    first = min((held.free_from(one) for one in plans or bearers), default=held.today)
    return Redemption(id=key, promotion=wanted, from_on=first)


def _ahead(
    key: str, wanted: Promotion, held: Contract, book: PriceBook, bearers: Sequence[Subscription]
) -> Redemption:
    """Have whole periods of a subscription charged now, from the first that is not."""
    one = bearers[0]
    if one.until_on is not None:
        raise Invalid(FIELD, f"{one.offering} ends on {one.until_on}")
    terms = book.offering(one.offering).terms
    if terms.timing is not Timing.ADVANCE:
        raise Invalid(FIELD, f"{one.offering} is charged when its periods are over")
    first = held.free_from(one)
    schedule = terms.schedule(held.bill_day, one.charged_from)
    period = schedule.containing(first)
    for _ in range((wanted.ahead or 1) - 1):
        period = schedule.after(period)
    return Redemption(id=key, promotion=wanted, from_on=first, until_on=period.end, subject=one.id)


async def _count(tx: Tx, wanted: Promotion) -> None:
    """Count one more. Raises Invalid where that would be too many."""
    c = promotion.c
    counted = await tx.execute(
        update(promotion)
        .where(c.code == wanted.code, or_(c.redeem_max.is_(None), c.redeemed < c.redeem_max))
        .values(redeemed=c.redeemed + 1)
    )
    if not counted.rowcount:
        raise Invalid(FIELD, "it is used up")


async def _keep(tx: Tx, made: Redemption, owner: AccountId, n: int, now: datetime) -> None:
    row = {
        "id": made.id,
        "promotion": made.promotion.code,
        "account_id": owner,
        "n": n,
        "from_on": made.from_on,
        "until_on": made.until_on,
        "subject": made.subject,
        "redeemed_at": now,
    }
    key = ("promotion", "account_id", "n")
    if not await tx.insert_new(redemption, [row], key=key):
        raise Invalid(FIELD, "it is redeemed already")
    await give_perk(tx, owner, Perk.DISCOUNT)
