"""The review list: what does not fit together about boxes, until a person says what is to be done.

Nothing is ever merged or mended here. One row for each kind of trouble of a box (where it can be
about several things, for each of them), opened again when it comes back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Index, Integer, String, Table, Text, select, update

from runtime.store import Instant, Tx, metadata
from runtime.store.among import KEYS, among, packed
from runtime.store.audit import Deed, record
from runtime.store.keyset import Place, page
from terms.errors import Invalid, NotFound

WORDS_CHARS_MAX = 400
CASES_MAX = 500

review_case = Table(
    "review_case",
    metadata,
    Column("id", String(100), primary_key=True),
    Column("kind", String(24), nullable=False),
    Column("serial", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("found_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("count", Integer, nullable=False),
    Column("resolved_at", Instant),
    Column("resolved_by", String(80)),
    Column("resolution", Text),
    Index(None, "resolved_at", "seen_at"),
)
_C = review_case.c


class CaseKind(StrEnum):
    """What can be wrong."""

    TWO_PLACES = "two_places"  # one serial calls from two addresses by turns
    MAC_TAKEN = "mac_taken"  # two serials show one MAC
    OTHER_MAC = "other_mac"  # a box shows another MAC than its own
    OTHER_MODEL = "other_model"  # a box calls itself another model
    HOST_KEY = "host_key"  # a box shows another host key than the pinned one
    DOUBTFUL = "doubtful"  # a box calls in a way it should not: as another, without its secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that does not fit, as it was found.

    `about` tells apart what one box can show several of: the host keys that are not its own.
    """

    kind: CaseKind
    serial: str
    reason: str
    about: str = ""

    @property
    def case_id(self) -> str:
        """Name the case that it belongs to."""
        return f"{self.kind}:{self.serial}" + (f":{self.about}" if self.about else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A line of the review list. `count` tells how often it was found since it was opened."""

    id: str
    kind: CaseKind
    serial: str
    reason: str
    found_at: datetime
    seen_at: datetime
    count: int
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: str | None

    @property
    def about(self) -> str:
        """Give what of the box it is about, as its finding said."""
        return self.id.removeprefix(f"{self.kind}:{self.serial}").removeprefix(":")


async def report(tx: Tx, findings: Iterable[Finding], now: datetime) -> None:
    """Put findings before a person; one that waits already is counted."""
    wanted = {one.case_id: one for one in findings}
    if not wanted:
        return
    waiting = await _cases(tx, list(wanted))
    rows = []
    for id_, one in sorted(wanted.items()):
        before = waiting.get(id_)
        is_open = before is not None and before.resolved_at is None
        rows.append(
            {
                "id": id_,
                "kind": one.kind.value,
                "serial": one.serial,
                "reason": one.reason[:WORDS_CHARS_MAX],
                "found_at": before.found_at if before and is_open else now,
                "seen_at": now,
                "count": before.count + 1 if before and is_open else 1,
                "resolved_at": None,
                "resolved_by": None,
                "resolution": None,
            }
        )
    await tx.upsert(review_case, rows, key=("id",))


async def waiting(tx: Tx, *, cases_max: int = CASES_MAX, behind: Place | None = None) -> list[Case]:
    """List what waits for a person, the newest first, perhaps behind one (seen_at, id)."""
    query = select(review_case).where(_C.resolved_at.is_(None))
    rows = await tx.rows(page(query, (_C.seen_at, _C.id), behind, cases_max))
    return [_case(row) for row in rows]


async def open_of(tx: Tx, serial: str, *, cases_max: int = CASES_MAX) -> list[Case]:
    """List what waits for a person about one box, the newest first."""
    query = select(review_case).where(_C.serial == serial, _C.resolved_at.is_(None))
    rows = await tx.rows(query.order_by(_C.seen_at.desc(), _C.id).limit(cases_max))
    return [_case(row) for row in rows]


async def find(tx: Tx, id_: str) -> Case:
    """Find a case, locked until the end of the transaction. Raises NotFound."""
    found = (await _cases(tx, [id_])).get(id_)
    if found is None:
        raise NotFound(f"no review case {id_!r}", field="id")
    return found


async def resolve(tx: Tx, id_: str, *, actor: str, resolution: str, now: datetime) -> Case:
    """Write down what a person has decided; again changes nothing.

    Raises NotFound, and Invalid for an empty or overlong sentence.
    """
    if not 0 < len(resolution) <= WORDS_CHARS_MAX:
        raise Invalid("resolution", f"1 to {WORDS_CHARS_MAX} characters")
    before = await find(tx, id_)
    if before.resolved_at is not None:
        return before
    values = {"resolved_at": now, "resolved_by": actor, "resolution": resolution}
    await tx.execute(update(review_case).where(_C.id == id_).values(**values))
    deed = Deed(
        at=now,
        actor=actor,
        action="review.resolve",
        subject=f"box:{before.serial}",
        reason=resolution,
        before=before.reason,
    )
    await record(tx, [deed])
    return await find(tx, id_)


async def _cases(tx: Tx, ids: Sequence[str]) -> dict[str, Case]:
    query = select(review_case).where(among(tx.engine, _C.id)).order_by(_C.id).with_for_update()
    rows = await tx.rows(query, {KEYS: packed(tx.engine, ids)})
    return {row.id: _case(row) for row in rows}


def _case(row: Any) -> Case:
    return Case(**{**row._asdict(), "kind": CaseKind(row.kind)})
