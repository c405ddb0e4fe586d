"""One household on one page, and the list of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from app.desk import household, shopping
from app.desk.boxes import holder_of
from app.desk.household import Household
from app.web.console.holdings import Holding, holding
from app.web.console.jobs import JobRow, open_jobs
from app.web.console.rented import RentalRow, rentals
from app.web.console.story import Moment, newest
from app.web.console.words import STATE_TONES, delivered, said
from app.web.page.account import Having, PaymentRow, having, payments, promise_last_on, promised
from app.web.page.extras import extras, sale
from app.web.page.papers import CreditCard, InvoiceCard, credit_note, invoice
from app.web.page.ways import gathered
from app.web.page.words import CONDITIONS, Tone, money
from app.wiring import House
from billing.catalog.terms import SalesChannel
from billing.reads import accounts
from gateway.inventory.model import IN_WORDS, Resource, ResourceState
from gateway.reads.services import AtTarget
from runtime.store import Tx
from terms.calendar import local_date
from terms.entitlement import ServiceState
from terms.ids import SubjectId

JOBS_MAX, SALES_MAX, WARES_MAX = 20, 24, 200
_NOT_SETTLED = "being prepared"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLine:
    """One row of the list of accounts."""

    contract: str
    name: str
    state: str
    tone: Tone
    owed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxRow:
    """A box of the household: how far it is, and when what drives it saw it last."""

    serial: str
    model: str
    mac: str
    state: str
    tone: Tone
    seen: str
    seen_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One notice to the household."""

    at: datetime
    text: str
    outcome: str
    tone: Tone
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPage:
    """One household on one page."""

    contract: str
    number: str
    name: str
    phone: str
    email: str
    state: str
    tone: Tone
    why_dark: tuple[str, ...]
    is_still_on: bool
    held_up: tuple[str, ...]
    owed: str
    credit: str
    owes: bool
    owed_plain: str
    today: date
    currency: str
    conditions: tuple[tuple[str, str], ...]
    bill_day: int
    segment: str
    subscriptions: tuple[Having, ...]
    boxes: tuple[BoxRow, ...]
    promise: str
    promise_last_on: date | None  # None where no promise may be made now
    rentals: tuple[RentalRow, ...]
    jobs: tuple[JobRow, ...]
    invoices: tuple[InvoiceCard, ...]
    credit_notes: tuple[CreditCard, ...]
    payments: tuple[PaymentRow, ...]
    holdings: tuple[Holding, ...]
    messages: tuple[Message, ...]
    story: tuple[Moment, ...]


async def listing(tx: Tx, search: str, after: str, limit: int) -> tuple[AccountLine, ...]:
    """List accounts by contract."""
    found = await accounts.listing(tx, search=search, after=after, limit=limit)
    return tuple(
        AccountLine(
            contract=one.contract,
            name=one.name,
            state=one.state.value if one.state else _NOT_SETTLED,
            tone=_tone(one.state),
            owed=money(one.owed) if one.owed.amount_minor else "",
        )
        for one in found
    )


async def account(house: House, tx: Tx, contract: str) -> AccountPage:
    """Gather one household's page. Raises NotFound."""
    found = await household.view(tx, contract)
    about = found.account
    now = await house.clock.business_now(tx)
    today = local_date(now, about.zone)
    return AccountPage(
        contract=about.service.contract,
        number=about.number,
        name=about.name,
        phone=about.phone,
        email=about.email,
        state=about.service.state.value if about.service.state else _NOT_SETTLED,
        tone=_tone(about.service.state),
        why_dark=tuple(found.why_dark),
        is_still_on=found.is_still_on,
        held_up=tuple(found.held_up),
        owed=money(about.owed),
        credit=money(about.credit) if about.credit.amount_minor else "",
        owes=about.owed.amount_minor > 0,
        owed_plain=about.owed.plain if about.owed.amount_minor > 0 else "",
        today=today,
        currency=about.currency,
        conditions=tuple((one.value, word) for one, word in CONDITIONS.items()),
        promise=promised(about),
        promise_last_on=await promise_last_on(tx, about, today),
        bill_day=about.bill_day,
        segment=about.segment,
        subscriptions=having(about),
        boxes=_boxes(found),
        rentals=rentals(about),
        jobs=await open_jobs(tx, jobs_max=JOBS_MAX, service=about.service.id),
        invoices=tuple(invoice(one, today) for one in about.invoices),
        credit_notes=tuple(credit_note(one) for one in about.credit_notes),
        payments=payments(about),
        holdings=tuple(holding(at, found.out) for at in found.gateway.targets),
        messages=_messages(found),
        story=tuple(
            replace(one, contract="") for one in await newest(tx, about.service.id, about.id)
        ),
    )


async def besides(house: House, tx: Tx, contract: str, zone: str) -> Mapping[str, Any]:
    """Gather what it has besides, what it bought and may be sold, with the times of a zone.

    Raises NotFound.
    """
    holder = await holder_of(tx, contract)
    at = await shopping.counter(house, tx, holder.service, holder.zone)
    sales = await shopping.bought(tx, at, limit=SALES_MAX)
    wares = shopping.offers(at, SalesChannel.STAFF, limit=WARES_MAX)
    published = await house.desk.shelf.newest(tx)
    return {
        "segments": sorted(name for name in published.segments if name),
        "extras": await extras(tx, at),
        "ways": await gathered(tx, contract),
        "sales": [sale(one, zone) for one in sales],
        "wares": [(one.code, f"{one.name}, {money(one.price)}") for one in wares],
    }


def _tone(state: ServiceState | None) -> Tone:
    return STATE_TONES[state] if state else "calm"


def _boxes(found: Household) -> tuple[BoxRow, ...]:
    own = {at.subject: at for at in found.gateway.targets}
    return tuple(_box(box, own.get(SubjectId(box.id))) for box in found.gateway.boxes)


def _box(box: Resource, at: AtTarget | None) -> BoxRow:
    """Show a box; where a target drives it, that has seen it, and what it was seen to hold."""
    seen = "not asked itself: the portal answers for it"
    if at is not None:
        seen = (
            f"holds the newest wish, by {at.target}" if at.is_proven else f"awaited at {at.target}"
        )
    return BoxRow(
        serial=box.serial,
        model=box.model,
        mac=box.mac or "",
        state=IN_WORDS[box.state],
        tone="good" if box.state is ResourceState.ACTIVE else "warn",
        seen=seen,
        seen_at=at.seen_at if at else None,
    )


def _messages(found: Household) -> tuple[Message, ...]:
    return tuple(
        Message(
            at=one.ended_at or one.begun_at,
            text=said(one),
            outcome=delivered(one)[1],
            tone=delivered(one)[0],
            why=one.why,
        )
        for one in found.messages
    )
