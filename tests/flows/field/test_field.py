"""The technician's day over real HTTP, with real boxes on a simulated rack."""

from __future__ import annotations

import asyncio
import re

from lxml import html

from app.desk import boxes, stock, visits
from app.desk.boxes import By
from app.identity.roles import Right
from app.web.field.pages import Field
from gateway.inventory import hostkeys, reviews
from gateway.inventory.reviews import CaseKind, Finding
from gateway.inventory.store import by_serial
from gateway.reads.progress import About, Mark, Stage
from tests.fixtures.store import ON_BOTH
from tests.flows.app.operator import contract_of
from tests.flows.app.served import at_work
from tests.flows.app.vans import page, sent
from tests.flows.field.phones import as_, bound, words


@ON_BOTH
async def test_a_box_is_registered_and_proves_itself(vans, served, tom):
    """Form, plausibility, deed, progress: green when the box was seen, dark until it is paid."""
    serial = vans.serials[0]
    job = await vans.open_job(1, "install", vans.tom)
    home = words((await tom.get("/field/")).text)
    assert "Install a box 1001 Household 1: ring twice" in home.replace(contract_of(1), "1001")
    assert serial in home
    form = await tom.get(page("register", job=job.id))
    assert "For Household 1" in words(form.text)
    seen = await tom.get(page("register", job=job.id, serial=serial))
    said = words(seen.text)
    assert f"Box {serial} Model RB-1" in said
    assert "It stays dark until the first payment: that is right." in said
    assert (await vans.progress(serial)).stage is Stage.AWAY
    done = await sent(tom, seen, "/field/register", place="living room")
    assert done.status == 303
    shown = words((await tom.get(done.location)).text)
    assert "Waiting for the box" in shown
    assert "Proven" not in shown
    async with at_work(vans.house):
        proven = await vans.until(serial, Stage.PROVEN)
        assert [line.about for line in proven.lines] == list(About)
        assert {line.mark for line in proven.lines} == {Mark.SEEN}
        assert all(line.at >= proven.bound_at for line in proven.lines)
        shown = words((await tom.get(done.location)).text)
        assert "Proven" in shown
        assert "dark, and that is right: nothing is paid yet" in shown
        assert "north knows it" in shown
        assert "Times of Europe/Vienna" in shown
        await vans.shop.pay_debt(1, "cash-1")
        await vans.shop.rest("intake", "settle", "compose")
        paid = await vans.until(serial, Stage.PROVEN)
        answers = {line.about: line.answer for line in paid.lines}
        assert (answers[About.PICTURE], answers[About.PACKAGES]) == ("active", "basic")
    held = (await vans.rack.aadmin(f"/state?serial={serial}"))["boxes"][0]
    assert (held["active"], held["packages"]) == (True, ["basic"])
    closed = await sent(tom, await tom.get(page("jobs/" + job.id)), f"/field/jobs/{job.id}/close")
    assert closed.location == "/field/?done=closed"
    assert "No open job" in words((await tom.get(closed.location)).text)


async def test_a_box_without_power_is_never_green(vans, served, tom):
    """The plug is pulled when the box has answered and not yet proven itself: the page says so,
    and turns green only when it has power again and was seen.
    """
    serial = vans.serials[0]
    await vans.faults({"name": "error", "argument": "77", "match": "SET"})
    async with at_work(vans.house):
        done = await bound(vans, tom, serial)
        await vans.until(serial, Stage.WAITING, "came to nothing")
        await vans.tamper(serial, "power_off")
        await vans.faults()
        await sent(tom, await tom.get(done.location), "/field/box/ask")
        off = await vans.until(serial, Stage.STUCK, "was it unplugged")
        assert off.lines[0].mark is Mark.SEEN
        shown = (await tom.get(done.location)).text
        assert "does no longer: was it unplugged" in words(shown)
        assert 'data-tone="good" data-stage' not in shown
        assert 'http-equiv="refresh"' in shown
        await vans.tamper(serial, "power_on")
        await sent(tom, await tom.get(done.location), "/field/box/ask")
        await vans.until(serial, Stage.PROVEN)
        shown = (await tom.get(done.location)).text
        assert 'data-tone="good" data-stage' in shown
        assert 'http-equiv="refresh"' not in shown


