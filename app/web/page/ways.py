"""Payment methods and refunds of a household, as its holder and staff read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.web.page.words import Tone, money, shown
from billing.debits.model import Creditor
from billing.payments.model import DEBIT
from billing.payments.refunds import RefundState
from billing.reads import debits, ways
from billing.reads.ways import MethodView, PaidView, RefundView
from runtime.store import Tx

_STATES: Mapping[RefundState, tuple[Tone, str]] = {
    RefundState.OPEN: ("calm", "on its way"),
    RefundState.UNKNOWN: ("warn", "answer awaited"),
    RefundState.DONE: ("good", "given back"),
    RefundState.REFUSED: ("bad", "refused"),
    RefundState.BOUNCED: ("bad", "did not arrive"),
}
# A person may have one charged again that was stopped because money went back.
_MAY_GO_ON = frozenset({"", "money_went_back"})


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How a household pays, what went back, what may; who collects by direct debit, if anybody."""

    creditor: Creditor | None
    methods: Sequence[MethodRow]
    refunds: Sequence[RefundRow]
    payable_back: Sequence[PaidView]


async def gathered(tx: Tx, contract: str) -> Ways:
    """Gather all of it. Raises NotFound."""
    return Ways(
        creditor=await debits.creditor(tx),
        methods=[_method(one) for one in await ways.methods(tx, contract)],
        refunds=[_refund(one) for one in await ways.refunds(tx, contract)],
        payable_back=await ways.payable_back(tx, contract),
    )


async def kept(tx: Tx, contract: str) -> Sequence[MethodRow]:
    """Gather the methods alone."""
    return [_method(one) for one in await ways.methods(tx, contract)]


def _method(one: MethodView) -> MethodRow:
    tone: Tone = "bad"
    state = one.stopped.replace("_", " ")
    if not one.stopped:
        tone, state = ("good", "charged") if one.is_charged else ("off", "not charged")
    is_mandate = one.provider == DEBIT
    until = f", until {shown(one.expires_on)}" if one.expires_on else ""
    return MethodRow(
        id=one.id,
        label=one.label,
        state=state,
        tone=tone,
        detail=f"{'direct debit' if is_mandate else one.provider}{until}",
        may_be_charged=one.stopped in _MAY_GO_ON and not one.is_charged,
        is_mandate=is_mandate,
    )


def _refund(one: RefundView) -> RefundRow:
    tone, state = _STATES[one.state]
    parts = (one.charge, one.note, one.reason, one.code.replace("_", " "))
    return RefundRow(
        at=one.at,
        amount=money(one.amount),
        state=state,
        tone=tone,
        detail=", ".join(filter(None, parts)),
    )
