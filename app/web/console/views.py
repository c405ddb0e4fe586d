"""What the console's templates show: words and numbers, already fit for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from app.identity.roles import Right
from app.web.links import Shown
from app.web.page.account import Having, PaymentRow
from app.web.page.papers import CreditCard, InvoiceCard
from app.web.page.words import Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One number at the top."""

    label: str
    value: str
    hint: str = ""
    tone: Tone = "calm"
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtRow:
    """Something found about a box that a person decides about, and what can be done."""

    id: str
    title: str
    serial: str
    contract: str
    reason: str
    todo: str
    at: datetime
    count: int
    is_of_key: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositRow:
    """A deposit that a person decides about."""

    id: str
    contract: str
    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """A record of usage that nobody has, and what can be done about it."""

    source: str
    id: str
    contract: str
    text: str
    reason: str
    todo: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingPage:
    """What waits for a person besides work that was set aside."""

    doubts: tuple[DoubtRow, ...]
    deposits: tuple[DepositRow, ...]
    usage: tuple[UsageRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A decision that a target waits for."""

    would: int
    base: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetCard:
    """A target and how it is."""

    name: str
    kind: str
    tone: Tone
    state: str
    why: str = ""
    facts: tuple[str, ...] = ()
    ask: Ask | None = None
    is_parked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """The work of one kind, at one target where it has one."""

    kind: str
    target: str
    due: int
    later: int
    leased: int
    parked: int
    oldest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedRow:
    """Work that waits for a person."""

    kind: str
    key: str
    target: str
    contract: str
    name: str
    reference: str
    reason: str
    since: datetime
    releasable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field that differs."""

    field: str
    held: str
    wished: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRow:
    """Something a target holds differently."""

    id: str
    target: str
    ref: str
    contract: str
    name: str
    kind: str
    changes: tuple[Change, ...]
    found_at: datetime
    repaired_at: datetime | None
    can_repair: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happened, in plain words."""

    id: str
    at: datetime
    tone: Tone
    text: str
    contract: str = ""
    name: str = ""
    more: str = ""
    many: str = ""  # how several alike are told in one line, with {n}


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The whole first page."""

    tiles: tuple[Tile, ...]
    targets: tuple[TargetCard, ...]
    queue: tuple[QueueRow, ...]
    parked: tuple[ParkedRow, ...]
    drift: tuple[DriftRow, ...]
    jobs: tuple[JobRow, ...]
    waiting: WaitingPage
    story: tuple[Moment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """One sentence of the last form, and an address to be opened or passed on, if there is one."""

    text: str = ""
    tone: Tone = "good"
    link: str = ""


NOTHING_SAID = Saying()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around every page, and which buttons are on it.

    `once` names the forms of this very page, so that each is done once.
    """

    operator: str
    business_now: datetime
    zone: str
    offset: str
    token: str = ""
    once: str = ""
    home: str = "/sign-in"
    leave: str = "/sign-out"
    rights: frozenset[Right] = frozenset()
    links: tuple[Shown, ...] = ()
    said: Saying = NOTHING_SAID


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLine:
    """One row of the list of accounts."""

    contract: str
    name: str
    state: str
    tone: Tone
    owed: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """Something that a technician is to do."""

    what: str
    contract: str
    name: str
    who: str
    note: str
    at: datetime


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
class Holding:
    """What one target holds for the household beside what it should."""

    target: str
    ref: str
    tone: Tone
    state: str
    changes: tuple[Change, ...]
    why: str = ""


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
    owed: str
    credit: str
    owes: bool
    owed_plain: str
    today: date
    currency: str
    conditions: tuple[tuple[str, str], ...]
    bill_day: int
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
