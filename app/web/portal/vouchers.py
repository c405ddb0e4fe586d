"""A subscriber types the code of a voucher, and learns no more of it than whether it is taken."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from app.desk import vouchers
from app.web.caller import address
from app.web.page.fields import OnceForm
from app.web.page.once import in_one
from app.web.page.reply import refused, see
from app.web.portal.home import PATH, Home
from app.web.problem import BadRequest
from app.web.route import Call, Policy, Route
from billing.vouchers.code import FIELD, TYPED_CHARS_MAX
from runtime.store import Tx
from terms.errors import DomainError, Invalid

# Whether it is unknown, used, void, expired or of another currency, is told to staff alone.
_NOT_TAKEN = "this voucher cannot be redeemed: compare the code with the card, or ask us"


class VoucherForm(OnceForm):
    """What is typed."""

    code: Annotated[str, Field(max_length=TYPED_CHARS_MAX)]


class Vouchers:
    """The form beside what is owed."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def routes(self) -> tuple[Route, ...]:
        """Declare it."""
        theirs, path = Policy.SUBSCRIBER, f"{PATH}voucher"
        return (
            Route(method="POST", path=path, policy=theirs, handler=self._redeem, form=VoucherForm),
        )

    async def _redeem(self, call: Call) -> web.Response:
        house, form = call.house, call.form

        async def taken(code: str) -> str:
            async def deed(call: Call, tx: Tx) -> str:
                contract = call.subscriber.contract
                done = await vouchers.redeem(house, tx, contract, code, actor=call.actor)
                return done.serial

            try:
                return await in_one(call, deed)
            except Invalid:
                raise Invalid(FIELD, _NOT_TAKEN) from None

        try:
            await vouchers.guarded(
                house,
                form.code,
                taken,
                at=vouchers.PORTAL,
                contract=call.subscriber.contract,
                by=address(call.request, house.settings),
            )
        except (BadRequest, DomainError) as error:
            return await self.home.page(call, *refused(error))
        return see(f"{PATH}?done=voucher")