async def test_a_box_that_was_never_plugged_in_is_awaited(vans, served, tom):
    """Nothing is seen of it; each line says so, and the page says what is awaited."""
    serial = vans.serials[1]
    await vans.tamper(serial, "power_off")
    async with at_work(vans.house):
        done = await bound(vans, tom, serial)
        off = await vans.until(serial, Stage.WAITING, "up to 2 minutes to start")
    assert [line.mark for line in off.lines if line.about is not About.PORTAL] == [Mark.AWAITED] * 5
    assert [line.at for line in off.lines if line.about is not About.PORTAL] == [None] * 5
    assert "Awaited since" in words((await tom.get(done.location)).text)


async def test_a_box_of_a_dark_household_is_asked_at_once(vans, served, tom):
    """Where the portal was seen dark already, a new box has nothing to wait for."""
    async with at_work(vans.house):
        await vans.shop.come_to_rest()
        await bound(vans, tom, vans.serials[0])
        await vans.until(vans.serials[0], Stage.PROVEN)


async def test_a_key_that_does_not_fit_says_whom_to_ask(vans, served, tom):
    """Another host key than the pinned one: set aside, with its reason and what can be done."""
    serial = vans.serials[0]
    async with at_work(vans.house):
        done = await bound(vans, tom, serial)
        await vans.until(serial, Stage.PROVEN)
        await vans.tamper(serial, "new_host_key")
        await vans.tamper(serial, "reboot", key="k1")
        await sent(tom, await tom.get(done.location), "/field/box/ask")
        await vans.until(serial, Stage.STUCK, "Its key has changed")


async def test_a_changed_key_is_let_in_by_the_office_and_a_technician(vans, served, tom):
    """The shown key and the pinned one wait for a person; let in and registered again, it proves
    itself.
    """
    serial = vans.serials[0]
    async with at_work(vans.house):
        done = await bound(vans, tom, serial)
        await vans.until(serial, Stage.PROVEN)
        pinned = (await vans.house.logins.access(serial)).host_key
        await vans.tamper(serial, "new_host_key")
        await vans.tamper(serial, "reboot", key="k1")
        await sent(tom, await tom.get(done.location), "/field/box/ask")
        await vans.until(serial, Stage.STUCK, "Its key has changed")
        (case,) = (await served.api("GET", "reviews"))[1]["items"]
        shown = [word for word in case["reason"].split() if word.startswith("SHA256:")]
        assert (case["kind"], case["serial"], len(set(shown))) == ("host_key", serial, 2)
        assert shown[1] == hostkeys.fingerprint(pinned)
        await vans.bind(serial, 1)
        await vans.until(serial, Stage.STUCK, "Its key has changed")
        decision = {"id": case["id"], "resolution": "a new board", "forget_key": True}
        assert (await served.api("POST", "reviews/resolve", decision))[0] == 200
        await vans.bind(serial, 1)
        await vans.until(serial, Stage.PROVEN)
    assert hostkeys.fingerprint((await vans.house.logins.access(serial)).host_key) == shown[0]
    assert (await served.api("GET", "reviews"))[1]["items"] == []


async def test_sent_twice_it_is_one_deed(vans, served, tom):
    """A form that a phone sends again, or two at once, hands the box over once."""
    serial = vans.serials[0]
    seen = await tom.get(page("register", contract=contract_of(1), serial=serial))
    again = await asyncio.gather(*(sent(tom, seen, "/field/register") for _ in range(3)))
    assert {one.status for one in again} == {303}
    async with vans.house.store.read() as tx:
        found = await stock.story(vans.house, tx, serial)
    assert [line.action for line in found.lines].count("hand_over") == 1


@ON_BOTH
async def test_each_refusal_says_what_to_do(vans, served, tom):
    """Wrong digit, unknown, taken, elsewhere, lost, back, scrapped, wrong model: each says it."""
    house, by = vans.house, By(actor="test")
    first, other, third, last = vans.serials
    await vans.shop.sign_up(2)
    await vans.bind(first, 2)
    async with house.store.begin() as tx:
        await stock.move(house, tx, other, vans.ben.actor, by=by)
        await stock.lose(house, tx, third, actor="test")
        await boxes.hand_over(house, tx, last, contract_of(1), on=None, actor="test")
        await boxes.take_back(house, tx, last, actor="test")

    async def said(serial: str) -> str:
        seen = await tom.get(page("register", contract=contract_of(1), serial=serial))
        assert seen.status in {400, 403, 404, 409}
        (alert,) = html.fromstring(seen.text).xpath("//*[@role='alert']")
        return alert.text_content()

    wrong = first[:-2] + first[-1] + first[-2] if first[-1] != first[-2] else first[:-1] + "x"
    assert "check digit" in await said(wrong) or "other marks" in await said(wrong)
    assert "read the label again" in await said("SN999999")
    assert f"is with contract {contract_of(2)}" in await said(first)
    told = await said(other)
    assert "in stock at the van of Ben, not in yours: have it moved to you first" in told
    assert "is lost: note it as found first" in await said(third)
    assert "is back, not looked at: look at it and put it back in stock first" in await said(last)
    assert "no serial" in await said('{"wifi": "x"}')
    assert "compare the label" in await said(f'{{"sn": "{first}", "model": "HT-2"}}')
    async with house.store.begin() as tx:
        await stock.scrap(house, tx, last, actor="test")
    assert "take another one" in await said(last)
    seen = await tom.get(page("register", contract="nobody", serial=first))
    assert (seen.status, "There is no contract" in seen.text) == (404, True)


