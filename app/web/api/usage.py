"""/usage: what households use, told in batches; and what waits because nobody has it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from app.desk import metering
from app.desk.metering import Outcome
from app.web.api.shapes import Amount, Code, Contract, OptionalText, Page, Paging, VendorRef, page
from app.web.api.ways import NOT_FOUND, change, look
from app.web.route import Body, Call
from billing.flows.usage import Taken
from billing.reads import usage
from billing.reads.usage import TotalView, WaitingView
from billing.usage.model import Record, shown
from runtime.store import Tx

TEXT_MAX = 200
Cell = Annotated[str, Field(max_length=TEXT_MAX)]


class UsageRecord(Body):
    """One use: the source's own id of it, whose, of which meter, how much, and when."""

    id: Cell
    contract: Cell
    meter: Cell
    quantity: Cell
    at: Cell


class UsageBody(Body):
    """Records of one source, as many as a body holds.

    One that is wrong is named in the answer; the others are taken.
    """

    source: Code
    records: Annotated[list[UsageRecord], Field(min_length=1)]


class ReleaseBody(Body):
    """Whose records are looked at again; of everybody, if nobody is named."""

    contract: Contract | None = None


class DismissBody(Body):
    """Which record nobody will ever have, and why."""

    source: Code
    id: VendorRef
    reason: OptionalText = ""


class WaitingQuery(Paging):
    """Of one contract, or all."""

    contract: Contract | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRecord:
    """A record that was not taken: the `n`-th of the batch, from one on."""

    n: int
    field: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidUsage:
    """What was told of a record."""

    contract: str
    meter: str
    quantity: str
    at: datetime

    @classmethod
    def of(cls, one: Record) -> SaidUsage:
        """Show what a record says."""
        quantity = shown(one.quantity_micro)
        return cls(contract=one.contract, meter=one.meter, quantity=quantity, at=one.used_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContradictingRecord:
    """A record that was told before with something else: what is held stays."""

    id: str
    held: SaidUsage
    told: SaidUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageTaken:
    """How many were counted, are free, wait for somebody to have them, or were told before.

    Those that say something else than before are `contradicting`, of which the first are named.
    """

    counted: int
    free: int
    waiting: int
    known: int
    contradicting: int
    contradictions: list[ContradictingRecord]
    refused: list[RefusedRecord]

    @classmethod
    def of(cls, taken: Taken, outcome: Outcome | None = None) -> UsageTaken:
        """Show what became of records."""
        refused = outcome.refused if outcome else []
        return cls(
            counted=taken.counted,
            free=taken.free,
            waiting=taken.waiting,
            known=taken.known,
            contradicting=taken.contradicting,
            contradictions=[
                ContradictingRecord(
                    id=one.told.id, held=SaidUsage.of(one.held), told=SaidUsage.of(one.told)
                )
                for one in taken.contradictions
            ],
            refused=[RefusedRecord(n=one.line, field=one.field, reason=one.why) for one in refused],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageTotal:
    """What was used of a meter in a period, and its cost before tax beyond what is committed."""

    offering: str
    meter: str
    period_start: date
    period_end: date
    quantity: str
    records: int
    cost: Amount

    @classmethod
    def of(cls, one: TotalView) -> UsageTotal:
        """Show a total."""
        return cls(
            offering=one.offering,
            meter=one.meter,
            period_start=one.period_start,
            period_end=one.period_end,
            quantity=one.quantity,
            records=one.records,
            cost=Amount.of(one.cost),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingUsage:
    """A record that waits: its contract is unknown, or has nothing that is metered so."""

    source: str
    id: str
    contract: str
    meter: str
    quantity: str
    used_at: datetime
    taken_at: datetime
    reason: str

    @classmethod
    def of(cls, one: WaitingView) -> WaitingUsage:
        """Show a record."""
        return cls(
            source=one.source,
            id=one.id,
            contract=one.contract,
            meter=one.meter,
            quantity=one.quantity,
            used_at=one.used_at,
            taken_at=one.taken_at,
            reason=one.reason,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismissed:
    """The record that was set aside."""

    source: str
    id: str


async def take(call: Call, tx: Tx) -> UsageTaken:
    """Take a batch of records, each once."""
    body: UsageBody = call.body
    outcome = Outcome()
    rows = [(n, one.model_dump()) for n, one in enumerate(body.records, 1)]
    await metering.take(call.house, tx, body.source, rows, actor=call.actor, outcome=outcome)
    return UsageTaken.of(outcome.taken, outcome)


async def used(call: Call) -> Page[UsageTotal]:
    """List what a household has used, the newest period first."""
    query: Paging = call.query
    behind = query.behind(date, str) or ()
    async with call.house.store.read() as tx:
        found = await usage.of_contract(
            tx, call.part("contract"), after=behind, limit=query.limit + 1
        )
    place = lambda one: (one.period_start, one.id)  # noqa: E731 - used once
    return page(found, query.limit, UsageTotal.of, place)


async def waiting(call: Call) -> Page[WaitingUsage]:
    """List the records that wait for somebody to have them."""
    query: WaitingQuery = call.query
    source, key = query.behind(str, str) or ("", "")
    async with call.house.store.read() as tx:
        found = await usage.waiting(
            tx,
            contract=query.contract or "",
            after=(str(source), str(key)),
            limit=query.limit + 1,
        )
    return page(found, query.limit, WaitingUsage.of, lambda one: (one.source, one.id))


async def release(call: Call, tx: Tx) -> UsageTaken:
    """Look again at the records that wait."""
    body: ReleaseBody = call.body
    taken = await metering.release(call.house, tx, body.contract or "", call.actor)
    return UsageTaken.of(taken)


async def dismiss(call: Call, tx: Tx) -> Dismissed:
    """Set a record aside that nobody will ever have."""
    body: DismissBody = call.body
    gone = await metering.dismiss(
        call.house, tx, body.source, body.id, call.actor, reason=body.reason
    )
    return Dismissed(source=gone.source, id=gone.id)


ROUTES = (
    change("usage", take, UsageTaken, body=UsageBody),
    look("usage/waiting", waiting, Page[WaitingUsage], query=WaitingQuery),
    change("usage/release", release, UsageTaken, body=ReleaseBody),
    change("usage/dismiss", dismiss, Dismissed, body=DismissBody, problems=(NOT_FOUND,)),
    look("accounts/{contract}/usage", used, Page[UsageTotal], query=Paging),
)
