"""The console without a browser: forms only from its own pages, live parts for a few."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime

import pytest
from lxml import html

from app.web import live
from app.web.console.drawing import count, moment, when
from app.web.console.words import age
from runtime.work import Parking

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def form_token(served) -> str:
    """The token of the forms, as a page of ours would show it."""
    async with served.house.store.begin() as tx:
        await served.house.work.mark(tx, "notify", ["ghost"])
    (claim,) = await served.house.work.claim("notify")
    async with served.house.store.begin() as tx:
        await served.house.work.park(tx, [Parking(claim=claim, error="no such notice")])
    _, page, _ = await served.raw("GET", "/console/")
    return html.fromstring(page.decode()).xpath("//input[@name='token']/@value")[0]


def release(token: str) -> bytes:
    """A filled-in form that lets the parked row go."""
    return f"token={token}&kind=notify&key=ghost".encode()


async def parked(house) -> int:
    """How many rows wait for a person."""
    async with house.store.read() as tx:
        ((found,),) = await tx.fetch("SELECT count(*) FROM work WHERE parked_at IS NOT NULL")
    return found


async def test_our_own_form_is_taken_and_leads_back(served):
    """A form of our page does its deed once and leads back to a page that says so once."""
    token = await form_token(served)
    headers = FORM | {"Origin": served.url, "Sec-Fetch-Site": "same-origin"}
    status, _, answered = await served.raw(
        "POST", "/console/parked/release", headers=headers, data=release(token)
    )
    assert status == 303
    assert await parked(served.house) == 0
    _, page, _ = await served.raw("GET", answered["Location"])
    assert "It is tried again." in page.decode()
    _, page, _ = await served.raw("GET", answered["Location"])
    assert "It is tried again." not in page.decode()


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
async def test_a_form_from_elsewhere_is_refused(served, headers):
    """Without a sign that our own page sent it, a form does nothing, even with the token."""
    token = await form_token(served)
    status, page, _ = await served.raw(
        "POST", "/console/parked/release", headers=FORM | headers, data=release(token)
    )
    assert status == 403
    assert "was not sent by our own page" in page.decode()
    assert await parked(served.house) == 1


async def test_a_form_without_the_token_is_refused(served):
    """A missing or wrong token is refused with the way to go on."""
    await form_token(served)
    headers = FORM | {"Origin": served.url, "Sec-Fetch-Site": "same-origin"}
    for token in ("", "0" * 64):
        status, page, _ = await served.raw(
            "POST", "/console/parked/release", headers=headers, data=release(token)
        )
        assert status == 403
        assert "reload" in page.decode()
    assert await parked(served.house) == 1


async def test_looking_changes_nothing(harbour, served):
    """No GET of the console writes anything."""
    paths = ["/console/", "/console/accounts", "/console/accounts/200001"]
    async with harbour.store.read() as tx:
        before = await tx.fetch("SELECT count(*), max(position) FROM log_entry")
        rows = await tx.fetch("SELECT kind, key, generation FROM work ORDER BY kind, key")
    for path in paths:
        assert (await served.raw("GET", path))[0] == 200
    async with harbour.store.read() as tx:
        assert await tx.fetch("SELECT count(*), max(position) FROM log_entry") == before
        again = await tx.fetch("SELECT kind, key, generation FROM work ORDER BY kind, key")
    assert again == rows


async def test_a_failure_is_a_page_for_people(served):
    """An unknown contract and a strange question get a page, with the right status."""
    for path, status in (
        ("/console/accounts/nosuch", 404),
        ("/console/nosuch", 404),
        ("/console/?nosuch=1", 400),
    ):
        found, page, answered = await served.raw("GET", path)
        assert found == status
        assert answered["Content-Type"] == "text/html; charset=utf-8"
        assert "Back to operations" in page.decode()


async def test_pages_hold_nothing_inline_and_nothing_foreign(harbour, served):
    """No inline script, style or handler, no address but our own: the policy needs no exception."""
    for path in ("/console/", "/console/accounts", "/console/accounts/200001"):
        _, page, _ = await served.raw("GET", path)
        document = html.fromstring(page.decode())
        assert document.xpath("//script[not(@src)] | //style | //*[@style]") == []
        assert document.xpath("//@*[starts-with(name(), 'on')]") == []
        for address in document.xpath("//@src | //@href | //@action"):
            assert re.match(r"/(console|static)/|#|/$", address), address
        assert all(
            form.xpath(".//input[@name='token']")
            for form in document.xpath("//form[@method='post']")
        )


async def read_events(answer, count_of: int) -> list[dict]:
    """Read so many parts from a stream."""
    found: list[dict] = []
    buffer = b""
    async with asyncio.timeout(10):
        while len(found) < count_of:
            buffer += await answer.content.readany()
            *whole, buffer = buffer.split(b"\n\n")
            found += [json.loads(e.split(b"data: ", 1)[1]) for e in whole if b"data: " in e]
    return found


async def test_a_page_gets_the_parts_it_asks_for(harbour, served):
    """A stream begins with every part asked for and goes on with those that changed."""
    url = f"{served.url}/console/events?parts=clock,drift,nosuch"
    async with served.session.get(url) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        first = await read_events(answer, 2)
        assert {event["part"] for event in first} == {"clock", "drift"}
        await served.api("POST", "clock/advance", {"by": "400d"})
        (then,) = await read_events(answer, 1)
        assert then["part"] == "clock"


async def test_only_so_many_may_watch(served, monkeypatch):
    """Beyond the limit a watcher is sent away and the others go on."""
    monkeypatch.setattr(served.site.console.live, "watchers_max", 1)
    url = f"{served.url}/console/events?parts=clock"
    async with served.session.get(url) as first:
        await read_events(first, 1)
        async with served.session.get(url) as second:
            assert second.status == 503
    for _ in range(100):
        async with served.session.get(url) as later:
            if later.status == 200:
                return
        await asyncio.sleep(0.05)
    pytest.fail("the place of one who left is never free again")


async def test_a_quiet_stream_says_that_it_lives(served, monkeypatch):
    """With nothing to tell, a sign of life is sent now and then."""
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.05)
    async with served.session.get(f"{served.url}/console/events?parts=drift") as answer:
        async with asyncio.timeout(10):
            while b": still here" not in await answer.content.readany():
                pass


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
    assert when(at, "Europe/Vienna") == "01 Apr 2040, 01:05"
    assert moment(at) == "31 Mar 23:05:06.007"
    assert count(12_345) == "12\u202f345"
