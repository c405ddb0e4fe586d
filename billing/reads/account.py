"""One household's account: what it has, owes and paid, and why it is dark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, exists, func, select

from billing.accounts.store import account, customer, service
from billing.cash.store import receipt
from billing.catalog.store import offering
from billing.dunning.model import HoldKind
from billing.dunning.store import dunning_suspension, hold
from billing.payments.model import COMES_IN, FEES, OF_LINE, AttemptState, MovementKind
from billing.payments.store import attempt, movement, open_item, payment_method
from billing.promises import store as promises
from billing.promises.model import Promise
from billing.reads.credit_notes import CreditNoteView
from billing.reads.credit_notes import of_account as notes_of
from billing.reads.invoices import InvoiceView, of_account
from billing.reads.rentals import RentalView
from billing.reads.rentals import of_service as rentals_of
from billing.subscriptions.store import subscription
from runtime import log
from runtime.store import Tx
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from terms.entitlement import Entitlement, ServiceState
from terms.errors import NotFound
from terms.ids import AccountId, ServiceId
from terms.money import Money

TOPIC = "entitlement"
ROWS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionView:
    """An offering that the service has, had, or will have."""

    offering: str
    name: str
    kind: str
    from_on: date
    until_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentView:
    """Money that moved; negative where it went back. `charge` is the provider's reference.

    `receipt` is the number of what was handed out for cash that came in.
    """

    at: datetime
    provider: str
    charge: str
    kind: MovementKind
    amount: Money
    receipt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptView:
    """A try to collect."""

    id: str
    number: str
    n: int
    at: datetime
    provider: str
    amount: Money
    state: AttemptState
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldView:
    """A hold and the invoice that causes it; `level` says what is left of what is limited."""

    kind: HoldKind
    since_on: date
    cause: str
    level: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceView:
    """The service as it was published last; before the first settle it has no state."""

    id: ServiceId
    contract: str
    label: str
    state: ServiceState | None
    reason: str
    revision: int
    grants: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """Everything about one household in billing. Lists are newest first and bounded.

    `promise` is the newest one, whatever has become of it. `missing` is what is to be paid before a
    suspended one is switched on again.
    """

    id: AccountId
    number: str
    name: str
    phone: str
    email: str
    currency: str
    zone: str
    locale: str
    bill_day: int
    jurisdiction: str
    segment: str
    service: ServiceView
    subscriptions: Sequence[SubscriptionView]
    rentals: Sequence[RentalView]
    invoices: Sequence[InvoiceView]
    credit_notes: Sequence[CreditNoteView]
    payments: Sequence[PaymentView]
    attempts: Sequence[AttemptView]
    holds: Sequence[HoldView]
    promise: Promise | None
    owed: Money
    credit: Money
    missing: Money | None
    why_dark: Sequence[str]


async def view(tx: Tx, contract: str) -> AccountView:
    """Show the account of a contract. Raises NotFound."""
    row = await _owner(tx, contract)
    key, home = AccountId(row.account_id), ServiceId(row.id)
    shown = await _service(tx, row)
    holds = await _holds(tx, home)
    invoices = await of_account(tx, key, limit=ROWS_MAX)
    owed, credit = await _balance(tx, key, row.currency)
    missing = await _missing(tx, key, row.currency)
    return AccountView(
        id=key,
        number=row.number,
        name=row.name,
        phone=row.phone,
        email=row.email,
        currency=row.currency,
        zone=row.zone,
        locale=row.locale,
        bill_day=row.bill_day,
        jurisdiction=row.jurisdiction,
        segment=row.segment,
        service=shown,
        subscriptions=await _subscriptions(tx, home),
        rentals=await rentals_of(tx, home, limit=ROWS_MAX),
        invoices=invoices,
        credit_notes=await notes_of(tx, key, limit=ROWS_MAX),
        payments=await _payments(tx, key),
        attempts=await _attempts(tx, key, {one.id: one.number for one in invoices}),
        holds=holds,
        promise=await promises.newest(tx, key),
        owed=owed,
        credit=credit,
        missing=missing,
        why_dark=why_dark(shown, holds, owed, missing),
    )


def why_dark(
    shown: ServiceView, holds: Sequence[HoldView], owed: Money, missing: Money | None = None
) -> list[str]:
    """Say in words why nothing may be watched, or not all of it; nothing where it may."""
    if shown.state is None:
        return ["It was signed up and is not settled yet."]
    if shown.state is ServiceState.ACTIVE:
        return []
    texts = {"not_begun": "It has not begun yet.", "cancelled": "It is cancelled."}
    whys = [texts[shown.reason]] if shown.reason in texts else []
    for one in holds:
        if one.kind is HoldKind.UNPAID_FIRST:
            whys.append(f"The first invoice {one.cause} is not paid.")
        elif one.kind is HoldKind.PAUSED:
            whys.append(f"The household lets it rest since {one.since_on}.")
        elif one.kind is HoldKind.LIMITED:
            owes = f"{one.cause} is unpaid, {owed} is owed"
            whys.append(f"Limited to {one.level} since {one.since_on}: {owes}.")
        else:
            whys.append(f"Suspended since {one.since_on}: {one.cause} is unpaid, {owed} is owed.")
            if missing:
                whys.append(f"Pay {missing} to be switched on again.")
    return whys


async def _owner(tx: Tx, contract: str) -> Any:
    rows = await _OWNER.rows(tx, {"contract": contract})
    if not rows:
        raise NotFound(f"there is no contract {contract!r}", field="contract")
    return rows[0]


def _owners(_engine: Engine) -> Select[Any]:
    joined = service.join(account, account.c.id == service.c.account_id).join(
        customer, customer.c.id == account.c.customer_id
    )
    columns = [column for column in account.c if column.name not in ("id", "created_at")]
    query = select(
        *(service.c.id, service.c.account_id, service.c.contract, service.c.label),
        *(service.c.revision, customer.c.name, customer.c.phone, customer.c.email),
        *columns,
    ).select_from(joined)
    return query.where(service.c.contract == bindparam("contract"))


async def _service(tx: Tx, row: Any) -> ServiceView:
    snapshot = (await log.newest(tx, TOPIC, [row.id])).get(row.id)
    rights = Entitlement.decode(snapshot.value, revision=snapshot.revision) if snapshot else None
    return ServiceView(
        id=ServiceId(row.id),
        contract=row.contract,
        label=row.label,
        state=rights.state if rights else None,
        reason=rights.reason if rights else "",
        revision=row.revision,
        grants=tuple(grant.code for grant in rights.grants) if rights else (),
    )


async def _subscriptions(tx: Tx, home: ServiceId) -> list[SubscriptionView]:
    return [
        SubscriptionView(
            offering=row.offering,
            name=row.name,
            kind=row.kind,
            from_on=row.from_on,
            until_on=row.until_on,
        )
        for row in await _SUBSCRIPTIONS.rows(tx, {"service": home})
    ]


def _subscribed(_engine: Engine) -> Select[Any]:
    c = subscription.c
    return (
        select(c.offering, c.from_on, c.until_on, offering.c.name, offering.c.kind)
        .select_from(subscription.join(offering, offering.c.code == c.offering))
        .where(c.service_id == bindparam("service"))
        .order_by(c.from_on.desc(), offering.c.kind.desc(), c.offering)
        .limit(ROWS_MAX)
    )


async def _payments(tx: Tx, key: AccountId) -> list[PaymentView]:
    return [payment_view(row) for row in await _PAYMENTS.rows(tx, {"account": key})]


def _paid(_engine: Engine) -> Select[Any]:
    c = movement.c
    no_fee = (c.kind != kind.value for kind in sorted(FEES))
    # Where only the sum so far is told, what went back now is what that has grown by.
    before = func.max(c.amount_minor).over(
        partition_by=(c.provider, c.charge, c.kind), order_by=c.amount_minor, rows=(None, -1)
    )
    so_far = case((c.kind == MovementKind.REFUNDED.value, func.coalesce(before, 0)), else_=0)
    query = select(movement, so_far.label("so_far"), receipt.c.number.label("receipt"))
    query = query.select_from(movement.outerjoin(receipt, receipt.c.cause_id == c.id))
    query = query.where(c.account_id == bindparam("account"), *no_fee, ~_is_told_twice())
    return query.order_by(c.received_at.desc(), c.id.desc()).limit(ROWS_MAX)


def _is_told_twice() -> ColumnElement[bool]:
    """Build the condition that a line of our bank tells of a dispute that its provider tells."""
    c, other = movement.c, movement.alias("other")
    same = and_(other.c.provider == c.provider, other.c.charge == c.charge, other.c.kind == c.kind)
    by_provider = exists().where(same, other.c.ref.not_like(f"{OF_LINE}%"))
    return and_(c.kind == MovementKind.DISPUTED.value, c.ref.like(f"{OF_LINE}%"), by_provider)


def payment_view(row: Any) -> PaymentView:
    """Show a movement."""
    kind = MovementKind(row.kind)
    amount = Money(max(row.amount_minor - row.so_far, 0), row.currency)
    return PaymentView(
        at=row.received_at,
        provider=row.provider,
        charge=row.charge,
        kind=kind,
        amount=amount if kind in COMES_IN else -amount,
        receipt=row.receipt or "",
    )


async def _attempts(tx: Tx, key: AccountId, numbers: dict[str, str]) -> list[AttemptView]:
    return [
        AttemptView(
            id=row.id,
            number=numbers.get(row.invoice_id, ""),
            n=row.n,
            at=row.opened_at,
            provider=row.provider,
            amount=Money(row.amount_minor, row.currency),
            state=AttemptState(row.state),
            code=row.code,
        )
        for row in await _ATTEMPTS.rows(tx, {"account": key})
    ]


def _tried(_engine: Engine) -> Select[Any]:
    c = attempt.c
    return (
        select(attempt, payment_method.c.provider)
        .select_from(attempt.join(payment_method, payment_method.c.id == c.method_id))
        .where(c.account_id == bindparam("account"))
        .order_by(c.opened_at.desc(), c.id.desc())
        .limit(ROWS_MAX)
    )


async def _holds(tx: Tx, home: ServiceId) -> list[HoldView]:
    return [
        HoldView(kind=HoldKind(row.kind), since_on=row.since_on, cause=row.cause, level=row.level)
        for row in await _HOLDS.rows(tx, {"service": home})
    ]


def _held(_engine: Engine) -> Select[Any]:
    c = hold.c
    query = select(c.kind, c.since_on, c.cause, c.level).where(c.service_id == bindparam("service"))
    return query.order_by(c.since_on)


async def _missing(tx: Tx, key: AccountId, currency: str) -> Money | None:
    rows = await _MISSING.rows(tx, {"account": key})
    return Money(rows[0].missing_minor, currency) if rows else None


def _lacking(_engine: Engine) -> Select[Any]:
    c = dunning_suspension.c
    mine = (c.account_id == bindparam("account"), c.restored_at.is_(None), c.missing_minor > 0)
    return select(c.missing_minor).where(*mine)


async def _balance(tx: Tx, key: AccountId, currency: str) -> tuple[Money, Money]:
    sums = {"invoice": 0, "credit": 0}
    for row in await _OPEN.rows(tx, {"account": key, "currency": currency}):
        sums[row.kind] += row.rest_minor
    return Money(sums["invoice"], currency), Money(sums["credit"], currency)


def _open(_engine: Engine) -> Select[Any]:
    c = open_item.c
    of = (c.account_id == bindparam("account"), c.currency == bindparam("currency"))
    return select(c.kind, c.rest_minor).where(*of)


_OWNER = PreparedQuery(_owners)
_SUBSCRIPTIONS = PreparedQuery(_subscribed)
_PAYMENTS = PreparedQuery(_paid)
_ATTEMPTS = PreparedQuery(_tried)
_HOLDS = PreparedQuery(_held)
_OPEN = PreparedQuery(_open)
_MISSING = PreparedQuery(_lacking)
