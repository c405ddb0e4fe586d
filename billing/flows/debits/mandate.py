"""Mandates: given, given for another account, or imported. Each is a payment method.

Made the one that is charged, stopped and removed it is as every other method: `flows/methods`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, select, update

from billing.debits import codes
from billing.debits.model import CURRENCY, UNUSED_MONTHS, is_expired
from billing.debits.reasons import OF_THE_ACCOUNT
from billing.debits.store import iban_place, mandate
from billing.flows import methods
from billing.flows.contract import Contract, lock
from billing.flows.debits import creditor
from billing.flows.desk import Desk
from billing.payments.model import DEBIT, MAY_GO_ON
from billing.payments.store import payment_method
from runtime.chance import new_id
from runtime.resealing import reseal
from runtime.secrets import Sealer
from runtime.store import Tx
from terms.errors import Duplicate, Invalid, InvalidTransition, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A mandate as somebody gives it. Signed today where nothing is said; `is_once` for one debit.

    Its reference is made where none is told; one that another system has used is told.
    """

    iban: str
    holder: str
    signed_on: date | None = None
    reference: str = ""
    is_once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A mandate that stands, and whether it is new."""

    method: str
    reference: str
    label: str
    is_new: bool


async def give(
    desk: Desk, tx: Tx, sealer: Sealer, contract: str, wish: Wish, *, now: datetime
) -> Given:
    """Take a mandate for an account; given again for the same account of a bank, it is that one.

    Raises:
        NotFound: there is no such contract.
        InvalidTransition: nobody is set up who collects.
        Invalid: a value is wrong, or the account is not kept in euros.
        Duplicate: the reference stands for another mandate, or the mandate of this very account of
            a bank says something else.
    """
    iban, holder = codes.read_iban(wish.iban), codes.read_name(wish.holder, "holder")
    held = await lock(tx, contract, now)
    if held.currency != CURRENCY:
        raise Invalid("contract", f"the account is kept in {held.currency}, not in {CURRENCY}")
    signed_on = _signed(wish, held)
    if await creditor.find(tx) is None:
        raise InvalidTransition("nobody is set up who collects by direct debit")
    known = await _same(tx, sealer, held, iban)
    if known is not None:
        _check_same(known, wish, holder)
        return Given(method=known.id, reference=known.reference, label=known.label, is_new=False)
    key = new_id(now, desk.chance)
    reference = codes.read_reference(wish.reference) if wish.reference else f"M{key}"
    if await tx.scalar(select(mandate.c.method_id).where(mandate.c.reference == reference)):
        raise Duplicate(f"reference: mandate {reference} is there already", field="reference")
    label = codes.masked(iban)
    await methods.keep(
        tx, held.account, key, now, provider=DEBIT, customer="", ref=reference, label=label
    )
    row = {
        "method_id": key,
        "account_id": held.account,
        "reference": reference,
        "iban": sealer.seal(iban, place=iban_place(key)),
        "holder": holder,
        "signed_on": signed_on,
        "is_once": wish.is_once,
        "is_amended": False,
        "is_used": False,
        "used_on": None,
    }
    await tx.insert(mandate, [row])
    await desk.work.mark(tx, "settle", [held.account])
    return Given(method=key, reference=reference, label=label, is_new=True)


async def amend(
    desk: Desk, tx: Tx, sealer: Sealer, contract: str, *, method: str, iban: str, now: datetime
) -> str:
    """Note that the holder has another account; the bank is told with the next debit.

    One that was stopped for its old account is charged again. Returns how people call it. Raises
    NotFound, Invalid; InvalidTransition where the mandate is over.
    """
    number = codes.read_iban(iban)
    held = await lock(tx, contract, now)
    row = await _mandate(tx, held, method)
    if row.stopped not in MAY_GO_ON | OF_THE_ACCOUNT:
        raise InvalidTransition(f"the mandate is over ({row.stopped}): a new one is needed")
    label = codes.masked(number)
    if number == sealer.open(row.iban, place=iban_place(method)):
        return label
    await tx.execute(
        update(mandate)
        .where(mandate.c.method_id == method)
        .values(
            iban=sealer.seal(number, place=iban_place(method)),
            is_amended=row.is_amended or row.used_on is not None,
        )
    )
    stopped = "" if row.stopped in OF_THE_ACCOUNT else row.stopped
    await tx.execute(
        update(payment_method)
        .where(payment_method.c.id == method)
        .values(label=label, stopped=stopped)
    )
    await desk.work.mark(tx, "settle", [held.account])
    return label


async def seal_anew(tx: Tx, sealer: Sealer) -> int:
    """Have the first master key seal the accounts of all mandates; returns how many it had not."""
    return await reseal(tx, sealer, mandate.c.method_id, mandate.c.iban, iban_place)


def _signed(wish: Wish, held: Contract) -> date:
    signed_on = wish.signed_on or held.today
    if signed_on > held.today:
        raise Invalid("signed_on", "lies in the future")
    if is_expired(signed_on, None, held.today):
        raise Invalid("signed_on", f"a mandate unused for {UNUSED_MONTHS} months is over")
    return signed_on


def _check_same(known: Row[Any], wish: Wish, holder: str) -> None:
    """Raise Duplicate, naming the field, where somebody says something else of a known mandate."""
    for field, is_other in (
        ("holder", holder != known.holder),
        ("reference", wish.reference.strip() not in {"", known.reference}),
        ("signed_on", wish.signed_on not in {None, known.signed_on}),
        ("once", wish.is_once != known.is_once),
    ):
        if is_other:
            why = f"mandate {known.reference} of {known.label} stands and says something else"
            raise Duplicate(f"{field}: {why}")


async def _same(tx: Tx, sealer: Sealer, held: Contract, iban: str) -> Row[Any] | None:
    """Find the mandate of an account that stands for this very account of a bank."""
    m, p = mandate.c, payment_method.c
    query = (
        select(p.id, p.label, m.reference, m.iban, m.holder, m.signed_on, m.is_once)
        .join_from(mandate, payment_method, p.id == m.method_id)
        .where(m.account_id == held.account, p.stopped == "", p.label == codes.masked(iban))
        .order_by(p.id)
        .limit(methods.METHODS_MAX)
    )
    for row in await tx.rows(query):
        if sealer.open(row.iban, place=iban_place(row.id)) == iban:
            return row
    return None


async def _mandate(tx: Tx, held: Contract, method: str) -> Row[Any]:
    p = payment_method.c
    query = (
        select(mandate, p.stopped)
        .join_from(mandate, payment_method, p.id == mandate.c.method_id)
        .where(mandate.c.account_id == held.account, mandate.c.method_id == method)
    )
    row = await tx.first(query)
    if row is None:
        raise NotFound(f"the account has no mandate {method!r}", field="method")
    return row
