"""From SQLite to PostgreSQL: everything arrives, or nothing does."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from app.copying import copy_from, in_order
from app.identity.tokens import api_token
from app.settings import Settings
from app.shape import bring_up, open_house
from app.wiring import House
from billing.ledger.store import entry, posting
from runtime import log
from runtime.log import Entry
from runtime.secrets import new_master_key
from runtime.store import metadata
from terms.errors import DomainError
from tests.flows.app.process import command
from tests.flows.app.served import at_work, rest, serving

NEW = "300001"
ORDER = {"contract": NEW, "name": "Flat 1", "plan": "HARBOUR", "addons": ["SPORT"]}
CASH = {"amount": "1.00", "reference": "R-2"}


@pytest.fixture
async def used(harbour) -> House:
    """A house on SQLite where somebody has paid, so that all kinds of rows are there."""
    async with serving(harbour) as served, at_work(harbour):
        assert (await served.api("POST", "accounts", ORDER))[0] == 201
        await rest(harbour, "settle", "compose")
        _, account = await served.api("GET", f"accounts/{NEW}")
        cash = {"amount": account["owed"]["text"], "reference": "R-1"}
        assert (await served.api("POST", f"accounts/{NEW}/payments", cash))[0] == 201
        assert (await served.api("POST", "clock/advance", {"by": "1d"}))[0] == 200
        await rest(harbour, "settle", "compose")
    return harbour


@pytest.fixture
def there(used, fresh_postgres) -> Settings:
    """The settings of the same operator on a PostgreSQL."""
    return used.settings.model_copy(update={"database_url": fresh_postgres})


async def test_everything_arrives(used, there):
    """Each table has the same rows, the house works on with them, and its log goes on behind."""
    await bring_up(there)
    async with open_house(there) as house:
        copied = await copy_from(house, used.settings.data_dir / "boxoffice.db")
        assert copied["account"] == copied["service"] == 26
        assert min(copied[name] for name in ("entry", "posting", "log_entry", "wish", "audit")) > 0
        await check_same(used, house)
        async with house.store.begin() as tx:
            now = house.clock.machine_now()
            highest = (await log.latest(tx, entries_max=1))[0].position
            await log.append(tx, [Entry(id="new", kind="k", key="k", value="{}", at=now)])
            assert (await log.find(tx, ["new"]))["new"].position == highest + 1
        async with serving(house) as served, at_work(house):
            _, account = await served.api("GET", f"accounts/{NEW}")
            assert account["payments"]
            assert (await served.api("POST", "accounts/200002/payments", CASH))[0] == 201
            await rest(house, "settle", "compose")


async def check_same(one: House, other: House) -> None:
    """Each row of each table is the same, but for the token that the new database began with."""
    for table in metadata.sorted_tables:
        if table is not api_token:
            async with one.store.read() as old, other.store.read() as new:
                before, after = [await tx.rows(table.select()) for tx in (old, new)]
            assert sorted(map(repr, before)) == sorted(map(repr, after)), table.name


async def test_what_is_not_empty_is_left_alone(used, there):
    """A second copy, a missing file and SQLite as the place to copy into are refused."""
    file = used.settings.data_dir / "boxoffice.db"
    await bring_up(there)
    async with open_house(there) as house:
        await copy_from(house, file)
        for asked, source, why in (
            (house, file, "holds something already"),
            (house, file.with_name("nowhere.db"), "there is no file"),
            (used, file, "names SQLite"),
        ):
            with pytest.raises(DomainError, match=why):
                await copy_from(asked, source)


async def test_another_key_copies_nothing(used, there):
    """Where the settings hold another master key, what is sealed would be lost: nothing goes."""
    settings = there.model_validate({**there.model_dump(), "master_key": new_master_key()})
    await bring_up(settings)
    async with open_house(settings) as house:
        with pytest.raises(DomainError, match="another master key has sealed"):
            await copy_from(house, used.settings.data_dir / "boxoffice.db")
        async with house.store.read() as tx:
            assert await tx.rows(metadata.tables["account"].select()) == []


async def test_it_is_one_command(used, there, tmp_path):
    """`boxoffice database copy` tells how many rows there were; an older file is refused."""
    settings = {"data_dir": str(there.data_dir), "database_url": there.database_url}
    await bring_up(there)
    source = str(used.settings.data_dir / "boxoffice.db")
    old = tmp_path / "old.db"
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(old)) as other:
        one.backup(other)
        other.execute("UPDATE alembic_version SET version_num = '0001'")
        other.commit()
    code, _, errors = await command("database", "copy", str(old), settings=settings)
    assert (code, "has the shape 0001" in errors) == (1, True), errors
    code, output, errors = await command("database", "copy", source, "--json", settings=settings)
    assert code == 0, errors
    assert json.loads(output)["rows"]["account"] == 26


def test_entries_go_before_the_postings_that_seal_them():
    """The order keeps every reference but that of entries, which a posting seals."""
    order = in_order()
    assert order.index(entry) < order.index(posting)
    for table in order:
        for key in table.foreign_keys:
            if table is not entry and key.column.table is not table:
                assert order.index(key.column.table) < order.index(table)
