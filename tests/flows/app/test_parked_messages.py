"""Money that fits nobody: kept, shown wherever parked work is shown, and taken up when it fits."""

from __future__ import annotations

import json

import pytest

from tests.flows.app.paying import SECRET, cleared, signed
from tests.flows.app.process import command
from tests.flows.app.served import at_work, rest
from tests.flows.app.visitor import let_in

HOOK = "/hooks/payments/cards"
NEWCOMER = {"contract": "300001", "name": "Flat 1, Pier Road", "plan": "HARBOUR", "bill_day": 1}
WHY = "26.40 EUR of pi_early belongs to no account"


@pytest.fixture
async def harbour(harbour):
    """The demonstration's operator, whose boxes nobody asks: nobody has told how to reach them."""
    await harbour.store.once("UPDATE target SET enabled = ? WHERE models <> '[]'", (False,))
    return harbour


async def heard(harbour, served, body: bytes) -> None:
    """Have a message delivered and looked at."""
    status, _, _ = await served.raw("POST", HOOK, data=body, headers=signed(body))
    assert status == 200
    await worked(harbour)


async def worked(harbour) -> None:
    """Let billing do its work; the portal is not there."""
    async with at_work(harbour):
        await rest(harbour, "intake", "settle", "compose")


async def listed(served) -> list[dict[str, object]]:
    """What the API shows as set aside."""
    status, parked = await served.api("GET", "parked")
    assert status == 200
    return parked["items"]


async def test_money_of_nobody_is_shown_everywhere(harbour, served):
    """The console, the API, the CLI and the doctor show what came in for an unknown account."""
    await heard(harbour, served, cleared("300001", 2640, event="evt_early", charge="pi_early"))
    (mine,) = await listed(served)
    assert (mine["kind"], mine["reference"], mine["reason"]) == ("intake", "cards evt_early", WHY)
    assert mine["releasable"]
    page = (await (await let_in(served)).get("/console/")).text
    assert WHY in page
    assert "evt_early" in page
    assert f'name="key" value="{mine["key"]}"' in page
    settings = harbour.settings
    url = {"data_dir": str(settings.data_dir), "database_url": settings.database_url}
    _, output, _ = await command("parked", "list", settings=url)
    assert WHY in output
    assert "cards evt_early" in output
    _, output, _ = await command("doctor", settings=url)
    assert "BAD  parked work: 1 wait for a person" in output


async def test_money_of_nobody_is_booked_once_it_fits(harbour, served):
    """Tried again it is set aside again, until its account is there; then it pays, once."""
    await heard(harbour, served, cleared("300001", 2640, event="evt_early", charge="pi_early"))
    (mine,) = await listed(served)
    release = {"kind": "intake", "key": mine["key"]}
    assert await served.api("POST", "parked/release", release) == (200, {"count": 1})
    assert await listed(served) == []
    await worked(harbour)
    assert await listed(served) == [mine]
    assert (await served.api("POST", "accounts", NEWCOMER))[0] == 201
    assert await served.api("POST", "parked/release", release) == (200, {"count": 1})
    assert await served.api("POST", "parked/release", release) == (200, {"count": 0})
    await worked(harbour)
    assert await listed(served) == []
    _, account = await served.api("GET", "accounts/300001")
    assert [one["amount"]["amount_minor"] for one in account["payments"]] == [2640]
    async with harbour.store.read() as tx:
        deeds = await tx.fetch("SELECT action, subject FROM audit WHERE actor = 'api:first'")
    assert ("work.release", f"intake:{mine['key']}") in deeds


async def test_a_message_that_cannot_be_read_is_shown_without_its_content(harbour, served):
    """What a provider signed and we cannot read is set aside with the reason, and no secret."""
    event = json.loads(cleared("200001", 2640, event="evt_odd", charge="pi_odd"))
    event["data"]["object"]["amount_received"] = "much"
    event["data"]["object"]["metadata"]["note"] = SECRET
    await heard(harbour, served, json.dumps(event).encode())
    (mine,) = await listed(served)
    assert (mine["reference"], mine["reason"]) == (
        "cards evt_odd",
        "amount_received: is not an amount",
    )
    page = (await (await let_in(served)).get("/console/")).text
    assert "evt_odd" in page
    assert SECRET not in page + json.dumps(mine)
