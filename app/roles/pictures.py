"""How long it takes from a payment to the picture that it pays for, as the log tells it.

Only households that are dark when they pay are timed: whoever pays in time sees nothing change. It
is a number for the monitoring, so that what this process does not see, while it does not run, is
not made up for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.wiring import House
from billing.payments.model import PaymentFact
from billing.reads import accounts
from gateway.reads import services
from runtime import log
from runtime.log import READ_ENTRIES_MAX, Entry
from runtime.store import Tx
from runtime.telemetry import histogram
from terms.facts import ServiceStateChanged
from terms.ids import AccountId, ServiceId

WAITING_MAX = 10_000
KINDS = (PaymentFact.CLEARED.value, ServiceStateChanged.KIND)

_proven = histogram(
    "boxoffice_payment_proven_seconds",
    "From the newest payment of a dark household until a target was seen to show it its picture",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200, 86_400),
)


class Pictures:
    """Reads the log from the moment on at which it is asked first."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._position: int | None = None
        self._paid_at: dict[ServiceId, datetime] = {}

    async def look(self) -> None:
        """Take in what is new."""
        count = READ_ENTRIES_MAX
        while count == READ_ENTRIES_MAX:
            async with self._house.store.read() as tx:
                count = await self._page(tx)

    async def _page(self, tx: Tx) -> int:
        if self._position is None:
            newest = await log.latest(tx, entries_max=1)
            self._position = newest[0].position if newest else 0
        seen = await log.after(tx, self._position, kinds=KINDS)
        if seen:
            await self._take(tx, seen)
            self._position = seen[-1].position
        return len(seen)

    async def _take(self, tx: Tx, seen: Sequence[Entry]) -> None:
        payers = {AccountId(one.key) for one in seen if one.kind == PaymentFact.CLEARED}
        owners = await accounts.services_of(tx, payers)
        for one in seen:
            if one.kind == PaymentFact.CLEARED:
                mine = (home for home, owner in owners.items() if owner == one.key)
                self._paid_at.update(dict.fromkeys(mine, one.at))
            else:
                self._show(ServiceStateChanged.decode(one.value), one.at)
        for home in await services.lit(tx, owners.keys() & self._paid_at.keys()):
            del self._paid_at[home]
        for home in list(self._paid_at)[:-WAITING_MAX]:
            del self._paid_at[home]

    def _show(self, changed: ServiceStateChanged, at: datetime) -> None:
        paid_at = self._paid_at.get(changed.service)
        if changed.state.is_live and paid_at is not None:
            del self._paid_at[changed.service]
            _proven.observe(amount=max((at - paid_at).total_seconds(), 0.0))
