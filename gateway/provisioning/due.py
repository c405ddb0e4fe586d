"""What there is for boxes that call, read together: the wish of each, and whether errands wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Integer, Select, bindparam, exists, select, type_coerce

from gateway.adapters.errands import Stage
from gateway.provisioning import wishes
from gateway.provisioning.compose import Wish
from gateway.provisioning.lookup import Read
from gateway.provisioning.tables import errand, wish
from runtime.store import Instant
from runtime.store.among import KEYS, among, packed
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from runtime.work import Work
from terms.ids import TargetName


def reader(work: Work, target: TargetName) -> Read[tuple[Wish, bool]]:
    """Make what reads for the boxes of one target, by their serials."""

    async def read(refs: Iterable[str]) -> Mapping[str, tuple[Wish, bool]]:
        given = {"target": target, "now": work.clock.machine_now()}
        async with work.store.read() as tx:
            rows = await _DUE.rows(tx, {**given, KEYS: packed(tx.engine, refs)})
        found = ((wishes.from_row(row), bool(row.has_errands)) for row in rows)
        return {one.value.ref: (one, has_errands) for one, has_errands in found}

    return read


def _due(engine: Engine) -> Select[Any]:
    c = errand.c
    now = bindparam("now", type_=Instant())
    waits = (c.target == wish.c.target, c.ref == wish.c.ref, c.stage == Stage.WAITING.value)
    # Taken as it comes: a type of its own would cost each row a look at all its columns.
    has_errands = type_coerce(exists().where(*waits, c.not_after > now), Integer)
    columns = (*wishes.COLUMNS, has_errands.label("has_errands"))
    return select(*columns).where(wish.c.target == bindparam("target"), among(engine, wish.c.ref))


_DUE = PreparedQuery(_due)