async def test_a_label_is_read_however_it_was_scanned(vans, served, tom):
    """A QR code with JSON or with a URL means the same box as its plain serial."""
    serial = vans.serials[0]
    for text in (
        f'{{"serial": "{serial}", "model": "RB-1"}}',
        f"https://example.net/b?sn={serial}",
        f" {serial[:4]} {serial[4:]} ",
    ):
        seen = await tom.get(page("register", contract=contract_of(1), serial=text))
        assert f"Box {serial} Model RB-1" in words(seen.text)


@ON_BOTH
async def test_a_swap(vans, served, tom):
    """The new one takes the old one's place and proves itself; the old one lies in the van."""
    old, new = vans.serials[:2]
    await vans.bind(old, 1)
    job = await vans.open_job(1, "swap", vans.tom)
    form = await tom.get(page("swap", job=job.id))
    assert old in form.text
    seen = await tom.get(page("swap", job=job.id, old=old, new=new))
    assert f"Old box {old}" in words(seen.text)
    done = await sent(tom, seen, "/field/swap", condition="damaged", note="fell down")
    assert done.status == 303, words(done.text)
    assert (await sent(tom, seen, "/field/swap", condition="damaged", note="x")).status == 303
    async with vans.house.store.read() as tx:
        found = await by_serial(tx, [old, new])
        lines = (await stock.story(vans.house, tx, old)).lines
    assert (found[old].state, found[old].place) == ("returned", vans.tom.actor)
    assert found[new].is_held
    swaps = [(line.condition, line.note) for line in lines if line.action == "swap"]
    assert swaps == [("damaged", "fell down")]
    async with at_work(vans.house):
        await vans.until(new, Stage.PROVEN)
    assert "back, not looked at" in words((await tom.get("/field/")).text)
    itself = await tom.get(page("swap", old=new, new=new))
    assert "scan the new one" in words(itself.text)


@ON_BOTH
async def test_a_return_closes_its_job(vans, served, tom):
    """Taken back into the van, in the words that were typed; the job is done by it, once."""
    serial = vans.serials[0]
    await vans.bind(serial, 1)
    job = await vans.open_job(1, "return", vans.tom)
    assert serial in (await tom.get(page("return", job=job.id))).text
    seen = await tom.get(page("return", job=job.id, serial=serial))
    assert "From Household 1" in words(seen.text)
    wrong = await sent(tom, seen, "/field/return", condition="wet")
    assert wrong.status == 400
    assert "'wet' is none of good, faulty, damaged, scrap" in words(wrong.text)
    for _ in range(2):
        done = await sent(tom, seen, "/field/return", condition="faulty", note=" no  cable ")
        assert (done.status, done.location) == (303, "/field/?done=returned")
    async with vans.house.store.read() as tx:
        found = await stock.story(vans.house, tx, serial)
    back = [(line.condition, line.note) for line in found.lines if line.action == "take_back"]
    assert back == [("faulty", "no cable")]
    assert found.progress.stage is Stage.AWAY
    late = await tom.get(page("return", serial=serial))
    assert (late.status, "no household has it" in late.text) == (409, True)
    assert (await tom.get(page("register", job=job.id))).status == 409


