"""The console without a browser: forms only from its own pages, live parts for a few."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from lxml import html

from app.identity import people
from app.web import live
from app.web.console.story import Moment, of_order
from app.web.console.words import age
from app.web.page.drawing import count, moment, when, written
from app.web.page.words import money
from gateway.provisioning.orders import Outcome, ServiceOrder
from runtime import log
from runtime.log import Entry
from runtime.store.audit import history
from runtime.work import Parking
from terms.ids import ServiceId, TargetName
from terms.money import Money
from tests.flows.app.visitor import Seen, Visitor, let_in

RELEASE = "/console/parked/release"
WITHIN_S = 45.0  # on a machine with better things to do


@pytest.fixture
async def owner(served):
    """The browser of an owner."""
    return await let_in(served)


async def set_aside(served) -> None:
    """Park a row of work."""
    async with served.house.store.begin() as tx:
        await served.house.work.mark(tx, "notify", ["ghost"])
    (claim,) = await served.house.work.claim("notify")
    async with served.house.store.begin() as tx:
        await served.house.work.park(tx, [Parking(claim=claim, error="no such notice")])


async def let_go(visitor: Visitor, headers=None, **more: str) -> Seen:
    """Send the form that lets the parked row go."""
    return await visitor.post(RELEASE, headers=headers, kind="notify", key="ghost", **more)


async def parked(house) -> int:
    """How many rows wait for a person."""
    async with house.store.read() as tx:
        ((found,),) = await tx.fetch("SELECT count(*) FROM work WHERE parked_at IS NOT NULL")
    return found


async def test_our_own_form_is_taken_and_leads_back(served, owner):
    """A form of our page does its deed once and leads back to a page that says so."""
    await set_aside(served)
    seen = await let_go(owner)
    assert seen.status == 303
    assert await parked(served.house) == 0
    assert "It is tried again." in (await owner.get(seen.location)).text
    assert "It is tried again." not in (await owner.get("/console/")).text
    await set_aside(served)
    seen = await let_go(owner, back="/console/work")
    assert seen.location.startswith("/console/work?said=")
    assert "It is tried again." in (await owner.get(seen.location)).text
    async with served.house.store.read() as tx:
        deed, _ = await history(tx, "notify:ghost")
        one = await people.find(tx, "owner")
    assert (deed.actor, deed.action) == (one.actor, "work.release")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_form_from_elsewhere_is_refused(served, owner, headers):
    """Without a sign that our own page sent it, a form does nothing, even with the token."""
    await set_aside(served)
    seen = await let_go(owner, headers)
    assert seen.status == 403
    assert "was not sent by our own page" in seen.text
    assert await parked(served.house) == 1


async def test_a_form_of_another_sign_in_is_refused(served, owner):
    """A missing token, a wrong one and that of another sign-in are refused, with the way on."""
    await set_aside(served)
    for token in ("", "0" * 64, (await let_in(served)).token):
        seen = await let_go(owner, token=token)
        assert seen.status == 403
        assert "reload" in seen.text
    assert await parked(served.house) == 1


async def test_a_page_has_the_buttons_of_a_role_alone(served):
    """A cashier sees what waits and has no button for it; support has one, and it works."""
    await set_aside(served)
    cashier, support = await let_in(served, "cashier"), await let_in(served, "support")
    page = (await cashier.get("/console/")).text
    assert "no such notice" in page
    assert RELEASE not in page
    assert 'href="/people"' not in page
    assert RELEASE in (await support.get("/console/")).text
    assert (await let_go(cashier)).status == 403
    assert await parked(served.house) == 1
    assert (await let_go(support)).status == 303
    assert await parked(served.house) == 0


async def test_looking_changes_nothing(harbour, owner):
    """No GET of the console writes anything."""
    paths = ["/console/", "/console/accounts", "/console/accounts/200001"]
    async with harbour.store.read() as tx:
        before = await tx.fetch("SELECT count(*), max(position) FROM log_entry")
        rows = await tx.fetch("SELECT kind, key, generation FROM work ORDER BY kind, key")
    for path in paths:
        assert (await owner.get(path)).status == 200
    async with harbour.store.read() as tx:
        assert await tx.fetch("SELECT count(*), max(position) FROM log_entry") == before
        again = await tx.fetch("SELECT kind, key, generation FROM work ORDER BY kind, key")
    assert again == rows


async def test_a_failure_is_a_page_for_people(owner):
    """An unknown contract and a strange question get a page, with the right status."""
    for path, status in (
        ("/console/accounts/nosuch", 404),
        ("/console/nosuch", 404),
        ("/console/?nosuch=1", 400),
    ):
        seen = await owner.get(path)
        assert seen.status == status
        assert seen.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "Back to operations" in seen.text


async def test_a_refused_form_leads_back_to_its_page(harbour, owner):
    """What is odd is named within the site, with its links; the way back is to our own pages."""
    page = "/console/accounts/200001"
    sent = {"Sec-Fetch-Site": "same-origin", "Referer": f"{owner.served.url}{page}?said=x"}
    await owner.get(page)
    for form, field, why in (
        ({"amount": "5", "reference": "4242 4242 4242 4242"}, "Reference", "payment card"),
        ({"amount": "x" * 99, "reference": "R"}, "Amount", "at most 20 characters"),
    ):
        seen = await owner.post(f"{page}/cash", headers=sent, once="k", **form)
        document = html.fromstring(seen.text)
        assert seen.status == 400
        assert document.xpath("//main//li/strong/text()") == [field]
        assert why in seen.text
        assert f'href="{page}"' in seen.text
        assert "/console/waiting" in document.xpath("//nav//a/@href")
        assert document.xpath("//form[@action='/sign-out']//input[@name='token']")
    seen = await owner.get("/console/dunning?days=abc", Referer="https://elsewhere.example/x")
    assert (seen.status, "elsewhere" in seen.text) == (400, False)
    assert "<strong>Days</strong>: Must be a whole number." in seen.text
    assert '<a class="button" href="/console/dunning">' in seen.text


async def test_pages_hold_nothing_inline_and_nothing_foreign(harbour, owner):
    """No inline script, style or handler, no address but our own: the policy needs no exception."""
    for path in ("/console/", "/console/accounts", "/console/accounts/200001"):
        document = html.fromstring((await owner.get(path)).text)
        assert document.xpath("//script[not(@src)] | //style | //*[@style]") == []
        assert document.xpath("//@*[starts-with(name(), 'on')]") == []
        for address in document.xpath("//@src | //@href | //@action"):
            assert re.match(r"/[a-z]|#", address), address
        assert all(
            form.xpath(".//input[@name='token']")
            for form in document.xpath("//form[@method='post']")
        )


async def read_events(answer, count_of: int) -> list[dict]:
    """Read so many parts from a stream."""
    found: list[dict] = []
    buffer = b""
    async with asyncio.timeout(WITHIN_S):
        while len(found) < count_of:
            buffer += await answer.content.readany()
            *whole, buffer = buffer.split(b"\n\n")
            found += [json.loads(e.split(b"data: ", 1)[1]) for e in whole if b"data: " in e]
    return found


@asynccontextmanager
async def watching(visitor: Visitor, parts: str):
    """Open the stream of somebody's page."""
    served = visitor.served
    cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    url = f"{served.url}/console/events?parts={parts}"
    async with served.session.get(url, headers={"Cookie": cookie}, allow_redirects=False) as answer:
        yield answer


