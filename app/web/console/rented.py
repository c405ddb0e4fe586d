"""What a household rents, and what is held for it, on its page."""

from __future__ import annotations

from dataclasses import dataclass

from app.web.page.words import Tone, shown
from billing.equipment.model import Ending
from billing.reads.account import AccountView
from billing.reads.rentals import RentalView

_ENDINGS: dict[Ending | None, tuple[Tone, str]] = {
    Ending.RETURNED: ("off", "came back"),
    Ending.DAMAGED: ("bad", "came back damaged"),
    Ending.LOST: ("bad", "lost"),
    None: ("off", "over"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RentalRow:
    """A rented box, and the deposit that is held for it."""

    id: str
    serial: str
    detail: str
    state: str
    tone: Tone
    deposit: str
    waits: bool


def rentals(about: AccountView) -> tuple[RentalRow, ...]:
    """Show rented boxes, the newest first."""
    return tuple(_rental(one) for one in about.rentals)


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