@ON_BOTH
async def test_nobody_sees_the_jobs_and_boxes_of_another(vans, served, tom):
    """Another one's job and boxes are not there, by whatever way; what is for anybody is taken."""
    serial, other = vans.serials[:2]
    await vans.bind(serial, 1)
    mine = await vans.open_job(1, "swap", vans.tom)
    free = await vans.open_job(1, "return")
    ben = await as_(served, "ben")
    await ben.get("/field/")
    for path in (
        page("jobs/" + mine.id),
        page("register", job=mine.id),
        page("swap", job=mine.id),
        page("return", job=mine.id),
        page("box", serial=serial),
        page("box", serial=other),
        page("box", serial="nobody-knows"),
        page("box/events", parts=serial),
    ):
        assert (await ben.get(path)).status == 404, path
    event = {"event": "e1"}
    for path, form in (
        (f"jobs/{mine.id}/take", {}),
        (f"jobs/{mine.id}/close", {}),
        ("box/ask", {"serial": serial}),
        ("register", {"serial": other, "contract": contract_of(1), "job": mine.id, **event}),
        ("return", {"serial": serial, "job": mine.id, **event}),
    ):
        assert (await ben.post(f"/field/{path}", **form)).status == 404, path
    assert (await vans.progress(serial)).stage is not Stage.AWAY
    assert mine.id not in (await ben.get("/field/")).text
    assert (await ben.get("/field/jobs")).status == 403
    assert (await ben.post("/field/stock/move", serial=other, place=vans.ben.actor)).status == 403
    took = await ben.post(f"/field/jobs/{free.id}/take")
    assert took.location == f"/field/jobs/{free.id}"
    assert (await tom.post(f"/field/jobs/{free.id}/take")).status == 404
    assert free.id not in (await tom.get("/field/")).text
    assert (await ben.get(page("box", serial=serial))).status == 200


async def test_the_owner_gives_jobs_and_boxes(vans, served, tom):
    """Opened, given, cancelled; a box goes into a van and, looked at, back in stock."""
    olga = await as_(served, "olga")
    seen = await olga.get("/field/jobs")
    given = {"kind": "install", "contract": contract_of(1), "assignee": vans.ben.actor}
    for _ in range(2):
        assert (await sent(olga, seen, "/field/jobs", **given)).status == 303
    jobs = words((await olga.get("/field/jobs?done=opened")).text)
    assert "The job is open." in jobs
    assert jobs.count("Install a box 1") == 1
    async with vans.house.store.read() as tx:
        (job,) = (await visits.work_of(tx, By(actor=vans.ben.actor, stock="x"))).mine
    assert (await tom.get(f"/field/jobs/{job.id}")).status == 404
    await olga.post(f"/field/jobs/{job.id}/assign", assignee=vans.tom.actor)
    assert (await tom.get(f"/field/jobs/{job.id}")).status == 200
    await olga.post(f"/field/jobs/{job.id}/cancel")
    assert "No open job" in words((await olga.get("/field/jobs")).text)
    wrong = await sent(olga, seen, "/field/jobs", **{**given, "contract": "x", "event": "e2"})
    assert (wrong.status, "There is no contract" in wrong.text) == (404, True)
    serial = vans.serials[0]
    moved = await olga.post("/field/stock/move", serial=serial, place=vans.ben.actor)
    assert moved.status == 303
    assert f"{serial} RB-1 the van of Ben" in words((await olga.get("/field/stock")).text)
    await vans.bind(vans.serials[1], 1)
    assert (await olga.get(page("box", serial=vans.serials[1]))).status == 200
    back = await olga.get(page("return", serial=vans.serials[1]))
    await sent(olga, back, "/field/return", condition="good")
    assert "to be looked at 1" in words((await olga.get("/field/stock")).text)
    await olga.post("/field/stock/restock", serial=vans.serials[1])
    assert "to be looked at 0" in words((await olga.get("/field/stock")).text)
    lost = await olga.post("/field/stock/move", serial="SN000001", place="warehouse")
    assert (lost.status, "take it back first" in lost.text) == (409, True)


async def test_a_job_nobody_opened_is_for_anybody(vans, served, tom):
    """A household without a box stands on the technician's page; he takes the job and, with the
    box handed over, it is done.
    """
    async with vans.house.store.begin() as tx:
        await boxes.take_back(vans.house, tx, "SN000001", actor="office")
    async with at_work(vans.house):
        await vans.shop.rest("settle", "compose")
        home = await tom.get("/field/")
        assert "Household 1: has 0 of 1 boxes" in words(home.text)
        (href,) = html.fromstring(home.text).xpath("//a[contains(@href, '/field/jobs/')]/@href")
        assert (await sent(tom, await tom.get(href), f"{href}/take")).status == 303
        job = href.rpartition("/")[2]
        assert (await bound(vans, tom, vans.serials[0], job=job)).status == 303
        await vans.shop.rest("settle", "compose")
    assert "done" in words((await tom.get(href)).text)
    assert "has 0 of 1 boxes" not in words((await tom.get("/field/")).text)


