"""The first page: everything an operator wants to know without asking."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.desk.names import Names, names
from app.desk.parked import Parked, in_short
from app.desk.parked import parked as read_parked
from app.desk.waiting import Waiting
from app.desk.waiting import waiting as read_waiting
from app.web.console.jobs import JobRow, open_jobs
from app.web.console.story import Moment, newest
from app.web.console.waiting import WaitingPage
from app.web.console.waiting import page as waiting_page
from app.web.console.words import CONDITIONS, Change, age, changes
from app.web.page.words import Tone, figure
from app.wiring import House
from billing.reads import totals
from billing.reads.totals import Totals
from gateway.provisioning.findings import REPAIRABLE, Found
from gateway.reads import drift as drift_reads
from gateway.reads import queue as queue_reads
from gateway.reads import targets as target_reads
from gateway.reads.queue import Queue
from gateway.reads.targets import Condition, TargetHealth
from runtime.store import Tx
from terms.entitlement import ServiceState

ROWS_MAX = 50
KINDS = (
    "intake",
    "settle",
    "collect",
    "refund",
    "method",
    "page",
    "reward",
    "dunning",
    "recover",
    "compose",
    "reconcile",
    "notify",
    "mail",
    "sms",
    "announce",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One number at the top."""

    label: str
    value: str
    hint: str = ""
    tone: Tone = "calm"
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A decision that a target waits for."""

    would: int
    base: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetCard:
    """A target and how it is."""

    name: str
    kind: str
    tone: Tone
    state: str
    why: str = ""
    facts: tuple[str, ...] = ()
    ask: Ask | None = None
    is_parked: bool = False
    is_off: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """The work of one kind, at one target where it has one."""

    kind: str
    target: str
    due: int
    later: int
    leased: int
    parked: int
    oldest: str

    @property
    def is_idle(self) -> bool:
        """Whether there is none of it, now or later."""
        return not (self.due or self.later or self.leased or self.parked)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedRow:
    """Work that waits for a person."""

    kind: str
    key: str
    target: str
    contract: str
    name: str
    reference: str
    reason: str
    since: datetime
    releasable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRow:
    """Something a target holds differently."""

    id: str
    target: str
    ref: str
    contract: str
    name: str
    kind: str
    changes: tuple[Change, ...]
    found_at: datetime
    repaired_at: datetime | None
    can_repair: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The whole first page."""

    tiles: tuple[Tile, ...]
    targets: tuple[TargetCard, ...]
    queue: tuple[QueueRow, ...]
    parked: tuple[ParkedRow, ...]
    drift: tuple[DriftRow, ...]
    jobs: tuple[JobRow, ...]
    waiting: WaitingPage
    story: tuple[Moment, ...]


async def overview(house: House, tx: Tx) -> Overview:
    """Gather the page."""
    now = house.clock.machine_now()
    offset = await house.clock.offset(tx)
    sums = await totals.totals(tx)
    queues = await queue_reads.queues(tx, now=now, offset=offset)
    parked = await read_parked(tx, rows_max=ROWS_MAX)
    found = await drift_reads.open_drift(tx, rows_max=ROWS_MAX)
    targets = await target_reads.targets(tx, now=now)
    who = await names(tx, [one.service for one in found])
    jobs = await open_jobs(tx, jobs_max=ROWS_MAX)
    others = await read_waiting(tx, rows_max=ROWS_MAX)
    return Overview(
        tiles=(
            *_tiles(sums, queues),
            _waits(parked, others),
            _count("Drift", len(found), "warn"),
            _count("Open jobs", len(jobs), "calm"),
        ),
        targets=tuple(_target(target, now, queues) for target in targets),
        queue=tuple(_queue_rows(queues)),
        parked=tuple(parked_row(one) for one in parked),
        drift=tuple(_drift(one, who) for one in found),
        jobs=jobs,
        waiting=waiting_page(others),
        story=await newest(tx),
    )


