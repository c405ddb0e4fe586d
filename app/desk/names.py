"""Whose service is it: contracts and names for ids that the gateway speaks of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from billing.reads import accounts
from billing.reads.accounts import Holder
from runtime.store import Tx
from terms.ids import ServiceId

Names = Mapping[ServiceId, Holder]


async def names(tx: Tx, services: Iterable[ServiceId | None]) -> Names:
    """Find who has these services; ids of nobody are left out."""
    return await accounts.known(tx, {service for service in services if service})
