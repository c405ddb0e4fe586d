"""What a person decides about a line that waits: whose it is, in parts perhaps, or nobody's.

Whoever gives a whole line to one account has confirmed that its payer pays for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select

from billing.accounts.store import account, service
from billing.bank.matching import Owner
from billing.bank.model import BANK, ON_ACCOUNTS, WAITING, EntryState, LineKind, Why
from billing.bank.store import (
    REASON_CHARS_MAX,
    bank_aside,
    bank_entry,
    bank_part,
    bank_payer,
    charge_of,
    line_from,
    stands,
)
from billing.flows.bank import returns
from billing.flows.bank.lay import Laid, Part, Returned, Stored, lay
from billing.flows.bank.take import look_again
from billing.flows.bank.take import take_back as take_waiting_back
from billing.flows.desk import Desk
from billing.payments.model import MovementKind
from billing.payments.store import movement
from runtime.store import Tx
from terms.errors import Invalid, InvalidTransition, NotFound
from terms.ids import AccountId
from terms.money import Money, total

PARTS_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """So much of a line for the account of a contract; all of it where the amount is None."""

    contract: str
    amount: str | None = None


async def assign(
    desk: Desk, tx: Tx, entry_id: str, shares: Sequence[Share], now: datetime
) -> Stored:
    """Give a line to an account, or in parts to several.

    Raises:
        NotFound: there is no such line or contract.
        InvalidTransition: it does not wait any more.
        Invalid: the parts do not make the whole, or an account is kept in another currency.
    """
    one = await waiting(tx, entry_id)
    amount = one.line.amount
    if amount.amount_minor <= 0:
        raise Invalid("entry", "it is no money that came in")
    if not 0 < len(shares) <= PARTS_MAX:
        raise Invalid("to", f"needs 1 to {PARTS_MAX} contracts")
    parts = [await _part(tx, share, amount, is_only=len(shares) == 1) for share in shares]
    if sum(part.amount.amount_minor for part in parts) != amount.amount_minor:
        raise Invalid("amount", f"the parts have to make {amount}")
    if len({part.owner.id for part in parts}) != len(parts):
        raise Invalid("to", "an account has one part of a line")
    laid = Laid(entry=one, state=EntryState.ASSIGNED, why=Why.PERSON, parts=tuple(parts))
    await lay(desk, tx, [laid], now)
    if len(parts) == 1 and one.line.iban and one.line.kind is LineKind.MONEY:
        row = {
            "iban": one.line.iban,
            "account_id": parts[0].owner.id,
            "confirmed_at": now,
        }
        await tx.insert_new(bank_payer, [row], key=("iban", "account_id"))
        await look_again(desk, tx, now, iban=one.line.iban)
    else:
        await take_waiting_back(desk, tx, [], now)
    return one


async def set_aside(
    desk: Desk, tx: Tx, entry_id: str, now: datetime, *, provider: str = "", reason: str = ""
) -> Stored:
    """Say that a line is no customer's and why: a provider paid out, or else what the reason tells.

    Raises:
        NotFound: there is no such line or provider.
        InvalidTransition: it does not wait any more.
        Invalid: no provider paid out, and no reason is told, or one that is too long.
    """
    one = await waiting(tx, entry_id)
    reason = reason.strip()
    if not (provider or reason) or len(reason) > REASON_CHARS_MAX:
        raise Invalid(
            "reason", f"say in 1 to {REASON_CHARS_MAX} characters why it is no customer's"
        )
    if provider and provider not in desk.providers:
        raise NotFound(f"there is no payment provider {provider!r}", field="provider")
    laid = Laid(entry=one, state=EntryState.OUTSIDE, why=Why.PERSON, provider=provider)
    await lay(desk, tx, [laid], now)
    told = {"entry_id": one.id, "provider": provider, "reason": reason, "at": now}
    await tx.insert(bank_aside, [told | {"n": one.asides_before + 1}])
    return one


async def suspend(desk: Desk, tx: Tx, entry_id: str, now: datetime) -> Stored:
    """Send a line from the review list to suspense: it fits none of its candidates."""
    one = await waiting(tx, entry_id)
    laid = Laid(entry=one, state=EntryState.SUSPENSE, why=Why.PERSON)
    await lay(desk, tx, [laid], now)
    return one


async def take_back(desk: Desk, tx: Tx, entry_id: str, of: str, now: datetime) -> Stored:
    """Say which payment a line takes back: all of it, or the part of one account.

    Of a payment that is split, `of` may name the part, like LINE.2; unnamed it is the one of this
    amount. It may name a direct debit, too. Raises as `assign` does.
    """
    one = await waiting(tx, entry_id)
    debit = await returns.of_debit(tx, of, -one.line.amount)
    returned = (debit,) if debit else await _parts_of(tx, of, -one.line.amount)
    laid = Laid(entry=one, state=EntryState.RETURNED, why=Why.PERSON, returned=returned)
    await lay(desk, tx, [laid], now)
    return one


async def _parts_of(tx: Tx, of: str, wanted: Money) -> tuple[Returned, ...]:
    """Find the payment that goes back, or the part of one account. Raises NotFound, Invalid."""
    of, _, named = of.partition(".")
    parts = [row for row in await on_accounts(tx, of) if not named or str(row.n) == named]
    if not parts:
        raise NotFound(f"there is no payment {of!r} on an account", field="payment")
    paid = [Money(row.amount_minor, row.currency) for row in parts]
    chosen = [row for row, amount in zip(parts, paid, strict=True) if amount == wanted]
    if len(parts) > 1 and total(paid, wanted.currency) == wanted:
        chosen = parts
    elif not chosen:
        raise Invalid("of", f"it is of {', '.join(f'{amount}' for amount in paid)}")
    elif len(chosen) > 1:
        raise Invalid("of", f"several parts are of {wanted}: say which, like {of}.{chosen[0].n}")
    gone = await _gone(tx, [charge_of(of, row.n) for row in chosen])
    if gone:
        raise Invalid("of", "it was taken back already")
    return tuple(
        Returned(
            of=of,
            provider=BANK,
            charge=charge_of(of, row.n),
            owner=Owner(id=AccountId(row.id), number=row.number, currency=row.kept_in),
            amount=Money(row.amount_minor, row.currency),
        )
        for row in chosen
    )


async def on_accounts(tx: Tx, entry_id: str) -> Sequence[Row[Any]]:
    """Load the parts of a payment that are on accounts, and whose they are."""
    c, p, a = bank_entry.c, bank_part.c, account.c
    return await tx.rows(
        select(*(p.n, p.amount_minor, c.currency, a.id, a.number, a.currency.label("kept_in")))
        .join_from(bank_entry, bank_part, p.entry_id == c.id)
        .join(account, a.id == p.account_id)
        .where(c.id == entry_id, c.state.in_(sorted(ON_ACCOUNTS)), stands())
        .order_by(p.n)
    )


async def _gone(tx: Tx, charges: Sequence[str]) -> bool:
    m = movement.c
    query = select(m.id).where(
        m.provider == BANK, m.charge.in_(charges), m.kind != MovementKind.CLEARED.value
    )
    return await tx.scalar(query) is not None


async def waiting(tx: Tx, entry_id: str) -> Stored:
    """Load a line that waits, and keep others from deciding about it meanwhile."""
    query = select(bank_entry).where(bank_entry.c.id == entry_id).with_for_update()
    row = await tx.first(query)
    if row is None:
        raise NotFound(f"there is no line {entry_id!r} of a bank", field="line")
    if row.state not in WAITING:
        raise InvalidTransition(f"line {entry_id} does not wait: it is {row.state}")
    return await stored(tx, row)


async def stored(tx: Tx, row: Row[Any]) -> Stored:
    """Read a row of an entry, with how often it was on accounts and set aside until now."""
    p, a = bank_part.c, bank_aside.c
    parts = await tx.scalar(select(func.max(p.n)).where(p.entry_id == row.id))
    asides = await tx.scalar(select(func.max(a.n)).where(a.entry_id == row.id))
    return Stored(
        id=row.id,
        account=row.account,
        line=line_from(row),
        state=EntryState(row.state),
        parts_before=parts or 0,
        asides_before=asides or 0,
    )


async def _part(tx: Tx, share: Share, whole: Money, *, is_only: bool) -> Part:
    a, s = account.c, service.c
    row = await tx.first(
        select(a.id, a.number, a.currency)
        .join_from(account, service, s.account_id == a.id)
        .where(s.contract == share.contract)
    )
    if row is None:
        raise NotFound(f"there is no contract {share.contract!r}", field="contract")
    if row.currency != whole.currency:
        raise Invalid("to", f"the account of {share.contract} is kept in {row.currency}")
    if share.amount is None and not is_only:
        raise Invalid("amount", f"say how much of it goes to {share.contract}")
    try:
        amount = whole if share.amount is None else Money.parse(share.amount, whole.currency)
    except ValueError as error:
        raise Invalid("amount", str(error)) from None
    if amount.amount_minor <= 0:
        raise Invalid("amount", "must be more than nothing")
    owner = Owner(id=AccountId(row.id), number=row.number, currency=row.currency)
    return Part(owner=owner, amount=amount)