def _tiles(sums: Totals, queues: list[Queue]) -> tuple[Tile, ...]:
    states = {state: sums.services.get(state, 0) for state in ServiceState}
    live = sum(count for state, count in states.items() if state.is_live)
    households = sum(states.values()) - states[ServiceState.ENDED]
    due = sum(q.due + q.running for q in queues)
    oldest = max((q.oldest_s for q in queues if q.due), default=0.0)
    dark = states[ServiceState.SUSPENDED]
    pending = states[ServiceState.PENDING]
    return (
        Tile(label="May watch", value=f"{live:,}", hint=f"of {households:,}", tone="good"),
        Tile(
            label="Suspended",
            value=f"{dark:,}",
            hint=f"{pending} wait for the first payment" if pending else "",
            tone="warn" if dark else "calm",
        ),
        Tile(
            label="Owed",
            value=" · ".join(figure(m) for m in sums.open) or "nothing",
            hint=" · ".join(m.currency for m in sums.open),
        ),
        Tile(label="Work at hand", value=f"{due:,}", hint=f"oldest {age(oldest)}" if due else ""),
    )


def _waits(parked: list[Parked], others: Waiting) -> Tile:
    """Count all that waits for a person, and say what it is."""
    deposits = "deposit" if len(others.deposits) == 1 else "deposits"
    refunds = "refund" if len(others.refunds) == 1 else "refunds"
    kinds = (
        *((parked, "set aside"), (others.doubts, "to review"), (others.deposits, deposits)),
        *((others.refunds, refunds), (others.usage, "used by nobody")),
    )
    hint = ", ".join(f"{len(rows)} {word}" for rows, word in kinds if rows)
    tile = _count("Waits for a person", len(parked) + others.count, "bad")
    return replace(tile, hint=hint, href="/console/waiting" if others.count else "")


def _count(label: str, count: int, tone: Tone) -> Tile:
    value = f"{count}+" if count >= ROWS_MAX else str(count)
    return Tile(label=label, value=value, tone=tone if count else "calm")


def _target(target: TargetHealth, now: datetime, queues: list[Queue]) -> TargetCard:
    tone, state = CONDITIONS[target.condition]
    if target.since and target.condition is Condition.DOWN:
        state = f"{state} for {age((now - target.since).total_seconds())}"
    guard = target.guard
    ask = None
    if guard.is_stopped:
        ask = Ask(would=guard.would, base=guard.base, limit=guard.limit)
    waiting = sum(q.due + q.running + q.waiting for q in queues if q.target == target.name)
    facts = [f"{guard.on} households on", f"{waiting} in its queue"]
    if target.last_scan and target.last_scan.finished_at:
        ago = now - target.last_scan.finished_at
        facts.append(f"compared {age(max(ago, timedelta(0)).total_seconds())} ago")
    return TargetCard(
        name=target.name,
        kind=target.kind,
        tone=tone,
        state=state,
        why="" if ask else target.reason,
        facts=tuple(facts),
        ask=ask,
        is_parked=target.condition is Condition.PARKED,
        is_off=target.condition is Condition.DISABLED,
    )


def _queue_rows(queues: list[Queue]) -> list[QueueRow]:
    known = {q.kind for q in queues}
    rows = [
        QueueRow(
            kind=q.kind,
            target=q.target,
            due=q.due,
            later=q.waiting,
            leased=q.running,
            parked=q.parked,
            oldest=age(q.oldest_s) if q.due else "",
        )
        for q in queues
    ]
    rows += [
        QueueRow(kind=kind, target="", due=0, later=0, leased=0, parked=0, oldest="")
        for kind in KINDS
        if kind not in known
    ]
    return sorted(rows, key=lambda row: (_rank(row.kind), row.target))


def _rank(kind: str) -> int:
    return KINDS.index(kind) if kind in KINDS else len(KINDS)


def parked_row(one: Parked) -> ParkedRow:
    """Show something that was set aside."""
    return ParkedRow(
        kind=one.kind,
        key=one.key,
        target=one.target,
        contract=one.contract,
        name=one.name,
        reference=one.reference,
        reason=in_short(one.reason),
        since=one.since,
        releasable=one.releasable,
    )


def _drift(one: Found, who: Names) -> DriftRow:
    holder = who.get(one.service) if one.service else None
    return DriftRow(
        id=one.id,
        target=one.target,
        ref=one.ref,
        contract=holder.contract if holder else "",
        name=holder.name if holder else "",
        kind=one.kind.value,
        changes=changes(one.fields),
        found_at=one.found_at,
        repaired_at=one.repaired_at,
        can_repair=one.kind in REPAIRABLE and one.repaired_at is None,
    )