async def test_a_page_gets_the_parts_it_asks_for(harbour, served, owner):
    """A stream begins with every part asked for and goes on with those that changed."""
    async with watching(owner, "clock,drift,nosuch") as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        first = await read_events(answer, 2)
        assert {event["part"] for event in first} == {"clock", "drift"}
        await served.api("POST", "clock/advance", {"by": "400d"})
        (then,) = await read_events(answer, 1)
        assert then["part"] == "clock"


async def test_each_reader_gets_the_buttons_of_their_own(served, owner):
    """Parts are drawn once for many; buttons and the token in them are those of the reader."""
    await set_aside(served)
    other, cashier = await let_in(served), await let_in(served, "cashier")
    found = []
    for reader in (owner, other, cashier):
        async with watching(owner, "parked") as first, watching(reader, "parked") as answer:
            await read_events(first, 1)
            (event,) = await read_events(answer, 1)
            found.append(event["html"])
    assert RELEASE not in found[2]
    assert owner.token in found[0]
    assert other.token in found[1]
    for drawn in found:
        assert "no such notice" in drawn
        assert served.site.console._token_mark not in drawn


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sign_in SET ended_at = 1",
        "UPDATE person SET disabled_at = 1",
        "UPDATE person SET role = 'technician'",
    ],
)
async def test_a_stream_ends_with_the_sign_in(served, owner, monkeypatch, change):
    """Whoever is signed out, shut out or of another role gets no more, and is not let in again."""
    monkeypatch.setattr(live, "ASK_EVERY_S", 0.1)
    async with watching(owner, "clock") as answer:
        await read_events(answer, 1)
        await served.house.store.once(change, ())
        async with asyncio.timeout(WITHIN_S):
            while await answer.content.readany():
                pass
    async with watching(owner, "clock") as answer:
        assert answer.status in {303, 403}


