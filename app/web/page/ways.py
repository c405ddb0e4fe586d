"""Payment methods and refunds of a household, as its holder and staff read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.desk.auditing import naming
from app.web.page.words import Tone, money, shown
from billing.debits.model import Creditor
from billing.payments.model import DEBIT, IN_DISPUTE, MAY_GO_ON, WENT_BACK
from billing.payments.refunds import RefundState
from billing.reads import debits, refunds, ways
from billing.reads.ways import MethodView, Named, PaidView, RefundView
from runtime.store import Tx

_STATES: Mapping[RefundState, tuple[Tone, str]] = {
    RefundState.WAITING: ("warn", "waits for a second person"),
    RefundState.DECLINED: ("off", "declined"),
    RefundState.OPEN: ("calm", "on its way"),
    RefundState.UNKNOWN: ("warn", "answer awaited"),
    RefundState.DONE: ("good", "given back"),
    RefundState.REFUSED: ("bad", "refused"),
    RefundState.BOUNCED: ("bad", "did not arrive"),
}
_NAMED: Mapping[Named, str] = {
    Named.DESCRIBED: "",
    Named.AWAITED: ", not described by it yet",
    Named.UNKNOWN: ", which does not know it",
}
_ELSE = "it is chosen again, or another way to pay is left"
_RESTS: Mapping[str, str] = {
    IN_DISPUTE: f"; a bank took a payment back: nothing is charged until it comes back, {_ELSE}",
    WENT_BACK: f"; a payment went back: nothing is charged until {_ELSE}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodRow:
    """A payment method."""

    id: str
    label: str
    state: str
    tone: Tone
    detail: str
    may_be_charged: bool
    is_mandate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRow:
    """Money that goes back."""

    at: datetime
    amount: str
    state: str
    tone: Tone
    detail: str
    is_waiting: bool
    receipt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How a household pays, what went back, what may; who collects by direct debit, if anybody.

    Up to `alone_up_to` one person gives back within a day; empty where that is any amount.
    """

    creditor: Creditor | None
    methods: Sequence[MethodRow]
    refunds: Sequence[RefundRow]
    payable_back: Sequence[PaidView]
    alone_up_to: str


async def gathered(tx: Tx, contract: str) -> Ways:
    """Gather all of it. Raises NotFound."""
    asked = await ways.refunds(tx, contract)
    name = await naming(tx) if asked else str
    payable_back = await ways.payable_back(tx, contract)
    limit = None
    if payable_back:
        limit = (await refunds.alone(tx)).limit(payable_back[0].left.currency)
    return Ways(
        creditor=await debits.creditor(tx),
        methods=[_method(one) for one in await ways.methods(tx, contract)],
        refunds=[_refund(one, name) for one in asked],
        payable_back=payable_back,
        alone_up_to=f"{limit or ''}",
    )


async def kept(tx: Tx, contract: str) -> Sequence[MethodRow]:
    """Gather the methods alone."""
    return [_method(one) for one in await ways.methods(tx, contract)]


def _method(one: MethodView) -> MethodRow:
    tone: Tone = "bad"
    state = one.stopped.replace("_", " ")
    if one.stopped and one.named is Named.UNKNOWN:
        state = "not charged any more"
    elif not one.stopped:
        tone, state = ("good", "charged") if one.is_charged else ("off", "not charged")
    is_mandate = one.provider == DEBIT
    until = f", until {shown(one.expires_on)}" if one.expires_on else ""
    rests = _RESTS.get(one.stopped, "")
    return MethodRow(
        id=one.id,
        label=one.label,
        state=state,
        tone=tone,
        detail=f"{'direct debit' if is_mandate else one.provider}{until}{_NAMED[one.named]}{rests}",
        may_be_charged=one.stopped in MAY_GO_ON and not one.is_charged,
        is_mandate=is_mandate,
    )


def _refund(one: RefundView, name: Callable[[str], str]) -> RefundRow:
    tone, state = _STATES[one.state]
    parts = (
        one.payment,
        one.credit_note,
        one.reason,
        one.code.replace("_", " "),
        _second(one, name),
    )
    return RefundRow(
        at=one.at,
        amount=money(one.amount),
        state=state,
        tone=tone,
        detail=", ".join(filter(None, parts)),
        is_waiting=one.state is RefundState.WAITING,
        receipt=one.receipt,
    )


def _second(one: RefundView, name: Callable[[str], str]) -> str:
    """Tell who was the second person of a refund, where there was one."""
    asked = f"asked for by {name(one.asked_by)}"
    if one.state is RefundState.WAITING:
        return asked
    if not one.decided_by:
        return ""
    word = "declined by" if one.state is RefundState.DECLINED else "let go by"
    why = f": {one.decided_why}" if one.decided_why else ""
    return f"{asked}, {word} {name(one.decided_by)}{why}"
