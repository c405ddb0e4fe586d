"""Soft levels at a portal, rules published by a program, and a brake that a second one releases."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from app.desk import dunning
from app.web.portal.picture import picture
from billing.dunning.store import dunning_brake
from gateway.reads.services import overview
from runtime.store.audit import audit
from terms.errors import Forbidden, InvalidTransition
from terms.facts import Condition
from tests.flows.app.served import at_work
from tests.flows.app.shop import ACTOR, Shop, opened, settings_for
from tests.simulators.process import RunningSimulator

RULES = {
    "steps": [
        {"after_days": 2, "action": "notice", "notice": "payment_reminder"},
        {"after_days": 3, "action": "limit", "level": "sd_only"},
        {"after_days": 5, "action": "limit", "level": "barker"},
        {"after_days": 8, "action": "suspend"},
        {"after_days": 30, "action": "terminate"},
        {"after_days": 60, "action": "write_off"},
    ],
    "levels": {
        "sd_only": {"without": ["sport"]},
        "barker": {"only": ["base"]},
    },
}
DAY, MONTH = timedelta(days=1), timedelta(days=31)


@pytest.fixture
async def shop(
    migrated_url: str, tmp_path: Path, portal: RunningSimulator, provider: RunningSimulator
) -> AsyncIterator[Shop]:
    """A shop at work whose household 1 watches sport and kids, and has paid."""
    async with opened(settings_for(tmp_path, migrated_url)) as house:
        shop = Shop(house, portal, provider)
        await shop.begin(tmp_path / "operator")
        async with house.store.begin() as tx:
            done = await dunning.publish(house, tx, RULES, "program")
        assert done.changes[0] == "dunning: 1 segments"
        async with at_work(house):
            await shop.sign_up(1, addons=["SPORT", "KIDS"], bill_day=1)
            await shop.rest()
            assert await shop.pay_debt(1, "the first invoice")
            await shop.rest()
            yield shop


async def shown(shop: Shop) -> tuple[int, tuple[str, ...], str]:
    """Say what the portal shows household 1, and how its own page puts it."""
    await shop.rest()
    row = await shop.at_portal(1)
    assert row is not None
    about = await shop.view(1)
    async with shop.house.store.read() as tx:
        word = picture(about, await overview(tx, about.service.id), frozenset()).word
    return row["status"], tuple(sorted(row["subscribed"])), word


async def days(shop: Shop, count: int) -> None:
    """Let days pass, one by one."""
    for _ in range(count):
        await shop.advance(DAY)
        await shop.rest()


async def test_a_debtor_loses_one_thing_after_the_other_and_has_all_back_once(shop: Shop):
    """Without sport on day 3, the base alone on day 5, dark on day 8; all back by one write."""
    await shop.advance(MONTH - timedelta(days=9))  # 1 February, when the next invoice is due
    await shop.rest()
    await days(shop, 2)
    seen = [await shown(shop)]
    for _ in range(8):
        await days(shop, 1)
        if (now := await shown(shop)) != seen[-1]:
            seen.append(now)
    assert seen == [
        (1, ("kids", "sport"), "On"),
        (1, ("kids",), "Limited"),
        (1, (), "Limited"),
        (0, ("kids", "sport"), "Paused"),
    ]
    why, *_ = (await shop.view(1)).why_dark
    assert why.startswith("Suspended since")
    before = len(await shop.writes())
    assert await shop.pay_debt(1, "all of it")
    assert await shown(shop) == (1, ("kids", "sport"), "On")
    assert len(await shop.writes()) == before + 1
    # The ladder to its very end: ended by the system itself, and written off.
    await shop.take_back(1, Condition.GOOD)
    await shop.advance(MONTH)
    await shop.rest()
    await days(shop, 12)
    for _ in range(12):
        await shop.advance(timedelta(days=8))
        await shop.rest()
    about = await shop.view(1)
    assert (str(about.service.state), about.owed.amount_minor) == ("ended", 0)
    async with shop.house.store.read() as tx:
        done = await tx.rows(
            select(audit.c.action, audit.c.actor).where(audit.c.actor == "dunning")
        )
    deeds = [row.action for row in done]
    assert deeds == ["dunning.terminate", "dunning.write_off", "dunning.write_off"]


async def test_the_brake_is_released_by_a_second_person(shop: Shop):
    """Nobody releases what does not stand still, or what they have ordered themselves."""
    house = shop.house

    async def release(actor: str) -> int:
        async with house.store.begin() as tx:
            return await dunning.release(house, tx, actor)

    for anybody in ("second", ACTOR):
        with pytest.raises(InvalidTransition, match="the brake is not on"):
            await release(anybody)
    async with house.store.begin() as tx:
        now = await house.clock.business_now(tx)
        await tx.execute(update(dunning_brake).values(stopped_at=now))
    for orderer in ("program", ACTOR):
        with pytest.raises(Forbidden, match="ask a second person"):
            await release(orderer)
    assert await release("second") == 0
    async with house.store.read() as tx:
        found = await dunning.brake(tx)
        last = (await tx.rows(select(audit).order_by(audit.c.position.desc()).limit(1)))[0]
    assert found is not None
    assert (found.stopped_at, found.limit, found.share_percent) == (None, 100, 10)
    assert (last.action, last.actor) == ("dunning.release", "second")
