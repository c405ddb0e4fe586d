"""Debits are put into batches that a person hands to the bank; nothing is sent from here.

A batch is made whole in one transaction, and its file is kept as it is: asked for again, it is the
same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from billing.debits import model
from billing.debits.model import CURRENCY, USED, Creditor, DebitState, Line, step
from billing.debits.store import debit, debit_batch, file_place, iban_place, mandate
from billing.flows import collect
from billing.flows.debits import creditor
from billing.flows.debits.announce import tell_again
from billing.flows.desk import Desk
from billing.payments.store import attempt, payment_method
from runtime.chance import new_id
from runtime.resealing import reseal
from runtime.secrets import Sealer
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.calendar import local_date, local_hour
from terms.errors import InvalidTransition, NotFound
from terms.money import Money

DEBITS_MAX = 10_000
PREFIX = "DD"  # of the name of a batch, by which a bank's line is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch that was made. `digest` is the SHA-256 of its file.

    So many debits of it `moved`: it was too late for their day, and payers were told another one.
    """

    id: str
    collect_on: date
    debits: int
    total: Money
    digest: str
    moved: int = 0


async def make(
    desk: Desk, tx: Tx, sealer: Sealer, now: datetime, *, by: str, until: date | None = None
) -> list[Batch]:
    """Put announced debits up to a day into batches, one for each day; the first possible at least.

    At most DEBITS_MAX at once. What was paid otherwise since is dropped. Where it is too late for
    the day that payers were told, they are told the new one. Raises InvalidTransition where nobody
    is set up who collects.
    """
    rules = await creditor.lock(tx)
    earliest = rules.earliest(local_date(now, rules.zone), local_hour(now, rules.zone))
    c = debit.c
    query = (
        select(c.attempt_id, c.collect_on)
        .where(
            c.state == DebitState.ANNOUNCED.value, c.collect_on <= max(until or earliest, earliest)
        )
        .order_by(c.collect_on, c.attempt_id)
        .limit(DEBITS_MAX)
    )
    told = {row.attempt_id: row.collect_on for row in await tx.rows(query)}
    due = {key: max(day, earliest) for key, day in told.items()}
    fitting = {row.id: row for row in await collect.fit(desk, tx, sorted(due))}
    await _drop(tx, [key for key in due if key not in fitting], DebitState.ANNOUNCED)
    by_day: dict[date, list[Row[Any]]] = {}
    for key, row in fitting.items():
        by_day.setdefault(due[key], []).append(row)
    late = [row for key, row in fitting.items() if told[key] < earliest]
    await tell_again(desk, tx, late, rules, earliest)
    made = [
        await _present(desk, tx, sealer, rules, (day, by_day[day]), now=now, by=by)
        for day in sorted(by_day)
    ]
    return [replace(one, moved=len(late)) if one.collect_on == earliest else one for one in made]


async def file_of(tx: Tx, sealer: Sealer, batch: str) -> bytes:
    """Return the file of a batch. Raises NotFound, InvalidTransition where it was withdrawn."""
    row = await _batch(tx, batch)
    if row.withdrawn_at is not None:
        raise InvalidTransition(f"batch {batch} was withdrawn")
    kept = sealer.open(row.file, place=file_place(batch))
    return zlib.decompress(base64.b64decode(kept))


async def hand_in(tx: Tx, batch: str, now: datetime, *, by: str) -> bool:
    """Note that the bank has a batch; False where that is noted already. Raises as `file_of`."""
    row = await _batch(tx, batch)
    if row.withdrawn_at is not None:
        raise InvalidTransition(f"batch {batch} was withdrawn")
    if row.handed_in_at is not None:
        return False
    await tx.execute(
        update(debit_batch)
        .where(debit_batch.c.id == batch)
        .values(handed_in_at=now, handed_in_by=by)
    )
    return True


async def withdraw(desk: Desk, tx: Tx, batch: str, now: datetime) -> int:
    """Take a batch back that the bank never gets; what is still owed is announced anew.

    Returns of how many debits. Raises NotFound; InvalidTransition where the bank has it, or it was
    withdrawn.
    """
    row = await _batch(tx, batch)
    if row.handed_in_at is not None:
        raise InvalidTransition(f"batch {batch} was handed in")
    if row.withdrawn_at is not None:
        raise InvalidTransition(f"batch {batch} was withdrawn")
    await tx.execute(update(debit_batch).where(debit_batch.c.id == batch).values(withdrawn_at=now))
    c = debit.c
    query = select(attempt.c.id, attempt.c.account_id).join(debit, c.attempt_id == attempt.c.id)
    mine = query.where(c.batch_id == batch, c.state == DebitState.PRESENTED.value)
    rows = await tx.rows(mine.order_by(attempt.c.id))
    await _drop(tx, [one.id for one in rows], DebitState.PRESENTED)
    await collect.give_up(desk, tx, rows)
    return len(rows)


async def seal_anew(tx: Tx, sealer: Sealer) -> int:
    """Have the first master key seal all files; returns how many it had not sealed."""
    return await reseal(tx, sealer, debit_batch.c.id, debit_batch.c.file, file_place)


