"""What a household rents, what is held for it, and what was given back, on its page."""

from __future__ import annotations

from datetime import timedelta

from app.web.console.views import CreditCard, CreditLine, RentalRow, Tone
from app.web.console.words import plain, shown, span, taxes
from billing.equipment.model import Ending
from billing.rating.model import LineKind
from billing.reads.account import AccountView
from billing.reads.credit_notes import CreditLineView, CreditNoteView
from billing.reads.rentals import RentalView

_ENDINGS: dict[Ending | None, tuple[Tone, str]] = {
    Ending.RETURNED: ("off", "came back"),
    Ending.DAMAGED: ("bad", "came back damaged"),
    Ending.LOST: ("bad", "lost"),
    None: ("off", "over"),
}


def rentals(about: AccountView) -> tuple[RentalRow, ...]:
    """Show rented boxes, the newest first."""
    return tuple(_rental(one) for one in about.rentals)


def credit_notes(about: AccountView) -> tuple[CreditCard, ...]:
    """Show credit notes, the newest first."""
    return tuple(credit_note(one) for one in about.credit_notes)


def _rental(one: RentalView) -> RentalRow:
    days = f"since {shown(one.from_on)}"
    tone, state = _ENDINGS[one.ending]
    if one.until_on is None:
        tone, state = "good", "rented"
    else:
        days = f"{shown(one.from_on)} to {shown(one.until_on)}"
    deposit = ""
    if one.deposit_since:
        deposit = f"{one.deposit} held as a deposit since {shown(one.deposit_since)}"
    return RentalRow(
        id=one.id,
        serial=one.serial,
        detail=f"{one.model}, {days}",
        state=state,
        tone=tone,
        deposit=deposit,
        waits=one.is_waiting,
    )


def credit_note(one: CreditNoteView) -> CreditCard:
    """Show a credit note, with what each line gives back."""
    return CreditCard(
        number=one.number,
        issued_on=shown(one.issued_on),
        total=str(one.total),
        lines=tuple(_line(line) for line in one.lines),
        taxes=taxes(one.groups),
    )


def _line(line: CreditLineView) -> CreditLine:
    last = line.period_end - timedelta(days=1)
    if line.is_goodwill:
        fraction, why = "goodwill", f"{plain(line.charged)} charged"
    elif line.kind is LineKind.RENTAL:
        fraction = f"{line.days}/{line.of_days}"
        stays = plain(line.charged - line.amount)
        why = f"{plain(line.charged)} charged, {stays} stays for {line.used_days}/{line.of_days}"
    else:
        fraction = "once"
        kept = f", {plain(line.kept)} kept" if line.kept.amount_minor else ""
        why = f"{plain(line.charged)} charged{kept}"
    return CreditLine(
        text=line.label,
        period=span(line.period_start, last),
        fraction=fraction,
        why=f"line {line.line} of {line.invoice}: {why}",
        net=plain(line.net),
        tax=line.tax,
    )
