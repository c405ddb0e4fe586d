"""One household on one page, and the list of all."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from app.desk import household
from app.desk.household import Household
from app.web.console import rented
from app.web.console.jobs import open_jobs
from app.web.console.story import newest
from app.web.console.views import (
    AccountLine,
    AccountPage,
    BoxRow,
    Change,
    Having,
    Holding,
    InvoiceCard,
    InvoiceLine,
    Message,
    PaymentRow,
    Tone,
)
from app.web.console.words import (
    ATTEMPTS,
    MOVEMENTS,
    PROMISES,
    STATE_TONES,
    changes,
    delivered,
    plain,
    said,
    shown,
    span,
    taxes,
)
from app.web.field.words import CONDITIONS
from app.wiring import House
from billing.payments.standing import InvoiceState
from billing.reads import accounts, catalog
from billing.reads.account import AccountView
from billing.reads.invoices import InvoiceView, LineView
from gateway.adapters.state import differences
from gateway.inventory.model import IN_WORDS, Resource, ResourceState
from gateway.reads.services import AtTarget
from runtime.store import Tx
from terms.calendar import days_after, local_date
from terms.entitlement import ServiceState
from terms.ids import SubjectId

JOBS_MAX = 20
_ENDED = {InvoiceState.VOID: "void", InvoiceState.UNCOLLECTIBLE: "written off"}
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
        owed_plain=plain(about.owed) if about.owed.amount_minor > 0 else "",
        today=today,
        currency=about.currency,
        conditions=tuple((one.value, word) for one, word in CONDITIONS.items()),
        promise=promised(about),
        promise_last_on=await promise_last_on(tx, about, today),
        bill_day=about.bill_day,
        subscriptions=having(about),
        boxes=_boxes(found),
        rentals=rented.rentals(about),
        jobs=await open_jobs(tx, jobs_max=JOBS_MAX, service=about.service.id),
        invoices=tuple(invoice(one, today) for one in about.invoices),
        credit_notes=rented.credit_notes(about),
        payments=payments(about),
        holdings=tuple(_holding(at) for at in found.gateway.targets),
        messages=_messages(found),
        story=tuple(
            replace(one, contract="") for one in await newest(tx, about.service.id, about.id)
        ),
    )


def _tone(state: ServiceState | None) -> Tone:
    return STATE_TONES[state] if state else "calm"


def having(about: AccountView) -> tuple[Having, ...]:
    """List what a household has, had, or will have."""
    return tuple(
        Having(
            name=one.name,
            detail="add-on" if one.kind == "addon" else one.kind,
            since=shown(one.from_on),
            until=shown(one.until_on) if one.until_on else "",
        )
        for one in about.subscriptions
    )


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


async def promise_last_on(tx: Tx, about: AccountView, today: date) -> date | None:
    """Tell until when a promise may be made; whether this household may is judged when it asks."""
    policy = await catalog.promise_policy(tx)
    stands = about.promise is not None and about.promise.is_standing
    if stands or not policy.days_max or not about.owed.amount_minor:
        return None
    return days_after(today, policy.days_max)


def promised(about: AccountView) -> str:
    """Tell of the newest promise; nothing where there is none."""
    one = about.promise
    if one is None:
        return ""
    word = PROMISES[one.state]
    ended = f", {word} on {shown(one.ended_on)}" if one.ended_on else f": {word}"
    return f"{one.amount} until {shown(one.until_on)}{ended}"


def invoice(one: InvoiceView, today: date) -> InvoiceCard:
    """Show an invoice, with what explains it."""
    tone, state = paid(one, today)
    return InvoiceCard(
        number=one.number,
        issued_on=shown(one.issued_on),
        due_on=shown(one.due_on),
        total=str(one.total),
        open=str(one.open) if one.open.amount_minor else "",
        tone=tone,
        state=state,
        lines=tuple(_line(f"{one.number}.{n}", line) for n, line in enumerate(one.lines, 1)),
        taxes=taxes(one.groups),
    )


def paid(one: InvoiceView, today: date) -> tuple[Tone, str]:
    """Tell how an invoice stands."""
    if one.state in _ENDED:
        return "off", _ENDED[one.state]
    if not one.open.amount_minor:
        return "good", "paid"
    if one.due_on < today:
        return "bad", "overdue"
    return "warn", "partly paid" if one.state is InvoiceState.PARTLY_PAID else "open"


def _line(name: str, line: LineView) -> InvoiceLine:
    last = line.period_end - timedelta(days=1)
    return InvoiceLine(
        name=name,
        text=line.label,
        period=span(line.period_start, last),
        fraction=f"{line.days}/{line.of_days}",
        rate=plain(line.rate) + (" incl. tax" if line.includes_tax else ""),
        net=plain(line.net),
        tax=line.tax,
        offs=tuple(f"{off.name}: {plain(-off.off)}" for off in line.offs),
    )


def payments(about: AccountView) -> tuple[PaymentRow, ...]:
    """List payments and tries to collect, the newest first."""
    rows = [
        PaymentRow(
            at=one.at,
            amount=str(one.amount),
            how=one.provider,
            state=MOVEMENTS[one.kind][1],
            tone=MOVEMENTS[one.kind][0],
            why=one.charge,
        )
        for one in about.payments
    ]
    rows += [
        PaymentRow(
            at=one.at,
            amount=str(one.amount),
            how=one.provider,
            state=ATTEMPTS[one.state][1],
            tone=ATTEMPTS[one.state][0],
            why=", ".join(filter(None, (one.code.replace("_", " "), f"for invoice {one.number}"))),
        )
        for one in about.attempts
        if one.state in ATTEMPTS
    ]
    return tuple(sorted(rows, key=lambda row: row.at, reverse=True))


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
