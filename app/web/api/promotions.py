"""/promotions and those of an account: what is offered, who has what, and how it is had."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from pydantic import StringConstraints

from app.desk import foreseeing, redeeming
from app.desk.boxes import holder_of
from app.web import refusals
from app.web.api.life import Preview, told
from app.web.api.shapes import Amount, OptionalText
from app.web.api.ways import ask, change, look
from app.web.route import Body, Call
from billing.promotions.promotion import Promotion
from billing.reads import promotions
from billing.reads.promotions import PromotionView, RedemptionView
from runtime.store import Tx
from terms.money import Money

PromotionCode = Annotated[str, StringConstraints(pattern=refusals.CODE)]


class RedeemBody(Body):
    """The code, in any letters."""

    code: PromotionCode
    reason: OptionalText = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A promotion: a share (`percent`) or an `amount` off, and who may have it."""

    code: str
    name: str
    percent: str | None
    amount: Amount | None
    scope: str
    limited_to: list[str]
    periods: int | None
    ends: date | None
    group: str
    from_on: date
    until_on: date | None
    limit: int | None
    limit_account: int
    ahead: int | None
    redeemed: int
    taken_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotions:
    """Every promotion."""

    items: list[Offered]


@dataclass(frozen=True, slots=True, kw_only=True)
class Had:
    """What an account has: for charges from `from_on` to before `until_on`, if there is an end."""

    code: str
    name: str
    redeemed_at: datetime
    from_on: date
    until_on: date | None
    periods: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Having:
    """All that an account has, the first first."""

    items: list[Had]


async def listing(call: Call) -> Promotions:
    """List every promotion, how often it was redeemed and what it has taken off."""
    async with call.house.store.read() as tx:
        found = await promotions.listing(tx)
    return Promotions(items=[_offered(one) for one in found])


async def having(call: Call) -> Having:
    """List what an account has redeemed."""
    async with call.house.store.read() as tx:
        return await _having(tx, call.part("contract"))


async def redeem(call: Call, tx: Tx) -> Having:
    """Give an account a promotion by its code."""
    await _redeem(call, tx)
    return await _having(tx, call.part("contract"))


async def preview(call: Call) -> Preview:
    """Tell what would be charged with a promotion, and redeem nothing."""
    contract = call.part("contract")
    return told(await foreseeing.after(call.house, contract, lambda tx: _redeem(call, tx)))


async def _redeem(call: Call, tx: Tx) -> None:
    body: RedeemBody = call.body
    await redeeming.redeem(
        call.house, tx, call.part("contract"), body.code, call.actor, reason=body.reason
    )


async def _having(tx: Tx, contract: str) -> Having:
    holder = await holder_of(tx, contract)
    found = await promotions.of_account(tx, holder.account)
    return Having(items=[_had(one) for one in found])


def _offered(one: PromotionView) -> Offered:
    promotion: Promotion = one.promotion
    discount = promotion.discount
    off = discount.off
    is_amount = isinstance(off, Money)
    return Offered(
        code=promotion.code,
        name=promotion.name,
        percent=None if is_amount else str(off),
        amount=Amount.of(off) if isinstance(off, Money) else None,
        scope=discount.scope.name.lower(),
        limited_to=sorted(discount.limited_to),
        periods=discount.periods_max,
        ends=discount.until,
        group=promotion.group,
        from_on=promotion.from_on,
        until_on=promotion.until_on,
        limit=promotion.redeem_max,
        limit_account=promotion.account_max,
        ahead=promotion.ahead,
        redeemed=one.redeemed,
        taken_minor=one.taken_minor,
    )


def _had(one: RedemptionView) -> Had:
    redemption = one.redemption
    return Had(
        code=redemption.promotion.code,
        name=redemption.promotion.name,
        redeemed_at=one.redeemed_at,
        from_on=redemption.from_on,
        until_on=redemption.until_on,
        periods=one.periods,
    )


ROUTES = (
    look("promotions", listing, Promotions),
    look("accounts/{contract}/promotions", having, Having),
    change("accounts/{contract}/promotions", redeem, Having, body=RedeemBody),
    ask("accounts/{contract}/promotions/preview", preview, Preview, body=RedeemBody),
)
