"""Who was told what by which channel is found by whoever looks, and kept for so long."""

from __future__ import annotations

from datetime import timedelta

from app.roles.scheduler import _sweep_messages
from messages import store as deliveries
from messages.model import Delivery, Outcome
from messages.plan import KINDS, Via
from messages.templates import languages
from tests.flows.app.visitor import let_in

MINE, OTHER = "200001", "200002"


async def furnish(house):
    """Record a message by each channel, and an old one."""
    now = house.clock.machine_now()
    async with house.store.begin() as tx:
        rows = await tx.fetch("SELECT id FROM service ORDER BY contract")
        mine, other = (row[0] for row in rows[:2])
        await deliveries.record(
            tx,
            [
                made("shown", mine, now, via=Via.SCREEN, text="Please <b>pay</b>"),
                made("texted", mine, now, via=Via.SMS, to="+431234", why="the gateway is away"),
                made("mailed", other, now, via=Via.MAIL, to="a@b.example", text=""),
                made("old", other, now - timedelta(days=401)),
                made("waits", other, now - timedelta(days=401), outcome=Outcome.WAITING),
            ],
        )


def made(id_, service, at, **more):
    """Make the record of a message."""
    given = {"kind": "suspended", "via": Via.SCREEN, "text": "t", "outcome": Outcome.SENT, **more}
    ended = None if given["outcome"] is Outcome.WAITING else at
    return Delivery(id=id_, service=service, begun_at=at, ended_at=ended, **given)


async def found(served, query):
    """List the ids that the API finds."""
    status, page = await served.api("GET", f"messages?{query}")
    assert status == 200, page
    return [one["id"] for one in page["items"]]


async def test_the_log_is_narrowed(counter):
    """By contract, channel, outcome, kind and day, and all of them together."""
    await furnish(counter.house)
    assert await found(counter, "") == ["texted", "shown", "mailed", "waits", "old"]
    assert await found(counter, f"contract={MINE}") == ["texted", "shown"]
    assert await found(counter, f"contract={MINE}&channel=sms&outcome=sent") == ["texted"]
    assert await found(counter, "outcome=waiting") == ["waits"]
    assert await found(counter, "kind=receipt") == []
    today = counter.house.clock.machine_now().date()
    assert await found(counter, f"since={today}&channel=mail") == ["mailed"]
    assert (await counter.api("GET", "messages?contract=nobody"))[0] == 404
    assert (await counter.api("GET", "messages?channel=pigeon"))[0] == 400


async def test_the_pages_tell_of_it(counter):
    """The console shows whom, how and why, and each notice in each language; nothing is markup."""
    await furnish(counter.house)
    owner = await let_in(counter)
    page = (await owner.get(f"/console/messages?contract={MINE}")).text
    assert "Please &lt;b&gt;pay&lt;/b&gt;" in page
    assert "+431234" in page
    assert "the gateway is away" in page
    assert "a@b.example" not in page
    assert (
        "There is no contract nobody."
        in (await owner.get("/console/messages?contract=nobody")).text
    )
    page = (await owner.get("/console/notices")).text
    assert page.count("in GSM-7, 1 part") + page.count("in GSM-7, 2 parts") > 0
    for kind in KINDS:
        assert f'id="h-{kind}"' in page
    status, told = await counter.api("GET", "notices")
    assert status == 200
    assert len(told) == len(KINDS) * len(languages())


async def test_what_is_old_is_forgotten(counter):
    """What ended longer ago than the setting says is swept away; what waits stays."""
    await furnish(counter.house)
    await _sweep_messages(counter.house)
    assert await found(counter, "") == ["texted", "shown", "mailed", "waits"]
