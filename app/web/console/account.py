"""One household on one page, and the list of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.desk import household, shopping
from app.desk.boxes import holder_of
from app.desk.household import Household
from app.web.console.jobs import open_jobs
from app.web.console.rented import rentals
from app.web.console.story import newest
from app.web.console.views import AccountLine, AccountPage, BoxRow, Change, Holding, Message
from app.web.console.words import STATE_TONES, changes, delivered, said
from app.web.page.account import having, payments, promise_last_on, promised
from app.web.page.extras import extras, sale
from app.web.page.papers import credit_note, invoice
from app.web.page.words import CONDITIONS, Tone
from app.wiring import House
from billing.catalog.terms import SalesChannel
from billing.reads import accounts
from gateway.adapters.state import differences
from gateway.inventory.model import IN_WORDS, Resource, ResourceState
from gateway.reads.services import AtTarget
from runtime.store import Tx
from terms.calendar import local_date
from terms.entitlement import ServiceState
from terms.ids import SubjectId

JOBS_MAX, SALES_MAX, WARES_MAX = 20, 24, 200
_NOT_SETTLED = "being prepared"


async def listing(tx: Tx, search: str, after: str, limit: int) -> tuple[AccountLine, ...]:
    """List accounts by contract."""
    found = await accounts.listing(tx, search=search, after=after, limit=limit)
    return tuple(
        AccountLine(
            contract=one.contract,
            name=one.name,
            state=one.state.value if one.state else _NOT_SETTLED,
            tone=_tone(one.state),
            owed=str(one.owed) if one.owed.amount_minor else "",
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
        owed=str(about.owed),
        credit=str(about.credit) if about.credit.amount_minor else "",
        owes=about.owed.amount_minor > 0,
        owed_plain=about.owed.plain if about.owed.amount_minor > 0 else "",
        today=today,
        currency=about.currency,
        conditions=tuple((one.value, word) for one, word in CONDITIONS.items()),
        promise=promised(about),
        promise_last_on=await promise_last_on(tx, about, today),
        bill_day=about.bill_day,
        subscriptions=having(about),
        boxes=_boxes(found),
        rentals=rentals(about),
        jobs=await open_jobs(tx, jobs_max=JOBS_MAX, service=about.service.id),
        invoices=tuple(invoice(one, today) for one in about.invoices),
        credit_notes=tuple(credit_note(one) for one in about.credit_notes),
        payments=payments(about),
        holdings=tuple(_holding(at) for at in found.gateway.targets),
        messages=_messages(found),
        story=tuple(
            replace(one, contract="") for one in await newest(tx, about.service.id, about.id)
        ),
    )


async def besides(house: House, tx: Tx, contract: str) -> Mapping[str, Any]:
    """Gather what it has besides, what it bought and may be sold. Raises NotFound."""
    holder = await holder_of(tx, contract)
    at = await shopping.counter(house, tx, holder.service, holder.zone)
    sales = await shopping.bought(tx, at, limit=SALES_MAX)
    wares = shopping.offers(at, SalesChannel.STAFF, limit=WARES_MAX)
    return {
        "extras": await extras(tx, at),
        "sales": [sale(one, holder.zone) for one in sales],
        "wares": [(one.code, f"{one.name}, {one.price}") for one in wares],
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


def _holding(at: AtTarget) -> Holding:
    wrong = differences(at.wished, at.held)
    fields = {
        "picture": ("on" if at.wished.enabled else "off"),
        "tariff": at.wished.tariff or "none",
        "packages": ", ".join(sorted(at.wished.packages)) or "none",
        "boxes": ", ".join(sorted(at.wished.devices)) or "none",
    }
    held = {one.field: one.held for one in changes(wrong)}
    tone: Tone = "warn"
    state = "being brought in line"
    if at.is_proven:
        tone, state = "good", "as wished"
    elif at.waiting and at.waiting.parked_at:
        tone, state = "bad", "set aside"
    return Holding(
        target=at.target,
        ref=at.ref,
        tone=tone,
        state=state,
        changes=tuple(
            Change(field=name, held=held.get(name, wished), wished=wished)
            for name, wished in fields.items()
        ),
        why=at.waiting.error if at.waiting else "",
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
