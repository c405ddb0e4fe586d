"""Usage is taken, released and set aside. Every deed is audited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from app.desk.auditing import note
from app.wiring import House
from billing.flows import usage
from billing.flows.usage import Taken
from billing.usage.model import SAID, Record, read
from runtime.memory import settle_down
from runtime.store import Tx
from terms.errors import Invalid

BATCH_MAX = 2_000
REFUSED_MAX = 1_000

Row = tuple[int, Mapping[str, Any] | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A record that was not taken: its line in the file, or its place in the batch."""

    line: int
    field: str
    why: str


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What has become of records; of those refused the first REFUSED_MAX are named."""

    taken: Taken = field(default_factory=Taken)
    refused: list[Refused] = field(default_factory=list)
    refused_count: int = 0

    def refuse(self, line: int, name: str, why: str) -> None:
        """Note a record that was not taken."""
        self.refused_count += 1
        if len(self.refused) < REFUSED_MAX:
            self.refused.append(Refused(line=line, field=name, why=why))


async def take(
    house: House,
    tx: Tx,
    source: str,
    rows: Sequence[Row],
    *,
    actor: str,
    outcome: Outcome,
    said: Sequence[str] = SAID,
) -> None:
    """Take the good records of a batch and note the others. Raises Invalid for a bad source.

    `said` is what of a record its source says itself.
    """
    now = await house.clock.business_now(tx)
    records: list[Record] = []
    for line, row in rows:
        if isinstance(row, str):
            outcome.refuse(line, "", row)
            continue
        try:
            records.append(read(source, row, now))
        except Invalid as error:
            if error.field == "source":
                raise
            outcome.refuse(line, error.field, error.reason)
    taken = await usage.take(house.desk, tx, records, now, said=said)
    outcome.taken += taken
    if taken.counted or taken.free or taken.waiting:
        await note(
            house,
            tx,
            actor=actor,
            action="usage.take",
            subject=f"usage:{source}",
            after=_told(taken),
        )


async def take_all(house: House, source: str, rows: Iterable[Row], actor: str) -> Outcome:
    """Take very many records, BATCH_MAX in a transaction; begun again, it counts none twice."""
    settle_down()
    outcome = Outcome()
    read_on = iter(rows)
    while batch := list(islice(read_on, BATCH_MAX)):
        async with house.store.begin() as tx:
            await take(house, tx, source, batch, actor=actor, outcome=outcome)
    return outcome


async def release(house: House, tx: Tx, contract: str, actor: str) -> Taken:
    """Look again at what waits, of one contract or of all."""
    now = await house.clock.business_now(tx)
    contracts = [contract] if contract else None
    taken = await usage.take_waiting(house.desk, tx, now, contracts)
    subject = f"contract:{contract}" if contract else "usage:waiting"
    await note(house, tx, actor=actor, action="usage.release", subject=subject, after=_told(taken))
    return taken


async def dismiss(
    house: House, tx: Tx, source: str, record_id: str, actor: str, *, reason: str = ""
) -> Record:
    """Set a record aside that nobody will ever have. Raises NotFound."""
    gone = await usage.dismiss(tx, source, record_id)
    await note(
        house,
        tx,
        actor=actor,
        action="usage.dismiss",
        subject=f"contract:{gone.contract}",
        before=f"{gone.source} {gone.id}",
        reason=reason,
    )
    return gone


def _told(taken: Taken) -> str:
    return f"{taken.counted} counted, {taken.free} free, {taken.waiting} waiting"
