"""How a target stands with the guard: what went dark, what is about to, what was stopped. Counted.

For one that judges and for pages; of all targets with as many statements as of one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, and_, case, exists, func, or_, select

from gateway.provisioning.keys import RECONCILE
from gateway.provisioning.tables import darkening, observed, wish
from gateway.provisioning.targets import Target
from runtime.store import Tx
from runtime.work import work as work_table
from terms.ids import TargetName

WINDOW = timedelta(hours=1)
_D = darkening.c


class Verdict(StrEnum):
    """What was said to one subject's switching off at one target."""

    COUNTED = "counted"  # within the limit: it went dark
    STOPPED = "stopped"  # waits for the operator
    APPROVED = "approved"  # the operator let it through; it does not count
    REJECTED = "rejected"  # the operator keeps it on
    FOLLOWS = "follows"  # a box that stays on with its household's account; never written down


# Words of a person, or words that wait for one: they hold until the account stays on after all.
LASTING = (Verdict.STOPPED, Verdict.REJECTED, Verdict.APPROVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a target stands: `would` of `base` accounts ask to go dark, `limit` may per hour.

    `on` are on now; the base also has those that went dark within the window.
    """

    on: int
    base: int
    limit: int
    counted: int
    would: int
    stopped: int

    @property
    def is_stopped(self) -> bool:
        """Whether a decision is awaited."""
        return self.stopped > 0


def limit_of(target: Target, base: int) -> int:
    """How many accounts may go dark within the window: the share of the base, or the floor."""
    return max(target.guard_floor, base * target.guard_share_percent // 100)


async def standing(tx: Tx, target: Target, *, now: datetime) -> Standing:
    """Count what went dark, what is about to and what was stopped."""
    return (await standings(tx, [target], now=now))[target.name]


async def standings(
    tx: Tx, asked: Collection[Target], *, now: datetime
) -> dict[TargetName, Standing]:
    """Count the same at each of several targets."""
    names = [one.name for one in asked]
    async with _whole_tables(tx):
        said = {row.target: row for row in await tx.rows(_said(names, now - WINDOW))}
        on = await _by_target(tx, _on(names))
        went_dark = await _by_target(tx, _went_dark(names, now - WINDOW))
        waits = pending(names, now - WINDOW).subquery()
        waiting = await _by_target(
            tx, select(waits.c.target, func.count().label("rows")).group_by(waits.c.target)
        )
    found = {}
    for one in asked:
        verdicts = said.get(one.name)
        stopped = int(verdicts.stopped) if verdicts else 0
        base = on.get(one.name, 0) + went_dark.get(one.name, 0)
        found[one.name] = Standing(
            on=on.get(one.name, 0),
            base=base,
            limit=limit_of(one, base),
            counted=int(verdicts.counted) if verdicts else 0,
            would=stopped + waiting.get(one.name, 0),
            stopped=stopped,
        )
    return found


async def _by_target(tx: Tx, query: Select[Any]) -> dict[str, int]:
    return {row.target: int(row.rows) for row in await tx.rows(query)}


def _said(names: Sequence[str], since: datetime) -> Select[Any]:
    """Count the verdicts: those of the window that counted, and all that stop."""
    counted = and_(_D.verdict == Verdict.COUNTED, _D.at > since)
    return (
        select(
            _D.target,
            func.sum(case((counted, 1), else_=0)).label("counted"),
            func.sum(case((_D.verdict == Verdict.STOPPED, 1), else_=0)).label("stopped"),
        )
        .where(_D.target.in_(names))
        .group_by(_D.target)
    )


def _on(names: Sequence[str]) -> Select[Any]:
    o = observed.c
    query = select(o.target, func.count().label("rows"))
    return query.where(o.target.in_(names), o.enabled.is_(True)).group_by(o.target)


def _went_dark(names: Sequence[str], since: datetime) -> Select[Any]:
    """Count what went dark within the window and still is."""
    o = observed.c
    same = and_(o.target == _D.target, o.subject == _D.subject)
    return (
        select(_D.target, func.count().label("rows"))
        .select_from(darkening.join(observed, same))
        .where(_D.target.in_(names), _D.at > since, _D.verdict == Verdict.COUNTED)
        .where(o.enabled.is_(False))
        .group_by(_D.target)
    )


@asynccontextmanager
async def _whole_tables(tx: Tx) -> AsyncIterator[None]:
    """Have tables joined as a whole: all rows are counted, and that a table is small may be old.

    PostgreSQL keeps the plan it made while hardly anything was there, which for each row of one
    reads all of another: seconds, at ten thousand.
    """
    if tx.engine != "postgresql":
        yield
        return
    await tx.driver("SET LOCAL enable_nestloop = off")
    yield
    await tx.driver("SET LOCAL enable_nestloop = on")


def pending(names: Sequence[str], since: datetime) -> Select[tuple[str, str, int]]:
    """Subjects in the queue that are on and wished off, and that nobody has judged yet."""
    w, o, q = wish.c, observed.c, work_table.c
    judged = exists().where(
        _D.target == w.target,
        _D.subject == w.subject,
        or_(_D.verdict.in_((Verdict.STOPPED, Verdict.REJECTED)), _D.at > since),
    )
    # The key is "subject@target"; cut there, so that wishes are found by their own key.
    subject = func.substr(q.key, 1, func.length(q.key) - func.length(q.target) - 1)
    return (
        select(w.target, w.subject, w.revision)
        .select_from(
            work_table.join(wish, and_(w.subject == subject, w.target == q.target)).join(
                observed, and_(o.subject == w.subject, o.target == w.target)
            )
        )
        .where(
            q.kind == RECONCILE,
            q.target.in_(names),
            q.parked_at.is_(None),
            w.enabled.is_(False),
            o.enabled.is_(True),
            ~judged,
        )
    )
