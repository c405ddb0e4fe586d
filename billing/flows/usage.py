"""Usage is taken: each record once, in batches, into the totals that are rated as a whole.

What belongs to nobody waits where people can see it: it is counted by itself once its service has
what it is metered by, or when a person asks for that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select

from billing.catalog.model import PriceBook
from billing.flows.desk import Desk
from billing.flows.homes import Home, of_contracts
from billing.flows.metering import rerate
from billing.subscriptions.model import Subscription
from billing.usage.model import (
    NO_OFFERING,
    NO_PRICE,
    NO_SERVICE,
    SAID,
    Contradiction,
    Record,
    RecordState,
    UsageTotal,
    total_id,
)
from billing.usage.store import record_from, total_from, usage_record, usage_total
from runtime.store import Tx
from runtime.store.among import KEYS, among, by_key, packed
from terms.calendar import local_date
from terms.errors import NotFound

RECORDS_MAX = 10_000
NAMED_MAX = 100  # contradictions
_KEY = ("source", "source_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """How many records were counted, are free, wait, or were told before.

    Those told before with something else are `contradicting`; the first of them are named.
    """

    counted: int = 0
    free: int = 0
    waiting: int = 0
    known: int = 0
    contradicting: int = 0
    contradictions: tuple[Contradiction, ...] = ()

    def __add__(self, other: Taken) -> Taken:
        return Taken(
            counted=self.counted + other.counted,
            free=self.free + other.free,
            waiting=self.waiting + other.waiting,
            known=self.known + other.known,
            contradicting=self.contradicting + other.contradicting,
            contradictions=(self.contradictions + other.contradictions)[:NAMED_MAX],
        )


async def take(
    desk: Desk,
    tx: Tx,
    records: Sequence[Record],
    now: datetime,
    *,
    said: Sequence[str] = SAID,
) -> Taken:
    """Take records; one that was told before changes nothing, whatever is told of it now.

    `said` is what the source says itself, so that it can contradict itself in it. Raises ValueError
    for too many.
    """
    if len(records) > RECORDS_MAX:
        raise ValueError(f"at most {RECORDS_MAX} records at once")
    # The lock comes first: whoever tells the same records meanwhile waits, and then finds them.
    homes = await of_contracts(tx, [one.contract for one in records])
    first = await _known(tx, records)
    new, contradictions = [], []
    for one in records:
        held = first.get(one.key)
        if held is None:
            first[one.key] = one
            new.append(one)
        elif any(getattr(held, name) != getattr(one, name) for name in said):
            contradictions.append(Contradiction(held=held, told=one))
    fates = await _count(desk, tx, new, homes, now)
    # One that counts and was counted at the same moment for somebody else breaks the transaction.
    counted = [one for one in fates if one.state is RecordState.COUNTED]
    others = [one for one in fates if one.state is not RecordState.COUNTED]
    await tx.insert(usage_record, [_row(one, now) for one in counted])
    await tx.insert_new(usage_record, [_row(one, now) for one in others], key=_KEY)
    return replace(
        _taken(fates),
        known=len(records) - len(fates) - len(contradictions),
        contradicting=len(contradictions),
        contradictions=tuple(contradictions[:NAMED_MAX]),
    )


async def take_waiting(
    desk: Desk, tx: Tx, now: datetime, contracts: Sequence[str] | None = None
) -> Taken:
    """Look again at what waits, of some contracts or all; RECORDS_MAX at once, oldest first."""
    c = usage_record.c
    query = select(usage_record).where(c.state == RecordState.WAITING.value)
    given = {}
    if contracts is not None:
        query = query.where(among(tx.engine, c.contract))
        given = {KEYS: packed(tx.engine, sorted(set(contracts)))}
    query = query.order_by(c.taken_at, c.source, c.source_id).limit(RECORDS_MAX)
    records = [record_from(row) for row in await tx.rows(query, given)]
    if not records:
        return Taken()
    homes = await of_contracts(tx, [one.contract for one in records])
    fates = await _count(desk, tx, records, homes, now)
    settled = [_row(one, now) for one in fates if one.state is not RecordState.WAITING]
    await tx.upsert(usage_record, settled, key=_KEY)
    return _taken(fates)


async def dismiss(tx: Tx, source: str, record_id: str) -> Record:
    """Set a record aside that nobody will ever have. Raises NotFound where it does not wait."""
    c = usage_record.c
    mine = (c.source == source, c.source_id == record_id, c.state == RecordState.WAITING.value)
    row = await tx.first(select(usage_record).where(*mine))
    if row is None:
        raise NotFound(f"no record {record_id!r} of {source!r} waits", field="id")
    gone = usage_record.update().where(*mine)
    await tx.execute(gone.values(state=RecordState.DISMISSED.value, reason=""))
    return record_from(row)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fate:
    """What becomes of a record, and the total it counts in."""

    record: Record
    state: RecordState
    reason: str = ""
    total: UsageTotal | None = None


async def _count(
    desk: Desk, tx: Tx, records: Sequence[Record], homes: Sequence[Home], now: datetime
) -> list[_Fate]:
    """Find out whose records are, add them to their totals and rate those."""
    book = (await desk.shelf.newest(tx)).book
    by_contract = {home.contract: home for home in homes}
    fates = [_fate(one, by_contract.get(one.contract), book) for one in records]
    begun = {fate.total.id: fate.total for fate in fates if fate.total}
    more: dict[str, list[int]] = {key: [] for key in begun}
    for fate in fates:
        if fate.total:
            more[fate.total.id].append(fate.record.quantity_micro)
    held = await _totals(tx, begun)
    totals = [
        _added(held.get(key, one), sum(more[key]), len(more[key])) for key, one in begun.items()
    ]
    mine = {one.service for one in totals}
    theirs = [home for home in homes if home.service in mine]
    await rerate(desk, tx, totals, theirs, now, book=book)
    return fates


def _added(one: UsageTotal, quantity_micro: int, events: int) -> UsageTotal:
    return replace(
        one, quantity_micro=one.quantity_micro + quantity_micro, events=one.events + events
    )


def _fate(record: Record, home: Home | None, book: PriceBook) -> _Fate:
    """Find the subscription a record is of. Pure."""
    if home is None:
        return _Fate(record=record, state=RecordState.WAITING, reason=NO_SERVICE)
    day = local_date(record.used_at, home.zone)
    mine = [each for each in _metered(record.meter, home, book) if each.is_current(day)]
    if not mine:
        return _Fate(record=record, state=RecordState.WAITING, reason=NO_OFFERING)
    one = mine[-1]
    terms = book.offering(one.offering).terms
    period = home.period_of(one, terms, day) if day >= one.charged_from else None
    if period is None:
        return _Fate(record=record, state=RecordState.FREE)
    try:
        book.price_on(one.offering, home.currency, period.start)
    except NotFound:
        return _Fate(record=record, state=RecordState.WAITING, reason=NO_PRICE)
    total = UsageTotal(
        id=total_id(one.id, period),
        account=home.account,
        service=home.service,
        subscription=one.id,
        offering=one.offering,
        meter=record.meter,
        period=period,
    )
    return _Fate(record=record, state=RecordState.COUNTED, total=total)


def _metered(meter: str, home: Home, book: PriceBook) -> Iterator[Subscription]:
    return (one for one in home.metered if book.offering(one.offering).terms.meter == meter)


async def _known(tx: Tx, records: Sequence[Record]) -> dict[tuple[str, str], Record]:
    c = usage_record.c
    known: dict[tuple[str, str], Record] = {}
    for source in {one.source for one in records}:
        ids = sorted({one.id for one in records if one.source == source})
        given = {KEYS: packed(tx.engine, ids)}
        told = select(usage_record).where(c.source == source)
        held = map(record_from, await tx.rows(by_key(tx.engine, told, c.source_id), given))
        known |= {one.key: one for one in held}
    return known


async def _totals(tx: Tx, wanted: Mapping[str, UsageTotal]) -> dict[str, UsageTotal]:
    query = select(usage_total).where(among(tx.engine, usage_total.c.id))
    rows = await tx.rows(query, {KEYS: packed(tx.engine, sorted(wanted))})
    return {row.id: total_from(row) for row in rows}


def _row(fate: _Fate, now: datetime) -> dict[str, object]:
    record = fate.record
    return {
        "source": record.source,
        "source_id": record.id,
        "contract": record.contract,
        "meter": record.meter,
        "quantity_micro": record.quantity_micro,
        "used_at": record.used_at,
        "taken_at": now,
        "state": fate.state.value,
        "reason": fate.reason,
        "total_id": fate.total.id if fate.total else None,
    }


def _taken(fates: Sequence[_Fate]) -> Taken:
    counts = Counter(one.state for one in fates)
    return Taken(
        counted=counts[RecordState.COUNTED],
        free=counts[RecordState.FREE],
        waiting=counts[RecordState.WAITING],
    )
