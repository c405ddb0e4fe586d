"""Points come and go: written once by their cause, with the balance and the books.

The balance is a row that everybody who spends waits for; the database refuses one below nothing.
What points are worth stands in the books as a debt of ours from the day they are earned.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from sqlalchemy import select, update

from billing.accounts.store import account
from billing.flows.desk import Desk
from billing.flows.settle.money import Moment
from billing.ledger import store as ledger
from billing.ledger.model import Book, Posting, PostingKind, entries
from billing.loyalty.model import Lot, PointKind, expired
from billing.loyalty.store import loyalty, point_entry
from runtime.chance import new_id
from runtime.store import Tx
from terms.errors import NotFound
from terms.ids import AccountId
from terms.money import Money


class Points(NamedTuple):
    """Points that come, or go where there are fewer than none; `earned` by the whole charge.

    `moment` is when their cause was; now where nothing is said.
    """

    kind: PointKind
    points: int
    cause: str
    charge: str = ""
    expires_on: date | None = None
    earned: int = 0
    moment: Moment | None = None


async def balance(tx: Tx, owner: AccountId) -> int:
    """Read how many points an account has, and let whoever else changes them wait.

    Raises NotFound where it is no member.
    """
    query = select(loyalty.c.points).where(loyalty.c.account_id == owner)
    held = await tx.scalar(query.with_for_update())
    if held is None:
        raise NotFound("the account is no member: let it join first")
    return int(held)


async def add(desk: Desk, tx: Tx, owner: AccountId, one: Points, moment: Moment) -> str:
    """Write points and their worth, never below nothing; returns the id of what was written.

    What is written already for the same cause is not written again, and nothing is for none.
    """
    points = max(one.points, -await balance(tx, owner))
    if not points:
        return ""
    key = new_id(moment.now, desk.chance)
    moment = one.moment or moment
    row = {
        "id": key,
        "account_id": owner,
        "kind": one.kind.value,
        "points": points,
        "cause": one.cause,
        "charge": one.charge,
        "expires_on": one.expires_on,
        "earned": one.earned,
        "at": moment.now,
    }
    if not await tx.insert_new(point_entry, [row], key=("account_id", "kind", "cause")):
        return ""
    c = loyalty.c
    await tx.execute(update(loyalty).where(c.account_id == owner).values(points=c.points + points))
    if one.kind is not PointKind.SPENT:  # what is spent is booked with the credit it becomes
        await ledger.write(tx, [await _booked(tx, key, owner, points, moment)])
    return key


async def expire(desk: Desk, tx: Tx, owner: AccountId, moment: Moment) -> None:
    """Let points go that nobody has spent in time. Raises NotFound where there is no member."""
    await balance(tx, owner)  # so that nobody spends meanwhile what is counted here
    c = point_entry.c
    rows = await tx.rows(select(c.points, c.expires_on).where(c.account_id == owner))
    lots = [Lot(points=row.points, expires_on=row.expires_on) for row in rows if row.expires_on]
    used = -sum(row.points for row in rows if row.points < 0)
    if over := expired(lots, used, moment.today):
        cause = moment.today.isoformat()
        gone = Points(kind=PointKind.EXPIRED, points=-over, cause=cause)
        await add(desk, tx, owner, gone, moment)


async def _booked(tx: Tx, key: str, owner: AccountId, points: int, moment: Moment) -> Posting:
    currency = await tx.scalar(select(account.c.currency).where(account.c.id == owner))
    worth = Money(points, currency)
    return Posting(
        id=key,
        kind=PostingKind.POINTS,
        account=owner,
        on=moment.today,
        at=moment.now,
        entries=entries((Book.PROMOTION, "", worth), (Book.LOYALTY, owner, -worth)),
    )
