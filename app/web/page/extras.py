"""What a household has beside its subscriptions, in words: for its own pages and for staff's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from app.desk.extras import Extras, Used
from app.desk.extras import extras as read_extras
from app.desk.shopping import Bought, Counter
from app.web.page.drawing import when
from app.web.page.words import Tone, money, shown, span
from billing.catalog.model import PriceBook
from billing.catalog.window import Window
from billing.loyalty.model import PointKind
from billing.promotions.model import Scope
from billing.promotions.promotion import Promotion
from billing.reads.loyalty import PointView
from billing.reads.promotions import RedemptionView
from billing.reads.purchases import PurchaseState, PurchaseView
from runtime.store import Tx
from terms.money import Money

POINTS_SHOWN_MAX = 12
_STATES: Mapping[PurchaseState, tuple[Tone, str]] = {
    PurchaseState.WAITING: ("warn", "not open yet"),
    PurchaseState.OPEN: ("good", "open"),
    PurchaseState.OVER: ("off", "over"),
    PurchaseState.DONE: ("good", "bought"),
    PurchaseState.GIVEN_BACK: ("off", "given back"),
}
_POINTS: Mapping[PointKind, str] = {
    PointKind.EARNED: "earned",
    PointKind.TAKEN_BACK: "taken back, as the money was",
    PointKind.SPENT: "spent",
    PointKind.EXPIRED: "not spent in time",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleRow:
    """Something that was bought. `may_go_back` where nobody has watched it."""

    id: str
    name: str
    price: str
    tone: Tone
    state: str
    detail: str
    invoice: str
    may_go_back: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedRow:
    """What was used of a meter, and what it costs so far."""

    name: str
    quantity: str
    period: str
    cost: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PointRow:
    """Points that came or went."""

    points: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsCard:
    """What an account has as a member; `points` is None where it is none."""

    points: int | None
    worth: str
    is_offered: bool
    rows: tuple[PointRow, ...]
    code: str
    brings: str
    brought: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OffRow:
    """A promotion that an account has, and what it takes off."""

    name: str
    code: str
    what: str
    days: str
    taken: str
    tone: Tone
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtrasPage:
    """All of it, ready for a page."""

    used: tuple[UsedRow, ...]
    points: PointsCard
    offs: tuple[OffRow, ...]


async def extras(tx: Tx, at: Counter) -> ExtrasPage:
    """Gather what a household has."""
    found = await read_extras(tx, at)
    return ExtrasPage(
        used=tuple(_used(one) for one in found.used),
        points=_points(found),
        offs=tuple(_off(one, at) for one in found.promotions),
    )


def sale(one: Bought, zone: str) -> SaleRow:
    """Show something that was bought, with the times of a zone."""
    found = one.sale
    tone, state = _STATES[found.state]
    return SaleRow(
        id=found.id,
        name=found.name if found.quantity == 1 else f"{found.quantity} of {found.name}",
        price=money(one.total),
        tone=tone,
        state=state,
        detail=f"bought {when(found.bought_at, zone)}{_until(found, zone)}",
        invoice=found.invoice,
        may_go_back=found.watched_at is None and found.state is not PurchaseState.GIVEN_BACK,
    )


def _until(one: PurchaseView, zone: str) -> str:
    match one.state:
        case PurchaseState.WAITING if one.from_at:
            return f", opens {when(one.from_at, zone)}"
        case PurchaseState.WAITING:
            return ", opens once it is paid"
        case PurchaseState.OPEN | PurchaseState.OVER if one.until_at:
            return f", until {when(one.until_at, zone)}"
        case PurchaseState.DONE if not one.invoice:
            return f", billed by {shown(one.bill_on)}"
    return ""


def lasting(window: Window, zone: str) -> str:
    """Say for how long a title may be watched."""
    if window.opens_at and window.closes_at:
        return f"{when(window.opens_at, zone)} to {when(window.closes_at, zone)}"
    days, rest = divmod(window.hours, 24)
    count, unit = (window.hours, "hour") if rest else (days, "day")
    return f"for {count} {unit}{'s' if count > 1 else ''}"


def _used(one: Used) -> UsedRow:
    period = "nothing yet"
    if one.period:
        period = span(one.period.start, one.period.end - timedelta(days=1))
    return UsedRow(
        name=one.name, quantity=f"{one.quantity} {one.meter}", period=period, cost=money(one.cost)
    )


def _points(found: Extras) -> PointsCard:
    one, program = found.loyalty, found.program
    return PointsCard(
        points=one.points,
        worth=money(found.worth),
        is_offered=bool(program.tiers),
        rows=tuple(_point(each) for each in one.entries[:POINTS_SHOWN_MAX]),
        code=one.code,
        brings=money(program.referral) if program.referral else "",
        brought=f"{one.brought} came by it, {one.rewarded} brought credit" if one.brought else "",
    )


def _point(one: PointView) -> PointRow:
    until = f", to be spent before {shown(one.expires_on)}" if one.expires_on else ""
    return PointRow(
        points=f"{one.points:+d}",
        detail=f"{_POINTS[one.kind]} {shown(one.at.date())}{until}",
    )


def _off(one: RedemptionView, at: Counter) -> OffRow:
    redemption, promotion = one.redemption, one.redemption.promotion
    is_over = redemption.is_over(one.periods, at.today)
    until = f" to before {shown(redemption.until_on)}" if redemption.until_on else ""
    return OffRow(
        name=promotion.name,
        code=promotion.code,
        what=off(promotion, at.catalogue.book),
        days=f"for what is charged from {shown(redemption.from_on)} on{until}",
        taken=money(Money(one.taken_minor, at.buyer.currency)),
        tone="off" if is_over else "good",
        state="over" if is_over else "counts",
    )


def off(promotion: Promotion, book: PriceBook) -> str:
    """Say what a promotion takes off: 50% off Basic for 3 periods."""
    discount = promotion.discount
    names = sorted(book.offering(code).name for code in discount.limited_to)
    of = ", ".join(names) or "all that is charged by the period"
    if discount.scope is Scope.PLAN:
        of = f"all that is charged under {of}"
    periods = discount.periods_max or promotion.ahead
    word = "period" if periods == 1 else "periods"
    lasts = f" for {periods} {word}" if periods else ""
    return f"{discount.off} off {of}{lasts}"
