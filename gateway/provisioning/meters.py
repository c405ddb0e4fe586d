"""Usage that targets tell: read page by page behind a cursor, with no transaction open.

The cursor moves in the transaction that takes the page, and only from where it was read: a page
that was read twice, or by two at once, is a page of records that are known. What use costs, and
whose it is in money, is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import exists, select, update

from gateway.adapters.sdk import CURSOR_CHARS_MAX, USES_MAX, Metered, Use, UsePage
from gateway.provisioning.compose import EVERY_TARGET
from gateway.provisioning.health import Health
from gateway.provisioning.opening import Opened, Targets
from gateway.provisioning.tables import target_meter as table
from gateway.provisioning.tables import target_ref
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.telemetry import get_log
from runtime.work import Work
from terms.errors import DomainError, Retryable, TargetError
from terms.ids import ServiceId, TargetName

REASON_CHARS_MAX = 200

_log = get_log()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a target told behind `since`: uses, and where to go on; `has_more` says at once."""

    target: TargetName
    since: str
    uses: Sequence[Use]
    cursor: str
    has_more: bool


class Meters:
    """Reads the usage of targets that tell it."""

    def __init__(self, work: Work, targets: Targets) -> None:
        self.work = work
        self.targets = targets

    async def names(self) -> list[TargetName]:
        """Name the targets that tell usage and may be talked to now."""
        found = []
        for name in await self.targets.load():
            opened = await self._opened(name)
            if opened is not None and Health(opened, self.work).is_open():
                found.append(name)
        return found

    async def read(self, name: TargetName) -> Page | None:
        """Read one page of a target; None where it tells nothing now, whatever the reason.

        What it says about the target by failing is learnt, as from any other call.
        """
        opened = await self._opened(name)
        if opened is None or not isinstance(opened.adapter, Metered):
            return None
        health = Health(opened, self.work)
        if not health.is_open():
            return None
        since = await self._cursor(name)
        try:
            page = await opened.adapter.usage(since)
            _check(page, since)
        except TargetError as error:
            _log.warning("meter.not_read", target=name, reason=str(error))
            await health.learn(error)
            return None
        except Exception:  # noqa: BLE001 - a bug of one adapter keeps no other target waiting
            _log.exception("meter.failed", target=name)
            return None
        return Page(
            target=name,
            since=since,
            uses=page.uses,
            cursor=page.cursor,
            has_more=page.has_more,
        )

    async def move(self, tx: Tx, page: Page) -> bool:
        """Move the cursor behind a page; False where it is not any more where it was read."""
        now = self.work.clock.machine_now()
        first = {
            "target": page.target,
            "cursor": "",
            "read_at": now,
            "told": 0,
            "refused": 0,
            "reason": None,
        }
        await tx.insert_new(table, [first], key=("target",))
        c = table.c
        moved = (
            update(table)
            .where(c.target == page.target, c.cursor == page.since)
            .values(cursor=page.cursor, read_at=now, told=c.told + len(page.uses))
        )
        return (await tx.execute(moved)).rowcount == 1

    async def refuse(self, tx: Tx, name: TargetName, count: int, reason: str) -> None:
        """Write down that some of a page could not be taken."""
        c = table.c
        refused = update(table).where(c.target == name)
        await tx.execute(
            refused.values(refused=c.refused + count, reason=reason[:REASON_CHARS_MAX])
        )
        _log.warning("meter.refused", target=name, count=count, reason=reason)

    async def _opened(self, name: TargetName) -> Opened | None:
        try:
            opened = await self.targets.open(name)
        except DomainError as error:
            _log.warning("meter.not_opened", target=name, reason=str(error))
            return None
        return opened if isinstance(opened.adapter, Metered) else None

    async def _cursor(self, name: TargetName) -> str:
        async with self.work.store.read() as tx:
            return await tx.scalar(select(table.c.cursor).where(table.c.target == name)) or ""


async def services_of(
    tx: Tx, name: TargetName, refs: Iterable[str]
) -> Mapping[str, ServiceId | None]:
    """Tell which service each of a target's keys stands for; unknown ones are left out.

    None is told for a key of a service that has another one there: it is nobody's at this target.
    """
    c, own = target_ref.c, target_ref.alias("own")
    has_own = exists().where(own.c.target == name, own.c.service == c.service)
    query = select(c.target, c.service, c.ref, has_own.label("has_own")).where(
        among(tx.engine, c.ref), c.target.in_([name, EVERY_TARGET])
    )
    rows = await tx.rows(query, {KEYS: packed(tx.engine, sorted(set(refs)))})
    usual = {row.ref: None if row.has_own else ServiceId(row.service) for row in rows}
    return usual | {row.ref: ServiceId(row.service) for row in rows if row.target == name}


def _check(page: UsePage, since: str) -> None:
    """Insist on what a page promises. Raises Retryable."""
    if len(page.uses) > USES_MAX:
        raise Retryable(f"told more than {USES_MAX} uses at once")
    if len(page.cursor) > CURSOR_CHARS_MAX:
        raise Retryable(f"told a cursor of more than {CURSOR_CHARS_MAX} characters")
    if page.has_more and page.cursor == since:
        raise Retryable("told that there is more, and not where")
