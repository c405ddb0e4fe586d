"""`boxoffice promotions`, `redeem`: what is offered, and how a household has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.accounts import Contract
from app.cli.actor import Reason, actor
from app.cli.speak import Json, read, say, tell, write
from terms.money import Money

if TYPE_CHECKING:
    from app.desk.redeeming import Had
    from app.wiring import House
    from billing.reads.promotions import PromotionView
    from runtime.store import Tx


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("promotions")(promotions)
    cli.command("redeem")(redeem)


def promotions(*, as_json: Json = False) -> None:
    """List the promotions, how often each was redeemed and what it has taken off."""

    async def story(_: House, tx: Tx) -> list[PromotionView]:
        from billing.reads import promotions

        return await promotions.listing(tx)

    found = read(story)
    if as_json:
        tell(found)
        return
    for one in found:
        promotion, off = one.promotion, one.promotion.discount.off
        most = f" of {promotion.redeem_max}" if promotion.redeem_max else ""
        what = off if isinstance(off, Money) else f"{off} off"
        say(f"{promotion.code}  {promotion.name}: {what}, redeemed {one.redeemed}{most}")
    if not found:
        say("no promotion is published")


def redeem(
    contract: Contract,
    code: Annotated[str, typer.Argument(help="The code of the promotion, in any letters.")],
    *,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Give a household a promotion by its code: it is taken off what is charged from then on."""

    async def story(house: House, tx: Tx) -> Had:
        from app.desk import redeeming

        return await redeeming.redeem(house, tx, contract, code, actor(), reason=reason)

    made = write(story)
    if as_json:
        tell(made)
        return
    until = f" to before {made.until_on}" if made.until_on else ""
    days = f", for charges from {made.from_on}{until}" if made.from_on else ""
    say(f"{contract} has {made.code}: {made.name}{days}")
