"""The lead: of many processes that could do something, the one that does it now.

It is a lease in the database, measured by the database's own clock, so that many machines agree:
who holds it renews it, and when it is not renewed any more another takes it over.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import BigInteger, Column, String, Table

from runtime.chance import Chance
from runtime.clock import Clock
from runtime.store import Store, metadata, to_micros

TOKEN_BITS = 62  # positive in a signed column

lead = Table(
    "lead",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("token", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
)

_PG_NOW = "(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000)::bigint"
# Values: name, token, the lease's length; on SQLite, which has no clock of its own, now.
_TAKE = """
    INSERT INTO lead (name, token, lease_until) VALUES ($1, $2, {now} + {lease})
    ON CONFLICT (name) DO UPDATE SET token = excluded.token, lease_until = excluded.lease_until
    WHERE lead.token = excluded.token OR lead.lease_until <= {now}
    RETURNING token
"""
_LEAVE = "UPDATE lead SET lease_until = 0 WHERE name = $1 AND token = $2 RETURNING token"


class Lead:
    """One process's claim to a lead."""

    def __init__(
        self, store: Store, clock: Clock, chance: Chance, name: str, *, lease: timedelta
    ) -> None:
        self.store = store
        self.clock = clock
        self.name = name
        self._token = chance.bits(TOKEN_BITS) or 1
        self._lease = lease // timedelta(microseconds=1)

    async def take(self) -> bool:
        """Take the lead or renew it; False where another has it."""
        own: tuple[object, ...] = (self.name, self._token, self._lease)
        if self.store.is_sqlite:
            sql = _TAKE.format(now="?4", lease="?3").replace("$", "?")
            return bool(await self.store.once(sql, (*own, to_micros(self.clock.machine_now()))))
        return bool(await self.store.once(_TAKE.format(now=_PG_NOW, lease="$3::bigint"), own))

    async def leave(self) -> None:
        """Let another take it at once, if it is ours."""
        sql = _LEAVE.replace("$", "?") if self.store.is_sqlite else _LEAVE
        await self.store.once(sql, (self.name, self._token))
