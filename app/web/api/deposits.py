"""/deposits: what is held for rented boxes, and what a person decides about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.desk import deposits
from app.web.api.rental_view import Rented, rented
from app.web.api.shapes import Amount, AmountText, Contract, Flag, OptionalText, Page, Paging, page
from app.web.api.ways import change, look
from app.web.route import Body, Call
from billing.reads import rentals
from billing.reads.rentals import DepositView
from runtime.store import Tx


class DepositQuery(Paging):
    """Of one household, or only those that wait for a person."""

    contract: Contract | None = None
    waiting: Flag = False


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
    after = query.behind_name()
    async with call.house.store.read() as tx:
        found = await rentals.held(
            tx,
            contract=query.contract or "",
            is_waiting=query.waiting,
            after=after,
            limit=query.limit + 1,
        )
    return page(found, query.limit, Deposit.of, lambda one: (one.rental.id,))


async def release(call: Call, tx: Tx) -> DepositReleased:
    """Give a deposit back that waits for a person, or keep a part of it."""
    told: ReleaseDeposit = call.body
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
    look("deposits", listing, Page[Deposit], query=DepositQuery),
    change("deposits/{rental}/release", release, DepositReleased, body=ReleaseDeposit),
)
