"""/refunds: those that wait for a second person, who lets them go or declines them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field

from app.desk import refunds
from app.web.api.payments import Refund
from app.web.api.shapes import Amount, OptionalText, Page, Paging, Text, page
from app.web.api.ways import change, look
from app.web.route import Body, Call
from billing.flows.second import Decided
from billing.payments.refunds import REASON_CHARS_MAX
from billing.reads import refunds as reading
from billing.reads import ways
from runtime.store import Tx


class ReleaseRefund(Body):
    """Why, for the audit."""

    reason: OptionalText = ""


class DeclineRefund(Body):
    """Why nothing goes back."""

    reason: Annotated[Text, Field(max_length=REASON_CHARS_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundWaiting:
    """A refund that waits: of which payment, or of how many out of a wallet; who asked for it.

    With a `line` a credit note for it is written once it goes.
    """

    id: str
    contract: str
    name: str
    at: datetime
    asked_by: str
    provider: str
    payment: str
    payments: int
    amount: Amount
    line: str
    pay_out: bool
    reason: str
    reference: str

    @classmethod
    def of(cls, one: reading.WaitingRefund) -> RefundWaiting:
        """Show one that waits."""
        return cls(
            id=one.id,
            contract=one.contract,
            name=one.name,
            at=one.at,
            asked_by=one.asked_by,
            provider=one.provider,
            payment=one.payment,
            payments=one.payments,
            amount=Amount.of(one.amount),
            line=one.line,
            pay_out=one.pay_out,
            reason=one.reason,
            reference=one.reference,
        )


async def waiting(call: Call) -> Page[RefundWaiting]:
    """List the refunds that wait for a second person, the oldest first."""
    query: Paging = call.query
    after = query.behind_name()
    async with call.house.store.read() as tx:
        found = await reading.waiting(tx, limit=query.limit + 1, after=after)
    return page(found, query.limit, RefundWaiting.of, lambda one: (one.id,))


async def release(call: Call, tx: Tx) -> Sequence[Refund]:
    """Let a refund go, as a second person; what is paid out of a wallet goes in all its parts.

    The provider is asked at once; cash is booked as handed over by whoever asked for it.
    """
    body: ReleaseRefund = call.body
    done = await refunds.release(
        call.house, tx, call.part("id"), actor=call.actor, reason=body.reason
    )
    return await _shown(tx, done)


async def decline(call: Call, tx: Tx) -> Sequence[Refund]:
    """Say no to a refund, as a second person: nothing goes back, and it stays in the history."""
    body: DeclineRefund = call.body
    done = await refunds.decline(
        call.house, tx, call.part("id"), actor=call.actor, reason=body.reason
    )
    return await _shown(tx, done)


async def _shown(tx: Tx, done: Decided) -> list[Refund]:
    keys = [one.id for one in done.parts]
    return [Refund.of(one) for one in await ways.refunds_of(tx, keys)]


ROUTES = (
    look("refunds/waiting", waiting, Page[RefundWaiting], query=Paging),
    change("refunds/{id}/release", release, list[Refund], body=ReleaseRefund),
    change("refunds/{id}/decline", decline, list[Refund], body=DeclineRefund),
)
