"""What follows for loyalty from money that settling has taken up: points, credit for a referral.

Settle marks accounts that say by a perk that they have any of it, and computes none of it. A member
has points for what each of its charges has brought and kept; what it should have less what it has
is written. Whoever brought a household has credit while it has paid an invoice. Every row is known
by its cause, so that the same money never counts twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update

from billing.accounts.model import Perk
from billing.accounts.store import account
from billing.catalog import store as catalog
from billing.flows.desk import Desk
from billing.flows.house import give, take_back
from billing.flows.points import Points, add, expire
from billing.flows.settle.money import Moment
from billing.invoicing.store import invoice
from billing.loyalty.document import read
from billing.loyalty.model import YEAR_DAYS, PointKind, Program, kept
from billing.loyalty.store import loyalty, point_entry, referral
from billing.payments.model import HOUSE, REFERRAL, Movement, MovementKind, taken_back
from billing.payments.store import allocation, movement, movement_from, open_item
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.calendar import local_date
from terms.ids import AccountId
from terms.money import Money


async def reward(desk: Desk, tx: Tx, accounts: Sequence[AccountId], now: datetime) -> None:
    """Write the points and the credit that accounts should have by now and do not have yet."""
    program = (await desk.shelf.newest(tx)).program
    query = select(account.c.id, account.c.zone, account.c.perks).order_by(account.c.id)
    rows = await tx.rows(
        query.where(among(tx.engine, account.c.id)), {KEYS: packed(tx.engine, sorted(accounts))}
    )
    for row in rows:
        moment = Moment(now=now, today=local_date(now, row.zone))
        story = _Story(desk, tx, AccountId(row.id), row.zone, moment, program)
        if row.perks & Perk.MEMBER:
            await story.earn()
        if row.perks & Perk.REFERRED and program.referral:
            await story.thank(program.referral)


@dataclass(frozen=True, slots=True)
class _Story:
    desk: Desk
    tx: Tx
    id: AccountId
    zone: str
    moment: Moment
    program: Program

    async def earn(self) -> None:
        """Bring the points of every charge that has moved since the last time to what it earns."""
        await expire(self.desk, self.tx, self.id, self.moment)
        charges = await self._moved()
        for one in sorted(charges, key=lambda one: (one[0].received_at, one[0].id)):
            await self._earn(one)
        mine = loyalty.c.account_id == self.id
        newest = select(func.max(movement.c.settled_at)).where(movement.c.account_id == self.id)
        seen = func.coalesce(newest.scalar_subquery(), loyalty.c.seen_at)
        await self.tx.execute(update(loyalty).where(mine).values(seen_at=seen))

    async def _moved(self) -> list[list[Movement]]:
        """List charges with all their settled movements, where one was settled since last time."""
        fresh = movement.alias("fresh")
        same = and_(movement.c.provider == fresh.c.provider, movement.c.charge == fresh.c.charge)
        joined = fresh.join(movement, same).join(loyalty, loyalty.c.account_id == self.id)
        query = (
            select(movement)
            .distinct()
            .select_from(joined)
            .where(
                fresh.c.account_id == self.id,
                fresh.c.settled_at >= loyalty.c.seen_at,
                movement.c.settled_at.is_not(None),
                movement.c.provider.not_in(sorted(HOUSE)),
            )
            .order_by(movement.c.received_at, movement.c.id)
        )
        charges: dict[tuple[str, str], list[Movement]] = {}
        for one in map(movement_from, await self.tx.rows(query)):
            charges.setdefault((one.provider, one.charge), []).append(one)
        return list(charges.values())

    async def _earn(self, charge: list[Movement]) -> None:
        came_in = next((one for one in charge if one.kind is MovementKind.CLEARED), None)
        if came_in is None:
            return
        c, came = point_entry.c, came_in.amount.amount_minor
        name = f"{came_in.provider} {came_in.charge}"
        query = select(c.points, c.earned).where(c.account_id == self.id, c.charge == name)
        rows = await self.tx.rows(query)
        held = sum(row.points for row in rows)
        earned = rows[0].earned if rows else None
        if earned is None:
            program = await self._program_at(came_in.received_at)
            earned = program.earns(await self._paid_before(came_in), came)
        wanted = kept(earned, came, taken_back(charge))
        is_more = wanted > held
        # The first points are of the payment, all others of what became of it since.
        cause = max(charge, key=lambda one: (one.received_at, one.id)) if rows else came_in
        day = local_date(cause.received_at, self.zone)
        points = Points(
            kind=PointKind.EARNED if is_more else PointKind.TAKEN_BACK,
            points=wanted - held,
            cause=f"{came_in.id}.{len(rows)}",  # of a charge so many rows came before
            charge=name,
            expires_on=self.program.expires_on(day) if is_more else None,
            earned=earned,
            moment=Moment(now=cause.received_at, today=day),
        )
        await add(self.desk, self.tx, self.id, points, self.moment)

    async def _program_at(self, at: datetime) -> Program:
        """Find what was given when a payment came: it may be looked at later."""
        before = await catalog.document_before(self.tx, at)
        then = read(before, self.program.currency) if before else None
        return then or self.program

    async def _paid_before(self, one: Movement) -> int:
        """Sum what came in within a year before a movement, and stayed."""
        c = movement.c
        query = select(movement).where(
            c.account_id == self.id,
            c.received_at >= one.received_at - timedelta(days=YEAR_DAYS),
            c.received_at <= one.received_at,
            c.settled_at.is_not(None),
            c.currency == one.amount.currency,
            c.provider.not_in(sorted(HOUSE)),
            c.charge != one.charge,
        )
        charges: dict[tuple[str, str], list[Movement]] = {}
        for each in map(movement_from, await self.tx.rows(query)):
            charges.setdefault((each.provider, each.charge), []).append(each)
        return sum(map(_stays, charges.values()))

    async def thank(self, gift: Money) -> None:
        """Give credit to whoever brought the account while it has paid an invoice.

        While it has not any more, the credit goes back, as far as it is not used: nobody owes
        anything by what another one does.
        """
        c = referral.c
        referrer = await self.tx.scalar(select(c.referrer_id).where(c.referred_id == self.id))
        if referrer is None:
            return
        lock = select(account.c.id).where(account.c.id == referrer)
        await self.tx.rows(lock.with_for_update(key_share=True))
        charges = await self._given()
        held = sum(map(_stays, charges.values()))
        if not await self.tx.scalar(select(_has_paid(self.id))):
            for charge in charges.values():
                await self._take_back(charge)
        elif missing := (_first(charges) or gift.amount_minor) - held:
            now, worth = self.moment.now, Money(missing, gift.currency)
            name = f"{self.id}.{len(charges)}" if charges else self.id
            await give(self.desk, self.tx, referrer, worth, now, provider=REFERRAL, ref=name)
            await self.tx.execute(
                update(referral).where(c.referred_id == self.id).values(rewarded_at=now)
            )

    async def _given(self) -> dict[str, list[Movement]]:
        """List what was given for bringing the account, and what of it went back, by its charge."""
        c = movement.c
        mine = or_(c.charge == self.id, c.charge.like(f"{self.id}.%"))
        query = select(movement).where(c.provider == REFERRAL, mine).order_by(c.id)
        charges: dict[str, list[Movement]] = {}
        for one in map(movement_from, await self.tx.rows(query)):
            charges.setdefault(one.charge, []).append(one)
        return charges

    async def _take_back(self, charge: list[Movement]) -> None:
        came_in, *_ = charge
        query = select(open_item.c.rest_minor).where(open_item.c.id == came_in.id)
        unused = came_in.amount.amount_minor
        if came_in.is_settled:
            waiting = taken_back(charge) - taken_back([one for one in charge if one.is_settled])
            unused = int(await self.tx.scalar(query) or 0) - waiting
        back = taken_back(charge) + min(unused, _stays(charge))
        if back > taken_back(charge):
            amount = Money(back, came_in.amount.currency)
            await take_back(self.desk, self.tx, came_in, amount, self.moment.now)


def _first(charges: dict[str, list[Movement]]) -> int:
    """Tell how much was given first; nothing where nothing was."""
    return next((charge[0].amount.amount_minor for charge in charges.values()), 0)


def _stays(charge: list[Movement]) -> int:
    came = sum(one.amount.amount_minor for one in charge if one.kind is MovementKind.CLEARED)
    return came - taken_back(charge)


def _has_paid(owner: AccountId) -> ColumnElement[bool]:
    """Whether money has paid the whole of an invoice, with no part of it given up or given back."""
    i, part = invoice.c, allocation.c
    by_money = (
        select(func.sum(part.amount_minor))
        .join(movement, movement.c.id == part.payer_id)
        .where(part.invoice_id == i.id, movement.c.provider.not_in(sorted(HOUSE)))
    )
    return exists().where(
        i.account_id == owner, i.total_minor > 0, by_money.scalar_subquery() == i.total_minor
    )
