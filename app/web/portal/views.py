"""What the templates of the portal show, already in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.web.page.account import Having, PaymentRow
from app.web.page.words import Tone
from app.web.portal.picture import Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInvoice:
    """An invoice that is not paid, and what is left of it."""

    number: str
    due_on: str
    open: str
    tone: Tone
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePage:
    """What a subscriber has, owes and paid lately.

    `next_on` is the day of the next invoice; empty where none is to come. `promise_last_on` is
    None where no promise may be made.
    """

    contract: str
    name: str
    zone: str
    picture: Picture
    having: tuple[Having, ...]
    owed: str
    owes: bool
    credit: str
    open_invoices: tuple[OpenInvoice, ...]
    collecting: str
    next_on: str
    promise: str
    today: date
    promise_last_on: date | None
    payments: tuple[PaymentRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow:
    """An invoice or a credit note as a line of a list."""

    href: str
    number: str
    issued_on: str
    total: str
    tone: Tone
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRow:
    """Something that may be bought once: its price with tax, how long, how billed."""

    code: str
    name: str
    price: str
    lasts: str
    billed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxCard:
    """A box of the household. `ending` is the end of its serial, enough to find it by its label."""

    id: str
    name: str
    model: str
    ending: str
    state: str
    tone: Tone
