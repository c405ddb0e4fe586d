"""What waits for a person and is no work that was set aside: boxes, deposits, refunds of two, usage
of nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.desk.auditing import naming
from app.desk.names import names
from app.identity import standing
from app.identity.roles import Right
from billing.reads import refunds, rentals, usage
from billing.reads.refunds import WaitingRefund
from billing.reads.rentals import DepositView
from billing.reads.usage import WaitingView
from gateway.inventory import reviews, store
from gateway.inventory.reviews import Case
from runtime.store import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A line of the review list, and the contract of the household that has the box, if any."""

    case: Case
    contract: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A refund that waits for a second person, and how whoever asked for it is called.

    `can_go` tells whether they still may: else it can only be declined.
    """

    refund: WaitingRefund
    who: str
    can_go: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Findings, the newest first, deposits and refunds to decide about, usage that nobody has."""

    doubts: Sequence[Doubt]
    deposits: Sequence[DepositView]
    refunds: Sequence[Asked]
    usage: Sequence[WaitingView]

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(map(len, (self.doubts, self.deposits, self.refunds, self.usage)))


async def waiting(tx: Tx, *, rows_max: int) -> Waiting:
    """List what waits, of each kind so many at most."""
    cases = await reviews.waiting(tx, cases_max=rows_max)
    known = await store.by_serial(tx, {one.serial for one in cases})
    who = await names(tx, [box.service for box in known.values()])
    contracts = {
        box.serial: who[box.service].contract
        for box in known.values()
        if box.service and box.service in who
    }
    return Waiting(
        doubts=[Doubt(case=one, contract=contracts.get(one.serial, "")) for one in cases],
        deposits=await rentals.held(tx, is_waiting=True, limit=rows_max),
        refunds=await _asked(tx, rows_max),
        usage=await usage.waiting(tx, limit=rows_max),
    )


async def _asked(tx: Tx, rows_max: int) -> list[Asked]:
    found = await refunds.waiting(tx, limit=rows_max)
    if not found:
        return []
    name = await naming(tx)
    asked = await refunds.asked(tx, [one.id for one in found])
    still = await standing.still(tx, asked.values(), Right.TAKE_MONEY)
    return [
        Asked(refund=one, who=name(one.asked_by), can_go=asked.get(one.id) in still)
        for one in found
    ]
