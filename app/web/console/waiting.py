"""What waits for a person, as pages show it: about boxes, deposits, refunds, usage of nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.desk.waiting import Asked, Doubt, Waiting
from app.web.page.words import money, shown
from billing.cash.model import CASH
from billing.equipment.model import Ending
from billing.reads.rentals import DepositView
from billing.reads.usage import WaitingView
from billing.usage.model import NO_OFFERING, NO_PRICE, NO_SERVICE
from gateway.inventory.reviews import CaseKind

# What it is, and what whoever decides about it can do.
_COMPARE = (
    "Compare the label. Where another box was plugged in, have it swapped; where the list is "
    "wrong, correct it."
)
_KEY = (
    "Ask whoever is there whether it was reset or given another board. If so, let the next key in "
    "and have it registered again; if not, another device answers in its place."
)
_COPY = "One of the two is a copy, or a list is wrong: have both labels read."
_TWICE = "Two boxes call with this serial: have the one with the household looked at."
_STRANGE = "Have the box brought back and looked at; give the household another one."
_CASES: Mapping[CaseKind, tuple[str, str]] = {
    CaseKind.HOST_KEY: ("Another key", _KEY),
    CaseKind.OTHER_MODEL: ("Another model", _COMPARE),
    CaseKind.OTHER_MAC: ("Another MAC", _COMPARE),
    CaseKind.MAC_TAKEN: ("One MAC, two boxes", _COPY),
    CaseKind.TWO_PLACES: ("One serial, two places", _TWICE),
    CaseKind.DOUBTFUL: ("Calls as it should not", _STRANGE),
}
_SOON = "then it is counted by itself"
_WHY_NOBODY = {
    NO_SERVICE: (
        "there is no such contract",
        f"Sign the household up under this number: {_SOON}. Or set it aside.",
    ),
    NO_OFFERING: (
        "the household has nothing that is charged by this meter",
        f"Give it an offering of the meter: {_SOON}. Or set it aside.",
    ),
    NO_PRICE: (
        "the offering has no price in the household's currency",
        "Publish a price, then look again. Or set it aside.",
    ),
}
_ENDINGS = {Ending.DAMAGED: "came back damaged", Ending.LOST: "is lost"}


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
class RefundRow:
    """A refund that a second person decides about; `by` asked for it, called `who`.

    It can only be declined where they may not any more.
    """

    id: str
    contract: str
    name: str
    amount: str
    text: str
    reason: str
    by: str
    who: str
    at: datetime
    is_cash: bool
    can_go: bool


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
    refunds: tuple[RefundRow, ...]
    usage: tuple[UsageRow, ...]


def page(found: Waiting) -> WaitingPage:
    """Show all of it."""
    return WaitingPage(
        doubts=tuple(_doubt(one) for one in found.doubts),
        deposits=tuple(_deposit(one) for one in found.deposits),
        refunds=tuple(_refund(one) for one in found.refunds),
        usage=tuple(_usage(one) for one in found.usage),
    )


def _refund(asked: Asked) -> RefundRow:
    one = asked.refund
    text = f"Of {one.provider} {one.payment}"
    if one.pay_out:
        more = f" and {one.payments - 1} more" if one.payments > 1 else ""
        text = f"Out of the wallet, of {one.provider} {one.payment}{more}"
    if one.line:
        text = f"{text}, with a credit note for {one.line}"
    return RefundRow(
        id=one.id,
        contract=one.contract,
        name=one.name,
        amount=money(one.amount),
        text=text,
        reason=one.reason,
        by=one.asked_by,
        who=asked.who,
        at=one.at,
        is_cash=one.provider == CASH,
        can_go=asked.can_go,
    )


def _usage(one: WaitingView) -> UsageRow:
    reason, todo = _WHY_NOBODY.get(one.reason, (one.reason, ""))
    return UsageRow(
        source=one.source,
        id=one.id,
        contract=one.contract,
        text=f"{one.quantity} {one.meter}, told by {one.source} as {one.id}",
        reason=reason,
        todo=todo,
        at=one.used_at,
    )


def _doubt(one: Doubt) -> DoubtRow:
    title, todo = _CASES[one.case.kind]
    return DoubtRow(
        id=one.case.id,
        title=title,
        serial=one.case.serial,
        contract=one.contract,
        reason=one.case.reason,
        todo=todo,
        at=one.case.seen_at,
        count=one.case.count,
        is_of_key=one.case.kind is CaseKind.HOST_KEY,
    )


def _deposit(one: DepositView) -> DepositRow:
    rental = one.rental
    how = _ENDINGS.get(rental.ending, "is back") if rental.ending else "is back"
    since = f" since {shown(rental.deposit_since)}" if rental.deposit_since else ""
    return DepositRow(
        id=rental.id,
        contract=one.contract,
        name=one.name,
        text=f"{rental.deposit} held{since}: box {rental.serial} {how}",
    )
