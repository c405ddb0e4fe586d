"""/deposits: what is held for rented boxes, and what a person decides about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import Field

from app.desk import deposits
from app.web.api.rental_view import Rented, rented
from app.web.api.shapes import PREFIX, Amount, AmountText, OptionalText, Page, Paging
from app.web.route import Body, Call, Policy, Route
from billing.reads import rentals
from billing.reads.rentals import DepositView


class DepositQuery(Paging):
    """Of one household, or only those that wait for a person."""

    contract: Annotated[str, Field(max_length=26)] = ""
    waiting: bool = False


class ReleaseDeposit(Body):
    """What is kept of it for good, and why; the rest is given back."""

    keep: AmountText = "0"
    reason: OptionalText = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """A deposit that is held since a day, of whom, for which box."""

    rental: Rented
    contract: str
    name: str
    held: Amount
    since: date | None
    waiting: bool

    @classmethod
    def of(cls, one: DepositView) -> Deposit:
        """Show a deposit."""
        return cls(
            rental=rented(one.rental),
            contract=one.contract,
            name=one.name,
            held=Amount.of(one.rental.deposit),
            since=one.rental.deposit_since,
            waiting=one.rental.is_waiting,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositReleased:
    """What was decided; the books follow at once."""

    serial: str
    kept: Amount
    freed: Amount


async def listing(call: Call) -> Page[Deposit]:
    """List the deposits that are held, by rental."""
    query: DepositQuery = call.query
    async with call.house.store.read() as tx:
        found = await rentals.held(
            tx,
            contract=query.contract,
            is_waiting=query.waiting,
            after=query.after,
            limit=query.limit + 1,
        )
    shown = [Deposit.of(one) for one in found[: query.limit]]
    return Page(items=shown, next=shown[-1].rental.id if len(found) > query.limit else None)


async def release(call: Call) -> DepositReleased:
    """Give a deposit back that waits for a person, or keep a part of it."""
    told: ReleaseDeposit = call.body
    async with call.house.store.begin() as tx:
        done = await deposits.release(
            call.house,
            tx,
            call.part("rental"),
            keep=told.keep,
            reason=told.reason,
            actor=call.actor,
        )
    return DepositReleased(
        serial=done.serial, kept=Amount.of(done.kept), freed=Amount.of(done.freed)
    )


ROUTES = (
    Route(
        method="GET",
        path=f"{PREFIX}/deposits",
        policy=Policy.TOKEN,
        handler=listing,
        query=DepositQuery,
        answer=Page[Deposit],
    ),
    Route(
        method="POST",
        path=f"{PREFIX}/deposits/{{rental}}/release",
        policy=Policy.TOKEN,
        handler=release,
        body=ReleaseDeposit,
        answer=DepositReleased,
    ),
)
