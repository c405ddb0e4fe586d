"""Batches of vouchers are made, activated and stopped; a card is redeemed, once and for all.

Redeemed, it is money that comes in like any other: settle pays the oldest debt with it and keeps
the rest. Of codes only digests are kept; whoever makes a batch is given them, and nobody else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, update

from billing.accounts.store import account, service
from billing.flows import movements
from billing.flows.desk import Desk
from billing.flows.movements import Told
from billing.payments.model import Moved, MovementKind
from billing.vouchers import code as codes
from billing.vouchers.model import (
    COUNT_MAX,
    DEALER_CHARS_MAX,
    NAME_CHARS_MAX,
    PROVIDER,
    VALID_MAX,
    VALUE_MINOR_MAX,
    Batch,
    BatchState,
    charge_of,
    step,
)
from billing.vouchers.store import (
    batch_from,
    digest,
    key_place,
    voucher,
    voucher_batch,
    voucher_key,
)
from runtime.chance import new_id
from runtime.resealing import reseal
from runtime.secrets import Sealer
from runtime.store import Tx
from terms.calendar import local_date
from terms.errors import Duplicate, Invalid, NotFound
from terms.ids import AccountId
from terms.money import Money, Rate

KEY_BYTES = 32
_NAME = re.compile(rf"[0-9A-Za-z][0-9A-Za-z_.-]{{0,{NAME_CHARS_MAX - 1}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOrder:
    """Which cards somebody wishes."""

    name: str
    value: Money
    count: int
    valid_until: date
    dealer: str
    margin: Rate
    prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeBatch:
    """A batch, and the codes of its cards in the order of their serials: to be had this once."""

    batch: Batch
    codes: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemed:
    """A card that an account has redeemed; `is_new` where it had not done so before."""

    serial: str
    value: Money
    is_new: bool


async def make(
    desk: Desk, tx: Tx, sealer: Sealer, order: BatchOrder, *, now: datetime, today: date
) -> MadeBatch:
    """Make a batch, which is good for nothing until it is activated.

    Raises Invalid naming what is wrong, Duplicate where there is a batch of this name.
    """
    prefix = _check(order, today)
    row = {
        "name": order.name,
        "prefix": prefix,
        "value_minor": order.value.amount_minor,
        "currency": order.value.currency,
        "count": order.count,
        "valid_until": order.valid_until,
        "dealer": order.dealer.strip(),
        "margin_ppm": order.margin.ppm,
        "state": BatchState.MADE.value,
        "made_at": now,
        "activated_at": None,
        "stopped_at": None,
    }
    if not await tx.insert_new(voucher_batch, [row], key=("name",)):
        raise Duplicate(f"there is a batch {order.name} already: take another name", field="name")
    made = [codes.make(prefix, desk.chance.bits(codes.CHANCE_BITS)) for _ in range(order.count)]
    key = await _key(desk, tx, sealer, now)
    cards: list[dict[str, Any]] = [
        {"digest": digest(key, code), "batch": order.name, "n": n, "account_id": None}
        for n, code in enumerate(made, 1)
    ]
    await tx.insert(voucher, [card | {"redeemed_at": None} for card in cards])
    return MadeBatch(batch=await find(tx, order.name), codes=tuple(made))


async def find(tx: Tx, name: str) -> Batch:
    """Find a batch. Raises NotFound."""
    row = await tx.first(select(voucher_batch).where(voucher_batch.c.name == name))
    if row is None:
        raise NotFound(f"there is no batch of vouchers {name!r}", field="batch")
    return batch_from(row)


async def activate(tx: Tx, name: str, now: datetime) -> Batch:
    """Let the cards of a batch be redeemed. Raises NotFound, InvalidTransition."""
    return await _step(tx, name, BatchState.ACTIVE, {"activated_at": now})


async def stop(tx: Tx, name: str, now: datetime) -> Batch:
    """Make all cards void that are not redeemed. Raises NotFound, InvalidTransition."""
    return await _step(tx, name, BatchState.STOPPED, {"stopped_at": now})


async def redeem(
    desk: Desk, tx: Tx, sealer: Sealer, *, contract: str, code: str, now: datetime
) -> Redeemed:
    """Take the money of a card for the account of a contract.

    `code` is as `code.read` gives it. A card that this very account has redeemed changes nothing.

    Raises NotFound for an unknown contract, Invalid telling staff why the card cannot be redeemed.
    """
    payer = await tx.first(
        select(account.c.id, account.c.number, account.c.currency, account.c.zone)
        .select_from(account.join(service, service.c.account_id == account.c.id))
        .where(service.c.contract == contract)
    )
    if payer is None:
        raise NotFound(f"there is no contract {contract!r}", field="contract")
    card = await _card(tx, sealer, code)
    batch = await find(tx, card.batch)
    serial = charge_of(card.batch, card.n)
    before = Redeemed(serial=serial, value=batch.value, is_new=False)
    if card.account_id is not None:
        return _had(card, payer.id, before)
    if why := batch.refusal(local_date(now, payer.zone), payer.currency):
        raise Invalid(codes.FIELD, why)
    if not await _take(tx, card.digest, payer.id, now):
        return _had(await _card(tx, sealer, code), payer.id, before)
    await _count(tx, batch)
    moved = Moved(
        charge=serial,
        ref=serial,
        amount=batch.value,
        account=payer.number,
        kind=MovementKind.CLEARED,
    )
    told = Told(account=AccountId(payer.id), number=payer.number, provider=PROVIDER, moved=moved)
    if not await movements.hear(desk, tx, [told], [], now):
        raise Duplicate(f"the money of voucher {serial} has come in already")
    return Redeemed(serial=serial, value=batch.value, is_new=True)


async def seal_anew(tx: Tx, sealer: Sealer) -> int:
    """Have the first master key seal the keys of all digests; returns how many it had not."""
    return await reseal(tx, sealer, voucher_key.c.id, voucher_key.c.sealed, key_place)


def _check(order: BatchOrder, today: date) -> str:
    """Check what is wished, and give the prefix. Raises Invalid."""
    if not _NAME.fullmatch(order.name):
        raise Invalid("name", f"letters, digits and _ . - alone, at most {NAME_CHARS_MAX}")
    if not 0 < order.value.amount_minor <= VALUE_MINOR_MAX:
        most = Money(VALUE_MINOR_MAX, order.value.currency)
        raise Invalid("value", f"must be more than nothing and at most {most}")
    if not 1 <= order.count <= COUNT_MAX:
        raise Invalid("count", f"must be 1 to {COUNT_MAX}")
    if not today <= order.valid_until <= today + VALID_MAX:
        raise Invalid("valid_until", f"must be {today} to {today + VALID_MAX}")
    dealer = order.dealer.strip()
    if not 0 < len(dealer) <= DEALER_CHARS_MAX or not dealer.isprintable():
        raise Invalid("dealer", f"needs 1 to {DEALER_CHARS_MAX} characters that can be printed")
    if order.margin.share > 1:
        raise Invalid("margin", "must be at most 100%")
    return codes.read_prefix(order.prefix)


async def _step(tx: Tx, name: str, to: BatchState, changes: dict[str, Any]) -> Batch:
    c = voucher_batch.c
    batch = await find(tx, name)
    step(batch.state, to)
    taken = await tx.execute(
        update(voucher_batch)
        .where(c.name == name, c.state == batch.state.value)
        .values(state=to.value, **changes)
    )
    after = await find(tx, name)
    if not taken.rowcount:
        step(after.state, to)
    return after


async def _keys(tx: Tx, sealer: Sealer) -> Sequence[str]:
    """Open the keys of digests, the newest first; one whose master key is lost is passed over."""
    rows = await tx.rows(select(voucher_key).order_by(voucher_key.c.id.desc()))
    return [
        sealer.open(row.sealed, place=key_place(row.id)) for row in rows if sealer.knows(row.sealed)
    ]


async def _key(desk: Desk, tx: Tx, sealer: Sealer, now: datetime) -> str:
    if known := await _keys(tx, sealer):
        return known[0]
    key, name = desk.chance.token(KEY_BYTES), new_id(now, desk.chance)
    await tx.insert(voucher_key, [{"id": name, "sealed": sealer.seal(key, place=key_place(name))}])
    return key


async def _card(tx: Tx, sealer: Sealer, code: str) -> Any:
    digests = [digest(key, code) for key in await _keys(tx, sealer)]
    row = await tx.first(
        select(voucher, account.c.number)
        .select_from(voucher.outerjoin(account, account.c.id == voucher.c.account_id))
        .where(voucher.c.digest.in_(digests))
    )
    if row is None:
        raise Invalid(codes.FIELD, "there is no such voucher")
    return row


def _had(card: Any, owner: str, before: Redeemed) -> Redeemed:
    if card.account_id != owner:
        day = card.redeemed_at.date()
        raise Invalid(codes.FIELD, f"it was redeemed on {day} for account {card.number}")
    return before


async def _take(tx: Tx, key: str, owner: str, now: datetime) -> bool:
    """Take the card, where nobody has; those who try at once wait here for each other."""
    c = voucher.c
    taken = await tx.execute(
        update(voucher)
        .where(c.digest == key, c.account_id.is_(None))
        .values(account_id=owner, redeemed_at=now)
    )
    return bool(taken.rowcount)


async def _count(tx: Tx, batch: Batch) -> None:
    """Count one more. Raises Invalid where the batch was stopped meanwhile."""
    c = voucher_batch.c
    counted = await tx.execute(
        update(voucher_batch)
        .where(c.name == batch.name, c.state == BatchState.ACTIVE.value)
        .values(redeemed=c.redeemed + 1)
    )
    if not counted.rowcount:
        raise Invalid(codes.FIELD, f"it is void: batch {batch.name} was stopped")
