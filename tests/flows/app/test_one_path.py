"""There is one way to money: account by account or as a whole base, it comes to the same."""

import os
from pathlib import Path

from app.roles import billing
from app.roles import settle as settling
from runtime.store import Store
from runtime.work import Stride
from runtime.work.due import due_keys
from tests.fixtures.alike import differences
from tests.fixtures.base import RUN_AT, fill
from tests.fixtures.billing import make_office
from tests.fixtures.billing_run import Ground

HOUSEHOLDS = int(os.environ.get("BOXOFFICE_TEST_BASE", "1000"))


async def test_one_by_one_is_as_all_at_once(sqlite_template: Path, tmp_path: Path, machine):
    """A thousand households of every kind are charged alike by single settles and by a bill run."""
    for name in ("single", "batches"):
        (tmp_path / name).mkdir()
    single = Ground.copied(sqlite_template, tmp_path / "single")
    store = Store(single.url)
    await fill(make_office(store, machine), HOUSEHOLDS)
    await store.close()
    batches = Ground.copied(tmp_path / "single" / "base.db", tmp_path / "batches")
    assert await one_by_one(single) == HOUSEHOLDS
    async with batches.house() as house:
        ran = await billing.run(house, lambda *_: None, actor="test")
    assert (ran.accounts, ran.left) == (HOUSEHOLDS, 0)
    told = await single.told()
    assert differences(told, await batches.told()) == []
    assert await single.broken() == []
    assert {row[5] for row in told["invoice"]} == {"EUR", "JPY", "KWD"}


async def one_by_one(ground: Ground) -> int:
    """Settle who is due one by one, each as a payment would have it settled."""
    async with ground.house() as house:
        handle = settling.handler(house, Stride(rows_max=1, within_s=1.0), loop_weight=1.0)
        async with house.store.read() as tx:
            keys = await due_keys(tx, "settle", RUN_AT, rows_max=HOUSEHOLDS)
        for key in keys:
            await handle(await house.work.take("settle", [key]))
    assert await ground.due() == 0
    return len(keys)
