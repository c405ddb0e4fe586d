"""What the adapter of one target is told of its boxes, and what it tells of them: the sdk's Boxes.

How a box is reached stands in the inventory, what it was last seen to hold among the sightings
here. No call to a box is begun without asking here first, so the fence stands here, too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from sqlalchemy import and_, select

from gateway.adapters.boxes import OTHER_MODEL
from gateway.adapters.sdk import Access, Answering
from gateway.adapters.state import ViewerState
from gateway.inventory import reviews, sightings, store
from gateway.inventory.logins import Described, Logins
from gateway.inventory.quarantine import Sighting
from gateway.inventory.reviews import CaseKind, Finding
from gateway.provisioning import fence, wishes
from gateway.provisioning.errands import Errands
from gateway.provisioning.lookup import Lookup
from gateway.provisioning.tables import observed, wish
from runtime.work import Work
from terms.errors import Permanent
from terms.ids import TargetName

PAGE_ROWS_MAX = 500


class Book:
    """The boxes of one target."""

    def __init__(self, target: TargetName, work: Work, logins: Logins) -> None:
        self.target = target
        self.store = work.store
        self.logins = logins
        self.clock = work.clock
        self.errands = Errands(target, work)
        self._answering = Lookup(logins.answering)

    def shared_key(self, purpose: str) -> bytes:
        """Give a secret that every process of ours has alike for this target."""
        return self.logins.sealer.shared_key(f"target/{self.target}/{purpose}")

    async def access(self, ref: str) -> Access:
        """Find how to reach a box. Raises Permanent for one nobody has described."""
        fence.ask()
        return await self.logins.access(ref)

    async def pin(self, ref: str, host_key: str) -> None:
        """Keep the key a box has shown inside its claim window. Raises Conflict outside it."""
        await self.logins.pin(ref, host_key)

    async def other_key(self, ref: str, shown: str) -> None:
        """Put before a person that a box shows another host key than the pinned one."""
        await self.logins.other_key(ref, shown)

    async def last_seen(self, ref: str) -> ViewerState | None:
        """Give what a box was last seen to hold here."""
        there = and_(observed.c.subject == wish.c.subject, observed.c.target == wish.c.target)
        query = (
            select(observed.c.value, observed.c.revision)
            .select_from(wish.join(observed, there))
            .where(wish.c.target == self.target, wish.c.ref == ref)
        )
        async with self.store.read() as tx:
            row = await tx.first(query)
        return None if row is None else ViewerState.decode(row.value, revision=row.revision)

    async def answering(self, login: str) -> Answering | None:
        """Find the box that signs in to us by this name; None where it is not exactly one."""
        return await self._answering.find(login)

    async def called_at(self, ref: str, address: str) -> None:
        """Remember where a box that calls us wants to be rung."""
        if await self._address(ref) != address:
            await self._describe(ref, address)

    async def stranger(self, serial: str, *, model: str, address: str, why: str) -> None:
        """Note a box that called and has no rights here; one we know is put before a person."""
        now = self.clock.machine_now()
        seen = Sighting(serial=serial, model=model, address=address)
        async with self.store.begin() as tx:
            known = await sightings.hear(tx, [seen], now)
            # A model that is not the registered one is a finding already.
            found = [
                Finding(kind=CaseKind.DOUBTFUL, serial=serial, reason=f"box {serial}: {why}")
                for serial, box in known.items()
                if why != OTHER_MODEL or box.model == model
            ]
            await reviews.report(tx, found, now)

    async def rotate(self, ref: str, fresh: Mapping[str, str]) -> Mapping[str, str]:
        """Begin to change the secrets of a box, and tell which it is to be given."""
        if await self._address(ref) is None:
            await self._describe(ref, "")
        async with self.store.begin() as tx:
            return await self.logins.rotate(tx, ref, fresh)

    async def seen_new(self, ref: str) -> None:
        """End the change: the box has shown the new secrets."""
        async with self.store.begin() as tx:
            await self.logins.seen_new(tx, ref)

    async def _address(self, ref: str) -> str | None:
        """Tell where a box wants to be rung; None where nobody has described it."""
        try:
            return (await self.logins.access(ref)).address
        except Permanent:
            return None

    async def _describe(self, ref: str, address: str) -> None:
        async with self.store.begin() as tx:
            box = (await store.by_serial(tx, [ref])).get(ref)
            if box is not None:
                await self.logins.describe(tx, [Described(resource=box.id, address=address)])

    async def serials(self) -> AsyncIterator[str]:
        """Go over the serials of all boxes that are wished for here, in their order."""
        last = ""
        while True:
            async with self.store.read() as tx:
                page = await wishes.after_ref(tx, self.target, last, wishes_max=PAGE_ROWS_MAX)
            for one in page:
                yield one.value.ref
            if len(page) < PAGE_ROWS_MAX:
                return
            last = page[-1].value.ref
