"""Whatever the order of what happens to a subscriber, the portal ends with the newest."""

import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from billing.flows.change import Change
from gateway.provisioning.tables import observed, wish
from runtime.log import snapshot as snapshots
from terms.entitlement import Entitlement
from tests.flows.app.operator import contract_of
from tests.flows.app.served import at_work
from tests.flows.app.shop import Shop, opened, settings_for
from tests.simulators.process import RunningSimulator

TARIFFS = {"base": "basic", "all": "premium"}
PACKAGES = {"sport": "sport", "kids": "kids"}
CARRIED = re.compile(r"r([0-9]+)")
MONTH, WEEK = timedelta(days=31), timedelta(days=7)
TOLD = timedelta(days=3)  # the ladder's first notice

SUSPEND, RESTORE, CHANGE = "suspend", "restore", "change"
EVENTS = (SUSPEND, RESTORE, CHANGE)


@asynccontextmanager
async def open_shop(
    folder: Path, url: str, portal: RunningSimulator, provider: RunningSimulator
) -> AsyncIterator[Shop]:
    """Open a shop at work whose household 1 has paid once, long ago, and is dark by now."""
    async with opened(settings_for(folder, url)) as house:
        shop = Shop(house, portal, provider)
        await shop.begin(folder / "operator")
        async with at_work(house):
            await shop.sign_up(1, addons=["SPORT"], bill_day=1)
            await shop.rest()
            assert await shop.pay_debt(1, "the first invoice")
            await shop.rest()
            await happen(shop, SUSPEND, 0)
            await shop.rest()
            yield shop


async def happen(shop: Shop, event: str, n: int) -> None:
    """Let one of the three things happen to household 1."""
    if event == SUSPEND:  # another invoice, and nobody pays it for longer than the ladder waits
        for step in (MONTH, TOLD):
            await shop.advance(step)
            await shop.rest("settle")
        await shop.advance(WEEK)
    elif event == RESTORE:
        await shop.pay_debt(1, f"payment {n}")
    else:
        held = {one.offering for one in (await shop.view(1)).subscriptions if not one.until_on}
        await shop.change(1, Change(plan="GOLD" if "BASIC" in held else "BASIC"))


async def newest(shop: Shop, number: int) -> Entitlement:
    """Return the rights that were published last."""
    async with shop.house.store.read() as tx:
        rows = await tx.rows(select(snapshots).where(snapshots.c.topic == "entitlement"))
    rights = [Entitlement.decode(row.value, revision=row.revision) for row in rows]
    return next(one for one in rights if one.label == f"Household {number}")


async def check_newest_is_held(shop: Shop, number: int) -> None:
    """The portal's row is what the newest rights say, and no write ever took it back."""
    rights = await newest(shop, number)
    account = await shop.at_portal(number)
    assert account is not None
    codes = {grant.code for grant in rights.grants}
    assert account["status"] == int(rights.state.is_live)
    assert [account["tariff_plan"]] == [TARIFFS[code] for code in codes if code in TARIFFS]
    assert set(account["subscribed"]) == {PACKAGES[code] for code in codes if code in PACKAGES}
    async with shop.house.store.read() as tx:
        wished = await tx.scalar(select(wish.c.revision).where(wish.c.service == rights.service))
        proven = select(observed.c.revision).where(observed.c.subject == rights.service)
        assert await tx.scalar(proven) == wished <= rights.revision
    carried = [
        int(found[1])
        for entry in await shop.writes()
        if entry["subject"] == contract_of(number)
        if (found := CARRIED.fullmatch((entry["after"] or {}).get("comment") or ""))
    ]
    assert carried == sorted(carried)
    assert carried[-1] <= wished  # it stays behind where the portal held the wish already


Step = tuple[str, bool]
steps = st.lists(st.tuples(st.sampled_from(EVENTS), st.booleans()), min_size=3, max_size=8)


@pytest.mark.timeout(180)
@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(story=steps)
async def test_any_story_ends_with_the_highest_revision(
    story: Sequence[Step],
    sqlite_template: Path,
    running_portal: RunningSimulator,
    running_provider: RunningSimulator,
):
    """Suspensions, restorations and changes, hurried or not, end as the newest rights say."""
    for running in (running_portal, running_provider):
        await running.aadmin("/reset", {})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(sqlite_template, folder / "boxoffice.db")
        url = f"sqlite:///{folder / 'boxoffice.db'}"
        async with open_shop(folder, url, running_portal, running_provider) as shop:
            await tell(shop, story)
            await check_newest_is_held(shop, 1)


async def tell(shop: Shop, story: Sequence[Step]) -> None:
    """Let a story happen to household 1, waiting for the work in between where it says so."""
    for n, (event, waits) in enumerate(story):
        await happen(shop, event, n)
        if waits:
            await shop.rest()
    await shop.rest()


ORDERS = list(permutations(EVENTS))


@pytest.mark.parametrize(
    ("migrated_url", "order"),
    [*(("sqlite", order) for order in ORDERS), *(("postgres", order) for order in ORDERS[1:5:3])],
    indirect=["migrated_url"],
)
async def test_each_order_of_the_three_ends_with_the_highest_revision(
    order: Sequence[str],
    migrated_url: str,
    tmp_path: Path,
    portal: RunningSimulator,
    provider: RunningSimulator,
):
    """Suspend, restore and change at once, in each order: the highest revision is at the portal."""
    async with open_shop(tmp_path, migrated_url, portal, provider) as shop:
        assert (await newest(shop, 1)).reason == "dunning"
        await portal.aadmin("/faults", {"spec": "slow:100ms"})  # rights change faster than that
        for n, event in enumerate(order):
            await happen(shop, event, n)
            await shop.rest("settle")
        await shop.rest()
        await check_newest_is_held(shop, 1)
        rights = await newest(shop, 1)
        assert rights.state.is_live == (order.index(RESTORE) > order.index(SUSPEND))
        assert [grant.code for grant in rights.grants if grant.code in TARIFFS] == ["all"]