async def test_only_so_many_may_watch(served, owner, monkeypatch):
    """Beyond the limit a watcher is sent away and the others go on; who leaves makes room soon."""
    monkeypatch.setattr(live, "ASK_EVERY_S", 0.05)
    monkeypatch.setattr(live, "HEARTBEAT_S", 3_600.0)  # nothing is written to who has left
    watched = served.site.console.live
    monkeypatch.setattr(watched, "watchers_max", 1)
    async with watching(owner, "drift") as first:
        await read_events(first, 1)
        async with watching(owner, "drift") as second:
            assert second.status == 503
    async with asyncio.timeout(WITHIN_S):
        while watched.is_full:  # noqa: ASYNC110 - who leaves tells nobody
            await asyncio.sleep(0.01)
    async with watching(owner, "drift") as later:
        assert later.status == 200


async def test_a_quiet_stream_says_that_it_lives(owner, monkeypatch):
    """With nothing to tell, a sign of life is sent now and then."""
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.05)
    async with watching(owner, "drift") as answer, asyncio.timeout(WITHIN_S):
        while b": still here" not in await answer.content.readany():
            pass


async def test_the_first_page_is_short(harbour, owner):
    """A dozen of what happened stands there, the rest is folded; work that is not is one line."""
    at = datetime(2040, 3, 31, tzinfo=UTC)
    paid = json.dumps({"amount_minor": 100, "currency": "EUR", "account": "1"})
    facts = [
        Entry(id=f"f{n}", kind="payment.cleared", key="a", value=paid, at=at) for n in range(20)
    ]
    async with harbour.store.begin() as tx:
        await log.append(tx, facts)
    page = (await owner.get("/console/")).text
    newest, earlier = page.split('id="earlier"')
    one = re.compile('data-key="(log|order|notice):')
    assert len(one.findall(newest)) == 12
    assert one.search(earlier)
    queue = page.split('data-live-part="queue">')[1].split("</section>")[0]
    assert "Nothing of " in queue
    assert "notify" in queue
    assert '<th scope="row">notify' not in queue


def test_an_order_is_told_as_it_ended():
    """What was seen, what is under way and what was refused are three different sentences."""
    at = datetime(2040, 3, 31, tzinfo=UTC)

    def told(outcome: Outcome, **what: tuple[str, str]) -> Moment:
        order = ServiceOrder(
            id="o", service=ServiceId("s"), target=TargetName("north"), revision=1, what=what,
            outcome=outcome, cause="active", started_at=at, finished_at=at, error="it refuses",
        )  # fmt: skip
        return of_order(order, {})

    def text(outcome: Outcome, **what: tuple[str, str]) -> str:
        return told(outcome, **what).text

    account, enabled = {"account": ("missing", "present")}, {"enabled": ("no", "yes")}
    assert text(Outcome.DONE, **account) == "north knows the household"
    assert text(Outcome.DONE, **enabled) == "picture on at north"
    assert text(Outcome.DONE, tariff=("a", "b")) == "north was brought in line"
    for what in (account, enabled):
        assert text(Outcome.PENDING, **what) == "north is being brought in line"
        assert text(Outcome.PARKED, **what) == "north: it refuses"
    assert told(Outcome.DONE, **enabled).more == "picture off → on in 0 ms"
    for outcome in (Outcome.PENDING, Outcome.PARKED, Outcome.FAILED, Outcome.UNKNOWN):
        assert told(outcome, **enabled).more == "wished: picture off → on"


def test_words_for_people():
    """Ages, instants and counts are written shortly and the same everywhere."""
    at = datetime(2040, 3, 31, 23, 5, 6, 7800, tzinfo=UTC)
    assert [age(s) for s in (0.04, 9.96, 12, 61, 7300, 90_000, 200_000)] == [
        "0.0 s",
        "10.0 s",
        "12 s",
        "1 min",
        "2 h",
        "1 day",
        "2 days",
    ]
    assert when(at, "Europe/Vienna") == "1 Apr 2040, 01:05"
    assert moment(at, "Europe/Vienna") == "01 Apr 01:05:06.007"
    assert count(12_345) == "12,345"


def test_money_is_written_alike_on_every_page():
    """Commas stand between thousands, whatever the currency; a template needs no word for it."""
    for minor, currency, text in (
        (0, "EUR", "0.00 EUR"),
        (99_999, "EUR", "999.99 EUR"),
        (123_450, "EUR", "1,234.50 EUR"),
        (-1_234_567_890, "EUR", "-12,345,678.90 EUR"),
        (-50, "EUR", "-0.50 EUR"),
        (12_345, "JPY", "12,345 JPY"),
        (1_234_567, "KWD", "1,234.567 KWD"),
    ):
        assert money(Money(minor, currency)) == text
        assert str(Money(minor, currency)) == text.replace(",", "")
    assert written(Money(123_450, "EUR")) == "1,234.50 EUR"
    assert written("1234") == "1234"
