"""Drift: what a target holds, compared with what it should, over all its accounts.

A scan reads the target once and the wishes in pages; of a target that is nothing but boxes each box
with a wish is asked, and one that is silent is left as it is. What is in the queue, parked, or was
proven while the scan ran is no drift. Accounts that are not ours are told and never touched.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from gateway.adapters.sdk import Adapter, BoxAdapter
from gateway.adapters.state import ViewerState, differences
from gateway.provisioning import findings, wishes
from gateway.provisioning.compose import Wish
from gateway.provisioning.findings import Finding, Kind
from gateway.provisioning.opening import Opened, Targets
from gateway.provisioning.tables import drift_scan
from gateway.provisioning.targets import DriftPolicy
from runtime.store import Tx
from runtime.telemetry import get_log
from runtime.work import Work
from terms.errors import TargetError, Unsupported
from terms.ids import TargetName

PAGE_ROWS_MAX = 500
STRANGERS_TOLD_MAX = 1_000

_log = get_log()


@dataclass(slots=True, kw_only=True)
class ScanReport:
    """What one scan saw. `marked` rows are being repaired, `silent` boxes did not answer."""

    target: TargetName
    started_at: datetime
    finished_at: datetime | None = None
    seen: int = 0
    differing: int = 0
    missing: int = 0
    orphans: int = 0
    duplicates: int = 0
    marked: int = 0
    silent: int = 0
    error: str | None = None


class Drift:
    """Scans targets; one scan at a time for each."""

    def __init__(self, work: Work, targets: Targets) -> None:
        self.work = work
        self.targets = targets

    async def scan_all(self) -> list[ScanReport]:
        """Scan every target that can be talked to; one that fails is reported, not raised."""
        reports = []
        for name, target in (await self.targets.load()).items():
            if target.is_working and not target.is_down:
                try:
                    reports.append(await self.scan(name))
                except TargetError as error:
                    _log.warning("drift.not_scanned", target=name, reason=str(error))
        return reports

    async def scan(self, name: str) -> ScanReport:
        """Compare one target with its wishes. Raises NotFound, and TargetError if it fails."""
        opened = await self.targets.open(name)
        scan = _Scan(self.work, opened)
        try:
            await scan.through()
        except TargetError as error:
            scan.report.error = str(error)
            raise
        finally:
            await scan.close()
        _log.info("drift.scanned", **_told(scan.report))
        return scan.report


class _Scan:
    """One pass over one target."""

    def __init__(self, work: Work, opened: Opened) -> None:
        self.work = work
        self.store = work.store
        self.adapter: Adapter[Any] = opened.adapter
        self.target = opened.target
        self.report = ScanReport(target=opened.target.name, started_at=work.clock.machine_now())
        self._seen: set[str] = set()

    async def through(self) -> None:
        """Go over everything the target holds, then over everything it should."""
        if isinstance(self.adapter, BoxAdapter):
            await self._ask_boxes()
        else:
            await self._read_target()
        async with self.store.begin() as tx:
            await findings.close_unseen(
                tx, self.target.name, before=self.report.started_at, now=self._now()
            )

    async def _read_target(self) -> None:
        page: list[ViewerState] = []
        async for held in self.adapter.scan():
            page.append(held)
            if len(page) == PAGE_ROWS_MAX:
                await self._compare(page)
                page = []
        await self._compare(page)
        await self._look_for_missing()

    async def _ask_boxes(self) -> None:
        """Ask every box with a wish that nobody works on; what was found of a silent one stays."""
        last = ""
        while True:
            async with self.store.read() as tx:
                page = await wishes.after_ref(tx, self.target.name, last, wishes_max=PAGE_ROWS_MAX)
                quiet = await self._quiet(tx, page)
            refs = [wish.value.ref for wish in page if wish.subject in quiet]
            held = await self._observed(refs)
            silent = [ref for ref in refs if ref not in held]
            self.report.silent += len(silent)
            async with self.store.begin() as tx:
                await findings.leave(tx, self.target.name, silent, scan_at=self.report.started_at)
            await self._compare(list(held.values()))
            if len(page) < PAGE_ROWS_MAX:
                return
            last = page[-1].value.ref

    async def _observed(self, refs: Sequence[str]) -> dict[str, ViewerState]:
        """Ask boxes, as many at once as the target takes; one that does not answer is left out."""
        waiting = iter(refs)
        found: dict[str, ViewerState] = {}

        async def ask_some() -> None:
            for ref in waiting:
                with contextlib.suppress(TargetError):
                    held = await self.adapter.observe(ref)
                    found.update({ref: held} if held is not None else {})

        await asyncio.gather(*(ask_some() for _ in range(self.target.in_flight_max)))
        return found

    async def close(self) -> None:
        """Write down how the scan went."""
        self.report.finished_at = self._now()
        row = asdict(self.report)
        del row["marked"], row["silent"]
        async with self.store.begin() as tx:
            await tx.upsert(drift_scan, [row], key=("target",))

    async def _compare(self, page: Sequence[ViewerState]) -> None:
        if not page:
            return
        async with self.store.begin() as tx:
            ours = await wishes.of_refs(tx, self.target.name, [held.ref for held in page])
            quiet = await self._quiet(tx, ours.values())
            found = [self._judge(held, ours.get(held.ref), quiet) for held in page]
            await self._keep(tx, [one for one in found if one is not None])
        self.report.seen += len(page)

    def _judge(self, held: ViewerState, wish: Wish | None, quiet: set[str]) -> Finding | None:
        if held.ref in self._seen:
            self.report.duplicates += 1
            return _finding(Kind.DUPLICATE, held.ref, wish, {"account": ("several", "one")})
        self._seen.add(held.ref)
        if wish is None:
            self.report.orphans += 1
            if self.report.orphans > STRANGERS_TOLD_MAX:
                return None
            return _finding(Kind.ORPHAN, held.ref, None, {"account": ("present", "not ours")})
        if wish.subject not in quiet:
            return None
        try:
            fields = differences(self.adapter.express(wish.value), held)
        except Unsupported:
            return None  # its row is parked with that reason
        if not fields:
            return None
        self.report.differing += 1
        return _finding(Kind.DIFFERS, held.ref, wish, fields)

    async def _look_for_missing(self) -> None:
        last = ""
        while True:
            async with self.store.begin() as tx:
                page = await wishes.after_ref(tx, self.target.name, last, wishes_max=PAGE_ROWS_MAX)
                absent = [wish for wish in page if wish.value.ref not in self._seen]
                quiet = await self._quiet(tx, absent)
                found = [
                    _finding(Kind.MISSING, wish.value.ref, wish, differences(wish.value, None))
                    for wish in absent
                    if wish.subject in quiet
                ]
                self.report.missing += len(found)
                await self._keep(tx, found)
            if len(page) < PAGE_ROWS_MAX:
                return
            last = page[-1].value.ref

    async def _quiet(self, tx: Tx, wanted: Iterable[Wish]) -> set[str]:
        subjects = [wish.subject for wish in wanted]
        return await findings.quiet(tx, self.target.name, subjects, since=self.report.started_at)

    async def _keep(self, tx: Tx, found: Sequence[Finding]) -> None:
        await findings.record(
            tx, self.work, self.target.name, found, scan_at=self.report.started_at
        )
        if self.target.drift_policy is DriftPolicy.REPAIR:
            self.report.marked += await findings.mark(tx, self.work, self.target.name, found)

    def _now(self) -> datetime:
        return self.work.clock.machine_now()


def _finding(
    kind: Kind, ref: str, wish: Wish | None, fields: dict[str, tuple[str, str]]
) -> Finding:
    return Finding(kind=kind, ref=ref, subject=wish.subject if wish else None, fields=fields)


def _told(report: ScanReport) -> dict[str, object]:
    names = ("target", "seen", "differing", "missing", "orphans", "duplicates", "marked", "silent")
    return {name: getattr(report, name) for name in names}
