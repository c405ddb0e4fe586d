"""/accounts/.../wallet: what is in it, a page to put money in, money paid out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from app.desk import wallet
from app.web import refusals
from app.web.api.payments import Refund
from app.web.api.shapes import Amount, AmountText, Code, Page, Paging, Text, page
from app.web.api.ways import ask, change, look
from app.web.route import Body, Call
from billing.payments.refunds import REFERENCE_CHARS_MAX
from billing.reads import wallet as reading
from billing.reads import ways
from billing.reads.wallet import WalletLine
from runtime.store import Tx


class TopUpBody(Body):
    """How much, by which provider, and where its page leads back to."""

    amount: AmountText
    provider: Code | None = None
    return_url: Annotated[str, Field(pattern=refusals.URL)] = ""


class PayOutBody(Body):
    """How much of what is unused goes back, all that may unless said. The same `reference` again
    is the same money.
    """

    amount: AmountText | None = None
    reason: Text
    reference: Annotated[Text, Field(max_length=REFERENCE_CHARS_MAX - 3)]


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletEntry:
    """What put money in or took it out, and what was in the wallet then."""

    id: str
    on: date
    at: datetime
    kind: str
    document: str
    provider: str
    amount: Amount
    balance: Amount

    @classmethod
    def of(cls, one: WalletLine) -> WalletEntry:
        """Show a line."""
        return cls(
            id=one.id,
            on=one.on,
            at=one.at,
            kind=one.kind.value,
            document=one.document,
            provider=one.provider,
            amount=Amount.of(one.amount),
            balance=Amount.of(one.balance),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """What is unused of an account's money, and a page of how it came and went."""

    balance: Amount
    lines: Page[WalletEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUpLink:
    """Where the amount can be paid."""

    url: str
    amount: Amount


async def unused(call: Call) -> Wallet:
    """Show a wallet with its history, the newest first."""
    query: Paging = call.query
    place = query.behind(datetime, str)
    async with call.house.store.read() as tx:
        found = await reading.wallet(
            tx,
            call.part("contract"),
            limit=query.limit + 1,
            behind=(place[0], place[1]) if place else None,
        )
    lines = page(found.lines, query.limit, WalletEntry.of, lambda one: (one.at, one.id))
    return Wallet(balance=Amount.of(found.balance), lines=lines)


async def top_up(call: Call) -> TopUpLink:
    """Make a page on which an amount can be paid; it pays the oldest debt first, the rest waits."""
    body: TopUpBody = call.body
    link = await wallet.top_up_link(
        call.house,
        call.part("contract"),
        body.amount,
        provider=body.provider or "",
        back_to=body.return_url,
    )
    return TopUpLink(url=link.url, amount=Amount.of(link.amount))


async def pay_out(call: Call, tx: Tx) -> Sequence[Refund]:
    """Pay money out of a wallet, back the way it came; cash is booked as handed over.

    More than one person gives back alone waits for a second one, all of it.
    """
    body: PayOutBody = call.body
    contract = call.part("contract")
    done = await wallet.pay_out(
        call.house,
        tx,
        contract,
        amount=body.amount,
        reason=body.reason,
        reference=body.reference,
        actor=call.actor,
    )
    keys = [one.id for one in done]
    return [Refund.of(one) for one in await ways.refunds_of(tx, keys)]


_HERE = "accounts/{contract}/wallet"
ROUTES = (
    look(_HERE, unused, Wallet, query=Paging),
    ask(f"{_HERE}/top-up", top_up, TopUpLink, body=TopUpBody, status=201),
    change(f"{_HERE}/pay-out", pay_out, list[Refund], body=PayOutBody, status=201),
)
