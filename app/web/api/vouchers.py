"""/vouchers: batches of prepaid cards, what dealers owe, and redeeming a code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from app.desk import voucher_paper, vouchers
from app.web import refusals
from app.web.api.shapes import Amount, AmountText, Code, Day, OptionalText, Page, Paging, Text, page
from app.web.api.ways import ask, change, look
from app.web.route import Body, Call
from billing.flows.vouchers import BatchOrder, Redeemed
from billing.reads import vouchers as reading
from billing.reads.vouchers import DealerView
from billing.vouchers.code import PREFIX_CHARS_MAX, TYPED_CHARS_MAX
from billing.vouchers.model import COUNT_MAX, Batch
from runtime.store import Tx

Currency = Annotated[str, StringConstraints(pattern=refusals.CURRENCY)]
# A percentage, or parts in a million.
Margin = Annotated[str, StringConstraints(pattern=refusals.MARGIN)]
Typed = Annotated[str, StringConstraints(pattern=rf"^[ -~]{{1,{TYPED_CHARS_MAX}}}$")]
Prefix = Annotated[str, StringConstraints(pattern=rf"^[0-9A-Za-z]{{0,{PREFIX_CHARS_MAX}}}$")]


class MakeVouchers(Body):
    """Which cards: of `value` each, `count` of them, valid to the end of `valid_until`."""

    name: Code
    value: AmountText
    currency: Currency
    count: Annotated[int, Field(ge=1, le=COUNT_MAX)]
    valid_until: Day
    dealer: Text
    margin: Margin = "0%"
    prefix: Prefix = ""
    reason: OptionalText = ""


class VoucherReason(Body):
    """Why, for the audit."""

    reason: OptionalText = ""


class RedeemVoucher(Body):
    """The code on the card, in any letters, with or without hyphens."""

    code: Typed
    reason: OptionalText = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoucherBatch:
    """A batch: made, active or stopped. `sold` was redeemed of it, of which the dealer keeps
    `earned` and owes `owed`.
    """

    name: str
    prefix: str
    value: Amount
    count: int
    valid_until: date
    dealer: str
    margin: str
    state: str
    made_at: datetime
    activated_at: datetime | None
    stopped_at: datetime | None
    redeemed: int
    void: int
    sold: Amount
    earned: Amount
    owed: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class VoucherCard:
    """A card: the serial that may be known, and the code that is money."""

    serial: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VouchersMade:
    """A new batch with its cards. A request that is sent again is told no `cards`."""

    batch: VoucherBatch
    cards: list[VoucherCard]


@dataclass(frozen=True, slots=True, kw_only=True)
class VoucherDealer:
    """All batches of a dealer in one currency."""

    dealer: str
    batches: int
    made: int
    activated: int
    redeemed: int
    void: int
    sold: Amount
    earned: Amount
    owed: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class VoucherDealers:
    """Every dealer."""

    items: list[VoucherDealer]


@dataclass(frozen=True, slots=True, kw_only=True)
class VoucherRedeemed:
    """A card whose money the account has; `is_new` where it had not before."""

    serial: str
    value: Amount
    is_new: bool


async def listing(call: Call) -> Page[VoucherBatch]:
    """List the batches of vouchers, the newest first."""
    query: Paging = call.query
    behind = query.behind(datetime, str)
    async with call.house.store.read() as tx:
        found = await reading.listing(tx, limit=query.limit + 1, behind=behind)
    return page(found, query.limit, _batch, reading.place_of)


async def dealers(call: Call) -> VoucherDealers:
    """Tell of each dealer what was made, activated and redeemed, its margin and what it owes."""
    async with call.house.store.read() as tx:
        found = await reading.dealers(tx)
    return VoucherDealers(items=[_dealer(one) for one in found])


async def make(call: Call, tx: Tx) -> VouchersMade:
    """Make a batch of vouchers. Its codes are told this once; it is to be activated."""
    body: MakeVouchers = call.body
    order = BatchOrder(
        name=body.name,
        value=vouchers.read_value(body.value, body.currency),
        count=body.count,
        valid_until=body.valid_until,
        dealer=body.dealer,
        margin=vouchers.read_margin(body.margin),
        prefix=body.prefix,
    )
    made = await vouchers.make(call.house, tx, order, actor=call.actor, reason=body.reason)
    cards = [VoucherCard(serial=one, code=code) for one, code in voucher_paper.cards(made)]
    return VouchersMade(batch=_batch(made.batch), cards=cards)


async def activate(call: Call, tx: Tx) -> VoucherBatch:
    """Let the cards of a batch be redeemed from now on."""
    body: VoucherReason = call.body
    name = call.part("id")
    done = await vouchers.activate(call.house, tx, name, actor=call.actor, reason=body.reason)
    return _batch(done)


async def stop(call: Call, tx: Tx) -> VoucherBatch:
    """Make all cards of a batch void that are not redeemed, for good."""
    body: VoucherReason = call.body
    done = await vouchers.stop(
        call.house, tx, call.part("id"), actor=call.actor, reason=body.reason
    )
    return _batch(done)


async def take_voucher(call: Call) -> VoucherRedeemed:
    """Take the money of a card for an account, once. Whoever guesses has to wait."""
    body: RedeemVoucher = call.body
    contract = call.part("contract")

    async def taken(code: str) -> Redeemed:
        async with call.house.store.begin() as tx:
            return await vouchers.redeem(
                call.house, tx, contract, code, actor=call.actor, reason=body.reason
            )

    done = await vouchers.guarded(
        call.house, body.code, taken, at=vouchers.DESK, contract=contract, by=call.actor
    )
    return VoucherRedeemed(serial=done.serial, value=Amount.of(done.value), is_new=done.is_new)


def _batch(one: Batch) -> VoucherBatch:
    return VoucherBatch(
        name=one.name,
        prefix=one.prefix,
        value=Amount.of(one.value),
        count=one.count,
        valid_until=one.valid_until,
        dealer=one.dealer,
        margin=str(one.margin),
        state=one.state.value,
        made_at=one.made_at,
        activated_at=one.activated_at,
        stopped_at=one.stopped_at,
        redeemed=one.redeemed,
        void=one.void,
        sold=Amount.of(one.sold),
        earned=Amount.of(one.earned),
        owed=Amount.of(one.owed),
    )


def _dealer(one: DealerView) -> VoucherDealer:
    return VoucherDealer(
        dealer=one.dealer,
        batches=one.batches,
        made=one.made,
        activated=one.activated,
        redeemed=one.redeemed,
        void=one.void,
        sold=Amount.of(one.sold),
        earned=Amount.of(one.earned),
        owed=Amount.of(one.owed),
    )


def _without_codes(made: VouchersMade) -> VouchersMade:
    return replace(made, cards=[])


ROUTES = (
    look("vouchers", listing, Page[VoucherBatch], query=Paging),
    look("voucher-dealers", dealers, VoucherDealers),
    change("vouchers", make, VouchersMade, body=MakeVouchers, status=201, kept=_without_codes),
    change("vouchers/{id}/activate", activate, VoucherBatch, body=VoucherReason),
    change("vouchers/{id}/stop", stop, VoucherBatch, body=VoucherReason),
    ask(
        "accounts/{contract}/voucher",
        take_voucher,
        VoucherRedeemed,
        body=RedeemVoucher,
        problems=(429,),
    ),
)
