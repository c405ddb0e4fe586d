"""/accounts/.../refunds, /accounts/.../methods: money that goes back, and how a household pays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from app.desk import methods, refunds
from app.web import refusals
from app.web.api.shapes import Amount, AmountText, Code, OptionalText, Page, Paging, Text, page
from app.web.api.ways import ask, change, look
from app.web.route import Body, Call
from billing.payments.refunds import REFERENCE_CHARS_MAX
from billing.reads import ways
from billing.reads.ways import MethodView, Named, RefundView
from runtime.store import Tx

LineName = Annotated[str, Field(pattern=refusals.LINE)]
MethodId = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,26}$")]


class RefundBody(Body):
    """Of which payment how much goes back, and why; all that is left of it unless said.

    With a `line` the amount is of that line, which a credit note gives back: what that comes to
    goes back, and is not owed again. Without one the invoice is open again. The same `reference`
    again is the same refund.
    """

    payment: Text
    provider: Code | None = None
    amount: AmountText | None = None
    line: LineName = ""
    reason: Text
    reference: Annotated[Text, Field(max_length=REFERENCE_CHARS_MAX)]


class MethodBody(Body):
    """Which method, and why."""

    method: MethodId
    reason: OptionalText = ""


class SetupBody(Body):
    """By which provider, which method goes for it, and where the page leads back to."""

    provider: Code | None = None
    replaces: MethodId | None = None
    return_url: Annotated[str, Field(pattern=refusals.URL)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money that goes back: open, unknown (the answer was lost: it is looked up), done, refused.

    Before that it may wait for a second person, who is told in `decided_by`, and be declined.
    """

    id: str
    reference: str
    at: datetime
    provider: str
    payment: str
    amount: Amount
    state: str
    credit_note: str
    reason: str
    code: str
    asked_by: str
    decided_by: str
    decided_at: datetime | None
    decided_why: str
    receipt: str

    @classmethod
    def of(cls, one: RefundView) -> Refund:
        """Show a refund."""
        return cls(
            id=one.id,
            reference=one.reference,
            at=one.at,
            provider=one.provider,
            payment=one.payment,
            amount=Amount.of(one.amount),
            state=one.state.value,
            credit_note=one.credit_note,
            reason=one.reason,
            code=one.code,
            asked_by=one.asked_by,
            decided_by=one.decided_by,
            decided_at=one.decided_at,
            decided_why=one.decided_why,
            receipt=one.receipt,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundAsked(Refund):
    """A refund that was asked for; with `owed_again` what it had paid is open again, and dunned."""

    owed_again: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMethod:
    """A card or the like, kept at a provider; `stopped` says why it is not charged any more.

    `named` says whether the provider has described it: else its label is the provider's reference.
    """

    id: str
    provider: str
    label: str
    named: Named
    expires_on: date | None
    stopped: str
    charged: bool

    @classmethod
    def of(cls, one: MethodView) -> PaymentMethod:
        """Show a method."""
        return cls(
            id=one.id,
            provider=one.provider,
            label=one.label,
            named=one.named,
            expires_on=one.expires_on,
            stopped=one.stopped,
            charged=one.is_charged,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupLink:
    """Where a card can be left: its number is typed at the provider alone."""

    url: str


async def give_back(call: Call, tx: Tx) -> RefundAsked:
    """Give money back of a payment; the provider is asked at once, cash is booked as handed over.

    Never more goes back than came in and is still here; more than one person gives back alone waits
    for a second one. Without a line what it had paid is owed
    again: `owed_again` says so.
    """
    body: RefundBody = call.body
    contract = call.part("contract")
    done = await refunds.give_back(
        call.house,
        tx,
        contract,
        body.payment,
        provider=body.provider or "",
        amount=body.amount,
        line=body.line,
        reason=body.reason,
        reference=body.reference,
        actor=call.actor,
    )
    (found,) = await ways.refunds_of(tx, [done.id])
    shown = Refund.of(found)
    kept = {field.name: getattr(shown, field.name) for field in fields(shown)}
    return RefundAsked(**kept, owed_again=not body.line)


async def list_refunds(call: Call) -> Page[Refund]:
    """List the refunds of a household, the newest first."""
    query: Paging = call.query
    behind = query.behind(datetime, str)
    async with call.house.store.read() as tx:
        found = await ways.refunds(tx, call.part("contract"), limit=query.limit + 1, behind=behind)
    return page(found, query.limit, Refund.of, lambda one: (one.at, one.id))


async def list_methods(call: Call) -> Sequence[PaymentMethod]:
    """List how a household pays, the one that is charged first."""
    async with call.house.store.read() as tx:
        return await _methods(tx, call)


async def add_method(call: Call) -> SetupLink:
    """Make a page on which a card is left; where something is due, it is charged at once."""
    body: SetupBody = call.body
    url = await methods.setup_link(
        call.house,
        call.part("contract"),
        provider=body.provider or "",
        replaces=body.replaces or "",
        back_to=body.return_url,
    )
    return SetupLink(url=url)


async def prefer(call: Call, tx: Tx) -> Sequence[PaymentMethod]:
    """Make a method the one that is charged."""
    body: MethodBody = call.body
    contract = call.part("contract")
    await methods.prefer(
        call.house, tx, contract, body.method, actor=call.actor, reason=body.reason
    )
    return await _methods(tx, call)


async def remove(call: Call, tx: Tx) -> Sequence[PaymentMethod]:
    """Never charge a method again, here and at its provider."""
    body: MethodBody = call.body
    contract = call.part("contract")
    await methods.remove(
        call.house, tx, contract, body.method, actor=call.actor, reason=body.reason
    )
    return await _methods(tx, call)


async def _methods(tx: Tx, call: Call) -> list[PaymentMethod]:
    return [PaymentMethod.of(one) for one in await ways.methods(tx, call.part("contract"))]


_HERE = "accounts/{contract}"
ROUTES = (
    look(f"{_HERE}/refunds", list_refunds, Page[Refund], query=Paging),
    change(f"{_HERE}/refunds", give_back, RefundAsked, body=RefundBody, status=201),
    look(f"{_HERE}/methods", list_methods, list[PaymentMethod]),
    ask(f"{_HERE}/methods", add_method, SetupLink, body=SetupBody, status=201),
    change(f"{_HERE}/methods/default", prefer, list[PaymentMethod], body=MethodBody),
    change(f"{_HERE}/methods/remove", remove, list[PaymentMethod], body=MethodBody),
)
