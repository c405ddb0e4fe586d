"""One household as the API shows it: a document of its own, whatever the parts call things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from app.desk.household import Household
from app.web.api.paper_view import CreditNote, Invoice, credit_note, invoice
from app.web.api.rental_view import Rented, rented
from app.web.api.shapes import Amount
from billing.promises.model import Promise
from billing.reads.account import AttemptView, HoldView, PaymentView, SubscriptionView
from gateway.adapters.state import ViewerState
from gateway.inventory.model import Resource
from gateway.reads.services import AtTarget
from messages.model import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribed:
    """An offering the household has, had, or will have."""

    offering: str
    name: str
    kind: str
    from_on: date
    until_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxHeld:
    """A box with the household."""

    serial: str
    model: str
    mac: str | None
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Money that moved; negative where it went back."""

    at: datetime
    provider: str
    reference: str
    kind: str
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A try to collect."""

    id: str
    invoice: str
    at: datetime
    provider: str
    amount: Amount
    state: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A reason why the service is held; `level` says what is left of one that is limited."""

    kind: str
    since_on: date
    cause: str
    level: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """The newest promise to pay: how much was owed, by when, and what has become of it."""

    amount: Amount
    until_on: date
    state: str
    ended_on: date | None

    @classmethod
    def of(cls, one: Promise) -> Promised:
        """Show a promise."""
        return cls(
            amount=Amount.of(one.amount),
            until_on=one.until_on,
            state=one.state.value,
            ended_on=one.ended_on,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a target holds or should hold, in its own codes."""

    enabled: bool
    tariff: str | None
    packages: Sequence[str]
    devices: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The household at one target. It is proven when the wish was seen there."""

    target: str
    ref: str
    revision: int
    proven: bool
    wished: State
    held: State | None
    seen_at: datetime | None
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSent:
    """A notice on its way to the screens, or to the mail address or telephone number `to`.

    A letter's text is not kept.
    """

    kind: str
    channel: str
    to: str
    text: str
    outcome: str
    at: datetime
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDocument:
    """Everything about one household. Lists are newest first and bounded."""

    contract: str
    name: str
    phone: str
    email: str
    currency: str
    zone: str
    locale: str
    bill_day: int
    jurisdiction: str
    segment: str
    service: str
    state: str | None
    reason: str
    revision: int
    missing: Amount | None
    why_dark: Sequence[str]
    held_up: Sequence[str]
    owed: Amount
    credit: Amount
    subscriptions: Sequence[Subscribed]
    boxes: Sequence[BoxHeld]
    rentals: Sequence[Rented]
    invoices: Sequence[Invoice]
    credit_notes: Sequence[CreditNote]
    payments: Sequence[Payment]
    attempts: Sequence[Attempt]
    holds: Sequence[Hold]
    promise: Promised | None
    targets: Sequence[Held]
    messages: Sequence[MessageSent]


def document(household: Household) -> AccountDocument:
    """Show a household."""
    account, service = household.account, household.account.service
    return AccountDocument(
        contract=service.contract,
        name=account.name,
        phone=account.phone,
        email=account.email,
        currency=account.currency,
        zone=account.zone,
        locale=account.locale,
        bill_day=account.bill_day,
        jurisdiction=account.jurisdiction,
        segment=account.segment,
        service=service.id,
        state=service.state.value if service.state else None,
        reason=service.reason,
        revision=service.revision,
        missing=Amount.of(account.missing) if account.missing else None,
        why_dark=household.why_dark,
        held_up=household.held_up,
        owed=Amount.of(account.owed),
        credit=Amount.of(account.credit),
        subscriptions=[_subscribed(one) for one in account.subscriptions],
        boxes=[_box(box) for box in household.gateway.boxes],
        rentals=[rented(one) for one in account.rentals],
        invoices=[invoice(one) for one in account.invoices],
        credit_notes=[credit_note(one) for one in account.credit_notes],
        payments=[_payment(one) for one in account.payments],
        attempts=[_attempt(one) for one in account.attempts],
        holds=[_hold(one) for one in account.holds],
        promise=Promised.of(account.promise) if account.promise else None,
        targets=[_held(at) for at in household.gateway.targets],
        messages=[_message(one) for one in household.messages],
    )


def _subscribed(one: SubscriptionView) -> Subscribed:
    return Subscribed(
        offering=one.offering,
        name=one.name,
        kind=one.kind,
        from_on=one.from_on,
        until_on=one.until_on,
    )


def _box(box: Resource) -> BoxHeld:
    return BoxHeld(serial=box.serial, model=box.model, mac=box.mac, state=box.state.value)


def _payment(one: PaymentView) -> Payment:
    return Payment(
        at=one.at,
        provider=one.provider,
        reference=one.charge,
        kind=one.kind.value,
        amount=Amount.of(one.amount),
    )


def _attempt(one: AttemptView) -> Attempt:
    return Attempt(
        id=one.id,
        invoice=one.number,
        at=one.at,
        provider=one.provider,
        amount=Amount.of(one.amount),
        state=one.state.value,
        code=one.code,
    )


def _hold(one: HoldView) -> Hold:
    return Hold(kind=one.kind.value, since_on=one.since_on, cause=one.cause, level=one.level)


def _message(one: Delivery) -> MessageSent:
    return MessageSent(
        kind=one.kind,
        channel=one.via.value,
        to=one.to,
        text=one.text,
        outcome=one.outcome.value,
        at=one.ended_at or one.begun_at,
        why=one.why,
    )


def _held(at: AtTarget) -> Held:
    return Held(
        target=at.target,
        ref=at.ref,
        revision=at.revision,
        proven=at.is_proven,
        wished=_state(at.wished),
        held=_state(at.held) if at.held else None,
        seen_at=at.seen_at,
        error=at.waiting.error if at.waiting else "",
    )


def _state(state: ViewerState) -> State:
    return State(
        enabled=state.enabled,
        tariff=state.tariff,
        packages=sorted(state.packages),
        devices=sorted(state.devices),
    )
