"""One transaction at a time: for what two at once could only find out too late."""

from __future__ import annotations

from enum import IntEnum

from runtime.store.unit import Tx

# Beside the number of migrations; the log's own locks are of the other form.
_SPACE = 8081
_LOCK = "SELECT pg_advisory_xact_lock($1::integer, $2::integer)"


class Alone(IntEnum):
    """What is done by one transaction at a time."""

    REGISTER_BOXES = 1
    SEAL_DEEDS = 2
    EARN = 3
    ANNOUNCE = 4
    FIRST_TOKEN = 5


async def alone(tx: Tx, what: Alone) -> None:
    """Wait until no other transaction does it; from then on none does until this one ends.

    On SQLite there is only one that writes anyway.
    """
    if tx.engine == "postgresql":
        await tx.fetch(_LOCK, (_SPACE, int(what)))
