"""A household joins, spends its points as credit, and brings another household."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, exists, func, or_, select, update

from billing.accounts.model import Perk
from billing.accounts.store import account, customer
from billing.flows.contract import lock
from billing.flows.desk import Desk
from billing.flows.house import give
from billing.flows.points import Points, add, balance, expire
from billing.flows.settle.money import Moment
from billing.invoicing.store import invoice
from billing.loyalty.model import PointKind
from billing.loyalty.store import loyalty, point_entry, referral, referral_code
from billing.payments.model import LOYALTY
from billing.payments.store import INVOICE, open_item
from runtime.store import Tx
from terms.calendar import local_date
from terms.errors import Duplicate, Invalid
from terms.ids import AccountId
from terms.money import Money

REFERENCE_CHARS_MAX = 60
CODE_CHARS = "BCDFGHJKLMNPQRSTVWXZ23456789"  # nothing that is read as something else
CODE_LENGTH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Points that became credit; where it `is_new` they did now, else before."""

    points: int
    left: int
    is_new: bool


async def join(tx: Tx, contract: str, now: datetime) -> bool:
    """Make the account of a contract a member; False where it is one. Raises NotFound."""
    held = await lock(tx, contract, now)
    row = {"account_id": held.account, "points": 0, "joined_at": now, "seen_at": now}
    is_new = await tx.insert_new(loyalty, [row], key=("account_id",))
    await give_perk(tx, held.account, Perk.MEMBER)
    return bool(is_new)


async def spend(
    desk: Desk, tx: Tx, contract: str, now: datetime, *, points: int, reference: str
) -> Spent:
    """Turn points into credit, once for each reference, and mark the account.

    Raises NotFound for an unknown contract or no member; Invalid where it has fewer points;
    Duplicate where the reference stands for another number of points.
    """
    if points <= 0:
        raise Invalid("points", "must be more than none")
    if not 0 < len(reference) <= REFERENCE_CHARS_MAX:
        raise Invalid("reference", f"needs 1 to {REFERENCE_CHARS_MAX} characters")
    held = await lock(tx, contract, now)
    moment = Moment(now=now, today=held.today)
    await balance(tx, held.account)
    before = await _spent_before(tx, held.account, reference)
    if before is not None and before != points:
        raise Duplicate(f"reference {reference} is used: {before} points", field="reference")
    if before is None:
        await expire(desk, tx, held.account, moment)
        left = await balance(tx, held.account)
        if points > left:
            raise Invalid("points", f"there are {left}")
        one = Points(kind=PointKind.SPENT, points=-points, cause=reference)
        key = await add(desk, tx, held.account, one, moment)
        worth = Money(points, held.currency)
        await give(desk, tx, held.account, worth, now, provider=LOYALTY, ref=key)
    return Spent(points=points, left=await balance(tx, held.account), is_new=before is None)


async def _spent_before(tx: Tx, owner: AccountId, reference: str) -> int | None:
    c = point_entry.c
    mine = (c.account_id == owner, c.kind == PointKind.SPENT.value, c.cause == reference)
    found = await tx.scalar(select(c.points).where(*mine))
    return None if found is None else -int(found)


class Code(NamedTuple):
    """The code by which a household brings others; `is_new` where it was made now."""

    code: str
    is_new: bool


async def code_of(desk: Desk, tx: Tx, contract: str, now: datetime) -> Code:
    """Give the code by which a household brings others; always the same. Raises NotFound."""
    held = await lock(tx, contract, now)
    c = referral_code.c
    known = await tx.scalar(select(c.code).where(c.account_id == held.account))
    if known is not None:
        return Code(str(known), is_new=False)
    bits = desk.chance.bits(CODE_LENGTH * 16)
    size = len(CODE_CHARS)
    code = "".join(CODE_CHARS[bits // size**n % size] for n in range(CODE_LENGTH))
    await tx.insert(referral_code, [{"code": code, "account_id": held.account}])
    return Code(code, is_new=True)


async def refer(tx: Tx, contract: str, code: str, now: datetime) -> AccountId | None:
    """Note that the household of a code has brought this one; None where there is no such code.

    Raises NotFound for an unknown contract; Invalid naming `code` for a household that was brought
    already, has paid an invoice, came before the other one, or is the same.
    """
    referrer = await tx.scalar(
        select(referral_code.c.account_id).where(referral_code.c.code == code)
    )
    if referrer is None:
        return None
    held = await lock(tx, contract, now)
    await _check(tx, held.account, AccountId(referrer))
    row = {
        "referred_id": held.account,
        "referrer_id": referrer,
        "referred_at": now,
        "rewarded_at": None,
    }
    if not await tx.insert_new(referral, [row], key=("referred_id",)):
        raise Invalid("code", "it is too late: another household has brought this one")
    await give_perk(tx, held.account, Perk.REFERRED)
    return AccountId(referrer)


async def _check(tx: Tx, referred: AccountId, referrer: AccountId) -> None:
    if referred == referrer or await _are_one(tx, referred, referrer):
        raise Invalid("code", "it is your own: nobody brings itself")
    if referred < referrer:
        raise Invalid("code", "it is of a household that came later than this one")
    i = invoice.c
    is_open = exists().where(open_item.c.id == i.id, open_item.c.kind == INVOICE)
    paid = select(func.count()).where(i.account_id == referred, i.total_minor > 0, ~is_open)
    if await tx.scalar(paid):
        raise Invalid("code", "it is for new households: this one has paid already")


async def _are_one(tx: Tx, one: AccountId, other: AccountId) -> bool:
    """Whether two accounts are of one customer, or of two that are reached alike."""
    mine, its = customer.alias("mine"), customer.alias("its")
    accounts = account.alias("one"), account.alias("other")
    alike = or_(
        mine.c.id == its.c.id,
        and_(mine.c.email != "", func.lower(mine.c.email) == func.lower(its.c.email)),
        and_(mine.c.phone != "", mine.c.phone == its.c.phone),
    )
    query = (
        select(mine.c.id)
        .select_from(
            mine.join(accounts[0], accounts[0].c.customer_id == mine.c.id)
            .join(its, alike)
            .join(accounts[1], accounts[1].c.customer_id == its.c.id)
        )
        .where(accounts[0].c.id == one, accounts[1].c.id == other)
    )
    return await tx.scalar(query) is not None


async def give_perk(tx: Tx, owner: AccountId, perk: Perk) -> None:
    """Have settling look for something of an account."""
    perks = account.c.perks.op("|")(int(perk))
    await tx.execute(update(account).where(account.c.id == owner).values(perks=perks))


async def expire_due(desk: Desk, tx: Tx, now: datetime, *, rows_max: int) -> int:
    """Let the points of some members go that nobody spent in time; returns how many were looked at.

    Who is looked at is locked in the order of ids, as settling does.
    """
    c, p = account.c, point_entry.c
    used = func.coalesce(func.sum(p.points).filter(p.points < 0), 0)
    over = func.coalesce(func.sum(p.points).filter(p.expires_on <= now.date()), 0)
    query = (
        select(c.id, c.zone)
        .select_from(account.join(point_entry, p.account_id == c.id))
        .group_by(c.id, c.zone)
        .having(over + used > 0)
        .order_by(c.id)
        .limit(rows_max)
    )
    rows = await tx.rows(query)
    for row in rows:
        moment = Moment(now=now, today=local_date(now, row.zone))
        await expire(desk, tx, AccountId(row.id), moment)
    return len(rows)