async def _batch(tx: Tx, batch: str) -> Row[Any]:
    query = select(debit_batch).where(debit_batch.c.id == batch)
    row = await tx.first(query.with_for_update())
    if row is None:
        raise NotFound(f"there is no batch {batch!r}", field="batch")
    return row


async def _present(
    desk: Desk,
    tx: Tx,
    sealer: Sealer,
    rules: Creditor,
    due: tuple[date, Sequence[Row[Any]]],
    *,
    now: datetime,
    by: str,
) -> Batch:
    collect_on, rows = due
    key = f"{PREFIX}{new_id(now, desk.chance)}"
    given = await _mandates(tx, [row.method_id for row in rows])
    lines = _lines(sealer, rules, rows, given)
    made_at = now.replace(microsecond=0)
    from billing.debits.pain008 import write  # noqa: PLC0415 - 4 MB that most processes never need

    content = write(key, rules, collect_on, lines, made_at)
    total = sum(one.amount.amount_minor for one in lines)
    kept = base64.b64encode(zlib.compress(content, 9)).decode()
    batch = {
        "id": key,
        "collect_on": collect_on,
        "clear_on": rules.cleared_on(collect_on),
        "debits": len(lines),
        "total_minor": total,
        "currency": CURRENCY,
        "file": sealer.seal(kept, place=file_place(key)),
        "digest": hashlib.sha256(content).hexdigest(),
        "made_at": now,
        "made_by": by,
        "handed_in_at": None,
        "handed_in_by": "",
        "withdrawn_at": None,
        "booked_at": None,
    }
    await tx.insert(debit_batch, [batch])
    await _note(tx, key, collect_on, lines)
    await collect.note_called(tx, [row.id for row in rows], desk.clock.machine_now())
    await _use(tx, collect_on, given)
    return Batch(
        id=key,
        collect_on=collect_on,
        debits=len(lines),
        total=Money(total, CURRENCY),
        digest=str(batch["digest"]),
    )


async def _mandates(tx: Tx, methods: Sequence[str]) -> dict[str, Row[Any]]:
    query = select(mandate).where(among(tx.engine, mandate.c.method_id))
    rows = await tx.rows(query, {KEYS: packed(tx.engine, sorted(set(methods)))})
    return {row.method_id: row for row in rows}


def _lines(
    sealer: Sealer, rules: Creditor, rows: Sequence[Row[Any]], given: Mapping[str, Row[Any]]
) -> list[Line]:
    used: set[str] = set()
    lines = []
    for row in sorted(rows, key=lambda row: str(row.id)):
        one = given[row.method_id]
        is_first = not one.is_used and one.method_id not in used
        used.add(one.method_id)
        sequence = model.sequence_of(
            is_once=one.is_once, is_first=is_first, says_first=rules.says_first
        )
        lines.append(
            Line(
                mark=row.id,
                amount=Money(row.amount_minor, row.currency),
                reference=one.reference,
                signed_on=one.signed_on,
                is_amended=one.is_amended,
                sequence=sequence,
                holder=one.holder,
                iban=sealer.open(one.iban, place=iban_place(one.method_id)),
                text=row.document,
            )
        )
    return lines


async def _note(tx: Tx, batch: str, collect_on: date, lines: Sequence[Line]) -> None:
    """Note which batch debits are in, and as what."""
    to = step(DebitState.ANNOUNCED, DebitState.PRESENTED)
    groups: dict[tuple[str, bool], list[str]] = {}
    for one in lines:
        groups.setdefault((one.sequence.value, one.is_amended), []).append(one.mark)
    for (sequence, is_amended), keys in groups.items():
        await tx.execute(
            update(debit)
            .where(
                among(tx.engine, debit.c.attempt_id), debit.c.state == DebitState.ANNOUNCED.value
            )
            .values(
                state=to.value,
                batch_id=batch,
                collect_on=collect_on,
                sequence=sequence,
                is_amended=is_amended,
            ),
            {KEYS: packed(tx.engine, keys)},
        )


async def _use(tx: Tx, collect_on: date, given: Mapping[str, Row[Any]]) -> None:
    """Note that mandates are used; one for one debit is over."""
    await tx.execute(
        update(mandate)
        .where(among(tx.engine, mandate.c.method_id))
        .values(is_used=True, used_on=collect_on),
        {KEYS: packed(tx.engine, sorted(given))},
    )
    once = sorted(key for key, one in given.items() if one.is_once)
    if once:
        await tx.execute(
            update(payment_method)
            .where(payment_method.c.id == bindparam("key"), payment_method.c.stopped == "")
            .values(stopped=USED, is_default=False),
            [{"key": key} for key in once],
        )


async def _drop(tx: Tx, keys: Sequence[str], state: DebitState) -> None:
    if keys:
        await tx.execute(
            update(debit)
            .where(among(tx.engine, debit.c.attempt_id), debit.c.state == state.value)
            .values(state=step(state, DebitState.DROPPED).value),
            {KEYS: packed(tx.engine, keys)},
        )
