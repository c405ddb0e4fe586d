"""What the office sees and decides: what came back, vans, jobs, what is to be reviewed."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from lxml import html

from app.desk import boxes, stock
from app.desk.boxes import Back, By
from app.identity import deeds
from gateway.inventory import reviews
from gateway.inventory.reviews import CaseKind, Finding
from gateway.inventory.serials import SerialCheck, meant
from gateway.inventory.store import by_serial
from terms.facts import Condition
from tests.fixtures.store import ON_BOTH
from tests.flows.app.operator import contract_of
from tests.flows.app.vans import page, sent
from tests.flows.app.visitor import let_in
from tests.flows.field.phones import alert, as_, words

WAITING = "/console/waiting"


@pytest.fixture
async def olga(served):
    """The owner Olga, signed in."""
    return await as_(served, "olga")


@ON_BOTH
async def test_what_came_back_says_from_where(vans, served, olga):
    """How it is, from which contract, when, by whom, with which words; then it goes on or is gone.

    A box that came back by a swap, and was moved since, says so, too.
    """
    first, old, new = vans.serials[:3]
    await vans.bind(first, 1)
    await vans.bind(old, 1)
    house, by = vans.house, By(actor=vans.tom.actor)
    damaged = Back(condition=Condition.DAMAGED, note="fell down")
    async with house.store.begin() as tx:
        await boxes.take_back(house, tx, first, actor=vans.tom.actor, back=damaged)
        await boxes.swap(house, tx, old, new, by=by)
        await stock.move(house, tx, old, "warehouse", by=by)
    seen = await olga.get("/field/stock")
    rows = html.fromstring(seen.text).xpath("//section[@aria-labelledby='h-back']//li")
    told = {serial: row for row in rows for serial in (first, old) if serial in row.text_content()}
    assert "damaged" in words(html.tostring(told[first]).decode())
    for serial, note in ((first, ": fell down"), (old, "")):
        said = words(html.tostring(told[serial]).decode())
        assert f", from {contract_of(1)}, " in said
        assert f", by Tom{note}" in said
        buttons = [one.text_content() for one in told[serial].xpath(".//button")]
        assert buttons == ["Back in stock", "Write off"]
    assert (await olga.post("/field/stock/scrap", serial=first)).status == 303
    assert (await olga.post("/field/stock/restock", serial=old)).status == 303
    async with house.store.read() as tx:
        found = await by_serial(tx, [first, old])
    assert [found[one].state for one in (first, old)] == ["scrapped", "in_stock"]


async def test_the_van_of_somebody_who_is_let_in_no_more_is_seen(vans, served, olga):
    """What lies in it is shown and moved from there; nothing is moved there any more."""
    serial = vans.serials[0]
    async with vans.house.store.begin() as tx:
        await deeds.disable(vans.house.keeper, tx, vans.tom, "test")
    seen = html.fromstring((await olga.get("/field/stock")).text)
    to, at = (seen.xpath(f"//select[@id='{one}']")[0].text_content() for one in ("place", "at"))
    assert ("the van of Tom" in to, "the van of Tom" in at) == (False, True)
    his = await olga.get(page("stock", place=vans.tom.actor))
    assert serial in his.text
    assert (await olga.post("/field/stock/move", serial=serial, place="ben")).status == 303
    refused = await olga.post("/field/stock/move", serial=serial, place="tom")
    assert (refused.status, "no longer let in" in alert(refused)) == (400, True)


async def test_a_job_goes_to_somebody_and_back_to_anybody(vans, served, olga, tom):
    """A job for anybody stands at anybody; given and given back it is for anybody again."""
    job = await vans.open_job(1, "swap")

    def chosen(text: str) -> str:
        (select,) = html.fromstring(text).xpath(f"//select[@id='a-{job.id}']")
        return str(select.value)

    assert chosen((await olga.get("/field/jobs")).text) == ""
    await olga.post(f"/field/jobs/{job.id}/assign", assignee="tom")
    assert chosen((await olga.get("/field/jobs")).text) == vans.tom.actor
    await olga.post(f"/field/jobs/{job.id}/assign", assignee="")
    assert chosen((await olga.get("/field/jobs")).text) == ""
    assert (await olga.post(f"/field/jobs/{job.id}/assign", assignee="bne")).status == 400
    hidden = {"kind": "swap", "contract": contract_of(1), "event": "e9", "note": "ring \u202etwice"}
    assert (await olga.post("/field/jobs", **hidden)).status == 400
    await vans.house.store.once("UPDATE customer SET phone = ?", ("+43 (1) 555-0101",))
    seen = html.fromstring((await tom.get(f"/field/jobs/{job.id}")).text)
    assert seen.xpath("//a[starts-with(@href, 'tel:')]/@href") == ["tel:+4315550101"]


async def test_the_serial_that_was_meant_is_one_touch_away(vans, served, tom, olga):
    """Where two digits were exchanged, a link takes the right serial; all else stays as it was."""
    slips = [
        (one, one[:at] + one[at + 1] + one[at] + one[at + 2 :])
        for one in vans.serials
        for at in range(2, len(one) - 1)
    ]
    serial, wrong = next(
        (right, slip)
        for right, slip in slips
        if meant(slip, prefix="RB", check=SerialCheck.LUHN) == right
    )
    new = next(one for one in vans.serials if one != serial)
    for visitor, path, name, kept in (
        (tom, page("register", contract=contract_of(1), serial=wrong), "serial", "contract"),
        (tom, page("return", serial=wrong), "serial", ""),
        (tom, page("swap", old=wrong, new=new), "old", "new"),
    ):
        seen = await visitor.get(path)
        (href,) = html.fromstring(seen.text).xpath(f"//a[text()='Take {serial}']/@href")
        given = parse_qs(urlsplit(href).query)
        assert given[name] == [serial]
        assert not kept or kept in given
        assert (await visitor.get(href)).status == (200 if name == "serial" and kept else 409)
    seen = await olga.post("/field/stock/move", serial=wrong, place="warehouse")
    (href,) = html.fromstring(seen.text).xpath(f"//a[text()='Take {serial}']/@href")
    assert f'value="{serial}"' in (await olga.get(href)).text


@ON_BOTH
async def test_what_boxes_show_is_reviewed_on_a_page(vans, served, olga, tom):
    """The owner reads what was found and what to do, and settles it; the console counts it."""
    serial = vans.serials[0]
    await vans.bind(serial, 1)
    house = vans.house
    found = [
        Finding(kind=kind, serial=serial, reason=f"{kind} of box {serial}")
        for kind in (CaseKind.OTHER_MODEL, CaseKind.HOST_KEY)
    ]
    async with house.store.begin() as tx:
        await reviews.report(tx, found, house.clock.machine_now())
    await house.logins.pin(serial, "ssh-ed25519 AAAA")
    settle = f"{WAITING}/resolve"
    assert (await tom.get(WAITING)).status == 403
    assert (await tom.post(settle, id="x", resolution="y")).status == 403
    seen = await olga.get(WAITING)
    assert "Another model" in seen.text
    assert contract_of(1) in seen.text
    empty = await olga.post(settle, id=f"other_model:{serial}", resolution=" ")
    assert "resolution" in (await olga.get(empty.location)).text
    done = await olga.post(settle, id=f"other_model:{serial}", resolution="a typo")
    assert f"Box {serial}: it is settled." in (await olga.get(done.location)).text
    console = (await olga.get("/console/")).text
    assert 'href="/console/waiting"' in console
    assert "1 to review" in console
    listed = (await olga.get(WAITING)).text
    assert "Another key" in listed
    assert "Another model" not in listed
    assert settle in listed
    cashier = await let_in(served, "cashier")
    assert settle not in (await cashier.get(WAITING)).text
    key = {"id": f"host_key:{serial}", "resolution": "a new board", "forget_key": "yes"}
    assert (await olga.post(settle, **key)).status == 303
    assert (await house.logins.access(serial)).host_key == ""
    assert "Nothing is to be reviewed" in (await olga.get(WAITING)).text
    assert (await sent(olga, await olga.get("/me"), "/sign-out")).status == 303
