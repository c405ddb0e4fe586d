"""Usage that targets count: read behind a cursor, each use once, whoever reads it and how often."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from sqlalchemy import select, update

from app.roles.metering import read_meter, read_meters
from billing.reads import accounts, usage
from gateway.adapters import registry
from gateway.adapters.sdk import USES_MAX
from gateway.provisioning import refs, targets
from gateway.provisioning.tables import target as target_row
from gateway.provisioning.tables import target_meter
from gateway.provisioning.targets import Configuration
from terms.ids import TargetName
from tests.fixtures.howto import METERED
from tests.flows.app.served import Served

FOLDER = TargetName("folder")
LATER = datetime(2999, 1, 1, tzinfo=UTC)
CATALOGUE = {
    "offerings": [
        {"code": "CLOUD", "kind": "usage", "name": "Cloud", "tax": "standard", "meter": "hours"}
    ],
    "prices": [
        {
            "offering": "CLOUD",
            "effective_from": "2039-12-01",
            "currency": "EUR",
            "amount": "0.00",
            "usage": "graduated *=0.10",
        }
    ],
}


class Folder:
    """A target that is a folder and counts in a file, and the house that reads it."""

    def __init__(self, counter: Served, path: Path) -> None:
        self.house, self.api = counter.house, counter.api
        self.log = Path(f"{path}.usage")
        self.used = 0

    def use(self, *refs: str, minutes_ago: int = 5, quantity: str = "0.5") -> None:
        """Let households use something; each by its own key."""
        at = self.house.clock.machine_now() - timedelta(minutes=minutes_ago)
        with self.log.open("a") as log:
            for ref in refs:
                self.used += 1
                log.write(f"{self.used} {ref} hours {quantity} {at.isoformat()}\n")

    async def hours(self, contract: str) -> list[tuple[str, int]]:
        """Tell how much a household has used, in how many records."""
        async with self.house.store.read() as tx:
            return [(one.quantity, one.records) for one in await usage.of_contract(tx, contract)]

    async def waiting(self) -> list[tuple[str, str]]:
        """Tell whose records wait, and why."""
        async with self.house.store.read() as tx:
            return [(one.contract, one.reason) for one in await usage.waiting(tx)]

    async def kept(self) -> tuple[str, int, int]:
        """Tell the cursor, how many uses were told, and how many refused."""
        async with self.house.store.read() as tx:
            row = await tx.first(select(target_meter).where(target_meter.c.target == FOLDER))
        assert row is not None
        return row.cursor, row.told, row.refused


@pytest.fixture
async def folder(counter: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """Configure the folder, and sell what it counts to two households."""
    where = "tests.fixtures.howto:METERED"
    entry = EntryPoint(name=METERED.kind, value=where, group=registry.GROUP)
    known = {**registry._entries(), METERED.kind: entry}
    monkeypatch.setattr(registry, "_entries", lambda: known)
    place = tmp_path / "accounts"
    place.mkdir()
    house = counter.house
    async with house.store.begin() as tx:
        wanted = Configuration(name=FOLDER, kind=METERED.kind, options={"path": str(place)})
        await targets.configure(tx, house.sealer, wanted)
    status, told = await counter.api("POST", "catalogue", CATALOGUE)
    assert status == 201, told
    for contract in ("200001", "200002"):
        status, told = await counter.api(
            "POST", f"accounts/{contract}/change", {"add": ["CLOUD"], "when": "now"}
        )
        assert status == 200, told
    made = Folder(counter, place)
    made.log.touch()
    return made


async def test_what_a_target_counts_is_counted_once(folder: Folder):
    """Read again, by two at once, from the beginning or page by page: each use counts once."""
    folder.use("200001", "200001", "200002")
    await asyncio.gather(*(read_meters(folder.house) for _ in range(2)))
    await read_meters(folder.house)
    assert await folder.hours("200001") == [("1", 2)]
    assert await folder.hours("200002") == [("0.5", 1)]
    assert await folder.kept() == ("3", 3, 0)
    folder.use("200002")
    assert (await read_meter(folder.house, FOLDER)).taken.counted == 1
    async with folder.house.store.begin() as tx:
        await tx.execute(target_meter.delete())
    folder.use(*["200001"] * (USES_MAX + 2))
    taken = (await read_meter(folder.house, FOLDER)).taken
    assert (taken.counted, taken.known) == (USES_MAX + 2, 4)
    assert await folder.hours("200001") == [("502", USES_MAX + 4)]
    assert await folder.hours("200002") == [("1", 2)]


async def test_what_nobody_has_waits_and_what_is_wrong_stops_nothing(folder: Folder):
    """An unknown key waits as it was told; a quantity that is none is noted; the rest counts.

    A household known there by a key of its own has what that key used, not what its number did.
    """
    folder.use("200999")
    folder.use("200001", quantity="-1")
    folder.use("200001")
    await read_meters(folder.house)
    assert await folder.waiting() == [("200999", "no_service")]
    assert await folder.hours("200001") == [("0.5", 1)]
    assert await folder.kept() == ("3", 3, 1)
    async with folder.house.store.begin() as tx:
        home = (await accounts.holders(tx, ["200001"]))["200001"].service
        await refs.bind(tx, {home: "7001"}, target=FOLDER)
    folder.use("7001", "200001", "200002")
    await read_meters(folder.house)
    assert await folder.hours("200001") == [("1", 2)]
    assert await folder.hours("200002") == [("0.5", 1)]
    assert [name for name, _ in await folder.waiting()] == ["200999", "folder:200001"]


async def test_a_target_that_is_left_alone_is_not_asked(folder: Folder):
    """One that is switched off, parked, down, busy or silent keeps its usage until it is well."""
    folder.use("200001")
    mine = update(target_row).where(target_row.c.name == FOLDER)
    well = {"enabled": True, "parked_at": None, "down_since": None, "throttled_until": None}
    for name in well:
        trouble = False if name == "enabled" else LATER
        async with folder.house.store.begin() as tx:
            await tx.execute(mine.values(**{**well, name: trouble}))
        assert FOLDER not in await folder.house.meters.names()
        assert await folder.house.meters.read(FOLDER) is None
    async with folder.house.store.begin() as tx:
        await tx.execute(mine.values(**well))
    text = folder.log.read_text()
    folder.log.unlink()
    await read_meters(folder.house)
    assert await folder.hours("200001") == []
    folder.log.write_text(text)
    await read_meters(folder.house)
    assert await folder.hours("200001") == [("0.5", 1)]
    async with folder.house.store.begin() as tx:
        await tx.execute(target_meter.delete())
    folder.log.write_text(text.replace("0.5", "0.7"))
    assert (await read_meter(folder.house, FOLDER)).taken.contradicting == 1
    assert await folder.hours("200001") == [("0.5", 1)]
    assert await folder.kept() == ("1", 1, 1)