async def test_what_is_gone_is_noted_on_the_page_of_stock(vans, served, tom):
    """Lost, found, hurt beyond mending, written off: in the words somebody has chosen."""
    olga, serial = await as_(served, "olga"), vans.serials[0]
    await vans.bind(serial, 1)
    done = await olga.post("/field/stock/lost", serial=serial, note="moved out")
    assert done.location == "/field/stock?done=lost"
    shown = words((await olga.get(done.location)).text)
    assert "Noted as lost." in shown
    assert f"Lost 1 {serial} RB-1 {contract_of(1)} It was found" in shown
    back = await olga.get(page("return", serial=serial))
    assert "It is damaged beyond mending" in words(back.text)
    await sent(olga, back, "/field/return", condition="scrap", note="drowned")
    shown = words((await olga.get("/field/stock")).text)
    assert f"{serial} RB-1 scrap" in shown
    assert "Lost 0" in shown
    done = await olga.post("/field/stock/scrap", serial=serial)
    assert done.location == "/field/stock?done=scrapped"
    again = await olga.post("/field/stock/lost", serial=serial)
    assert (again.status, "take another one" in again.text) == (409, True)
    async with vans.house.store.read() as tx:
        lines = (await stock.story(vans.house, tx, serial)).lines
    assert [(line.action, line.condition, line.note) for line in lines[2:]] == [
        ("lose", None, "moved out"),
        ("find", "scrap", "drowned"),
        ("scrap", None, ""),
    ]
    assert (await tom.post("/field/stock/lost", serial=serial)).status == 403


async def test_a_finding_keeps_it_from_green(vans, served, tom):
    """Where the box has called itself another model since, the page says so and is not green."""
    serial = vans.serials[0]
    async with at_work(vans.house):
        await bound(vans, tom, serial)
        await vans.until(serial, Stage.PROVEN)
        house = vans.house
        why = f"box {serial} is registered as RB-1 and calls itself HT-2"
        finding = Finding(kind=CaseKind.OTHER_MODEL, serial=serial, reason=why)
        async with house.store.begin() as tx:
            await reviews.report(tx, [finding], house.clock.machine_now())
        doubted = await vans.until(serial, Stage.STUCK, "was another box plugged in")
        assert doubted.lines[1].answer == why


async def test_a_page_is_kept_fresh(vans, served, tom):
    """Who watches is told when the box answers; nobody else is let in, and a feed ends."""
    serial = vans.serials[0]
    served.site.field.watching.live._lasts_s = 0.0
    await bound(vans, tom, serial)
    cookies = {"Cookie": "; ".join(f"{name}={value}" for name, value in tom.cookies.items())}
    url = f"{served.url}{page('box/events', parts=serial)}"
    async with served.session.get(url, headers=cookies) as feed:
        assert feed.content_type == "text/event-stream"
        async with asyncio.timeout(20):
            assert await feed.read() == b""
    served.site.field.watching.live._lasts_s = 60.0
    async with served.session.get(url, headers=cookies) as feed, asyncio.timeout(20):
        told = b""
        while b"Waiting for the box" not in told:
            told += await feed.content.readany()
        async with at_work(vans.house):
            while b"Proven" not in told:
                told += await feed.content.readany()


async def test_every_page_of_the_field_asks_for_somebody(served):
    """Who works in the field, and who may move boxes where the office decides, with a camera."""
    routes = Field(served.site.phone).routes()
    office = {route.path for route in routes if route.policy is Right.MOVE_BOXES}
    assert all(re.match(r"/field/(jobs|stock|reviews)", path) for path in office)
    assert {route.policy for route in routes} == {Right.FIELD, Right.MOVE_BOXES}
    _, _, headers = await served.raw("GET", "/field/register")
    assert "camera=(self)" in headers["Permissions-Policy"]
    _, _, headers = await served.raw("GET", "/sign-in")
    assert "camera=()" in headers["Permissions-Policy"]


async def test_markup_is_shown_as_text(vans, served, tom):
    """What a name, a note or a scanned code holds is text on every page."""
    hostile = "<script>window.hit=1</script>"
    await vans.house.store.once("UPDATE customer SET name = ?", (hostile,))
    job = await vans.open_job(1, "install", vans.tom)
    for path in (
        "/field/",
        page("jobs/" + job.id),
        page("register", job=job.id),
        page("register", job=job.id, serial=vans.serials[0]),
        page("register", contract=hostile, serial=hostile),
        page("swap", old=hostile, new=hostile),
        page("return", serial=hostile),
    ):
        seen = await tom.get(path)
        assert hostile not in seen.text, path
