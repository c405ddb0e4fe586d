"""A second person lets a refund go that is more than one gives back alone, or declines it.

Whatever was so when it was asked for is looked at again: it goes as it would go now, or not at all.
What is paid out of a wallet is decided about in all its parts at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from billing.accounts.store import service
from billing.cash.model import BY_CHARS_MAX, NoShift
from billing.flows import refund as giving
from billing.flows.contract import Contract, lock
from billing.flows.desk import Desk
from billing.flows.refund import Refunding, refunding_from
from billing.flows.settle import settle
from billing.flows.top_up import payable
from billing.payments.refunds import REASON_CHARS_MAX, RefundState, RefundWish, check_second, step
from billing.payments.store import refund
from runtime.store import Tx
from terms.errors import Invalid, InvalidTransition, NotFound
from terms.money import Money, total


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a second person has said of a refund: whose it is, who asked for it, its parts.

    Where it `is_new` that was now, else it was before.
    """

    contract: str
    asked_by: str
    parts: Sequence[Refunding]
    is_new: bool

    @property
    def amount(self) -> Money:
        """All of it."""
        return total((one.amount for one in self.parts), self.parts[0].amount.currency)

    @property
    def charges(self) -> str:
        """Of which payments it is."""
        return ", ".join(one.charge for one in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A refund with all its parts, under the lock of its account."""

    contract: str
    held: Contract
    rows: Sequence[Any]

    @property
    def state(self) -> RefundState:
        return RefundState(self.rows[0].state)

    def decided(self, parts: Sequence[Refunding] = (), *, is_new: bool = False) -> Decided:
        return Decided(
            contract=self.contract,
            asked_by=self.rows[0].asked_by,
            parts=parts or [refunding_from(row) for row in self.rows],
            is_new=is_new,
        )


async def release(
    desk: Desk, tx: Tx, key: str, now: datetime, *, by: str, reason: str = ""
) -> Decided:
    """Let a refund go that waits; doing it again changes nothing.

    Raises NotFound; Invalid for a reason that is too long; Forbidden for whoever asked for it;
    InvalidTransition where it does not wait, or cannot go any more as it was asked for.
    """
    if len(reason) > REASON_CHARS_MAX:
        raise Invalid("reason", f"has {REASON_CHARS_MAX} characters at most")
    asked = await _lock(tx, key, now)
    if asked.state not in {RefundState.WAITING, RefundState.DECLINED} and asked.rows[0].decided_by:
        return asked.decided()
    _check(asked, by)
    await _decide(tx, asked, RefundState.WAITING, now, by=by, why=reason)
    try:
        await _check_wallet(desk, tx, asked, now)
        parts = [await _leave(desk, tx, asked.held, row, now) for row in asked.rows]
    except Invalid as error:
        why = f"it cannot go as it was asked for: the {error.field} {error.reason}"
        raise InvalidTransition(why, field=error.field) from error
    except NoShift as error:
        why = "whoever asked for it hands the cash over, and has no open shift at a till"
        raise InvalidTransition(why) from error
    return asked.decided(parts, is_new=True)


async def decline(tx: Tx, key: str, now: datetime, *, by: str, reason: str) -> Decided:
    """Say no to a refund that waits; doing it again changes nothing.

    Raises NotFound; Invalid without a reason; Forbidden for whoever asked for it;
    InvalidTransition where it does not wait.
    """
    if not reason.strip() or len(reason) > REASON_CHARS_MAX:
        raise Invalid("reason", f"needs 1 to {REASON_CHARS_MAX} characters")
    asked = await _lock(tx, key, now)
    if asked.state is RefundState.DECLINED:
        return asked.decided()
    _check(asked, by)
    state = step(asked.state, RefundState.DECLINED)
    await _decide(tx, asked, state, now, by=by, why=reason)
    parts = [replace(refunding_from(row), state=state) for row in asked.rows]
    return asked.decided(parts, is_new=True)


async def _lock(tx: Tx, key: str, now: datetime) -> _Asked:
    """Find a refund with all its parts; two who decide at once follow each other here."""
    c = refund.c
    query = select(service.c.contract).where(
        service.c.account_id == select(c.account_id).where(c.id == key).scalar_subquery()
    )
    contract = await tx.scalar(query.order_by(service.c.contract).limit(1))
    if contract is None:
        raise NotFound(f"there is no refund {key!r}", field="refund")
    held = await lock(tx, str(contract), now)
    one = await tx.first(select(refund).where(c.id == key))
    rows: Sequence[Any] = [one]
    if one is not None and one.pay_out:
        parts = select(refund).where(c.account_id == held.account, c.pay_out == one.pay_out)
        rows = await tx.rows(parts.order_by(c.id))
    return _Asked(contract=str(contract), held=held, rows=rows)


def _check(asked: _Asked, by: str) -> None:
    if asked.state is RefundState.DECLINED:
        raise InvalidTransition("the refund was declined: ask for another")
    if asked.state is not RefundState.WAITING:
        raise InvalidTransition(f"the refund is {asked.state}: it waits for nobody")
    check_second(asked.rows[0].asked_by, by[:BY_CHARS_MAX])


async def _decide(
    tx: Tx, asked: _Asked, state: RefundState, now: datetime, *, by: str, why: str = ""
) -> None:
    """Write down who was the second person."""
    said = {"decided_by": by[:BY_CHARS_MAX], "decided_at": now, "decided_why": why}
    keys = [row.id for row in asked.rows]
    command = update(refund).where(refund.c.id.in_(keys))
    await tx.execute(command.values(state=state.value, **said))


async def _check_wallet(desk: Desk, tx: Tx, asked: _Asked, now: datetime) -> None:
    """Raise InvalidTransition where a wallet has not so much in it any more."""
    if not asked.rows[0].pay_out:
        return
    await settle(desk, tx, [asked.held.account], now)
    there = await payable(tx, asked.held)
    if sum(row.amount_minor for row in asked.rows) > there.amount_minor:
        raise InvalidTransition(f"no more than {there} is unused in the wallet now")


async def _leave(desk: Desk, tx: Tx, held: Contract, row: Any, now: datetime) -> Refunding:
    """Let one part go; cash out of the drawer of whoever asked for it."""
    wish = RefundWish(
        charge=row.charge,
        provider=row.provider,
        amount=Money(row.line_minor or row.amount_minor, row.currency),
        line=row.line,
        reason=row.reason,
        reference=row.reference,
    )
    going = await giving.find(desk, tx, held, wish)
    return await giving.leave(desk, tx, going, row.id, now, by=row.asked_by)
