"""The table of letters that wait: their content sealed, their row gone when they have ended."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Column, String, Table, Text, delete, exists, select

from messages.letters.model import Letter
from runtime.resealing import reseal
from runtime.secrets import Sealer
from runtime.store import Instant, Tx, metadata
from runtime.work import Work, work
from terms.ids import ServiceId

KIND = "mail"
LOST_ROWS_MAX = 1_000

letter = Table(
    "letter",
    metadata,
    Column("id", String(80), primary_key=True),
    Column("to_address", String(254), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("service_id", String(26)),
    Column("not_after", Instant, nullable=False),
    Column("sealed", Text, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A letter as it waits; its subject and text are sealed."""

    id: str
    to: str
    kind: str
    service: ServiceId | None
    not_after: datetime
    sealed: str = field(repr=False)


class Letters:
    """Keeps them. Methods with a `tx` belong to the caller's transaction."""

    def __init__(self, work: Work, sealer: Sealer) -> None:
        self.work = work
        self.sealer = sealer

    async def post(self, tx: Tx, letters: Iterable[Letter]) -> None:
        """Have letters sent once this transaction stands; the same again changes nothing."""
        posted = list(letters)
        await tx.insert_new(letter, [self._row(one) for one in posted], key=("id",))
        await self.work.mark(tx, KIND, [one.id for one in posted])

    async def find(self, tx: Tx, ids: Sequence[str]) -> Sequence[Kept]:
        """Find those of these letters that wait."""
        rows = await tx.rows(select(letter).where(letter.c.id.in_(list(ids))))
        return [
            Kept(
                id=row.id,
                to=row.to_address,
                kind=row.kind,
                service=None if row.service_id is None else ServiceId(row.service_id),
                not_after=row.not_after,
                sealed=row.sealed,
            )
            for row in rows
        ]

    def opened(self, kept: Kept) -> Letter:
        """Open one. Raises SealBroken."""
        return Letter(
            id=kept.id,
            to=kept.to,
            kind=kept.kind,
            service=kept.service,
            not_after=kept.not_after,
            **json.loads(self.sealer.open(kept.sealed, place=_place(kept.id))),
        )

    async def forget(self, tx: Tx, ids: Sequence[str]) -> None:
        """Wipe letters that will not be sent any more."""
        await tx.execute(delete(letter).where(letter.c.id.in_(list(ids))))

    async def mark_lost(self, tx: Tx) -> None:
        """Have those looked at that wait and have no row of work, whatever became of it."""
        has_row = exists().where(work.c.kind == KIND, work.c.key == letter.c.id)
        rows = await tx.rows(select(letter.c.id).where(~has_row).limit(LOST_ROWS_MAX))
        await self.work.mark(tx, KIND, [row.id for row in rows])

    async def seal_anew(self, tx: Tx) -> int:
        """Have the first master key seal every letter; returns how many it had not."""
        return await reseal(tx, self.sealer, letter.c.id, letter.c.sealed, _place)

    def _row(self, one: Letter) -> dict[str, object]:
        content = json.dumps(
            {"subject": one.subject, "text": one.text}
            | ({"leaving": one.leaving} if one.leaving else {})
        )
        return {
            "id": one.id,
            "to_address": one.to,
            "kind": one.kind,
            "service_id": one.service,
            "not_after": one.not_after,
            "sealed": self.sealer.seal(content, place=_place(one.id)),
        }


def _place(id_: str) -> str:
    return f"letter/sealed/{id_}"
