"""The first owner by a code that was shown once: it works once, and is void soon."""

from __future__ import annotations

import asyncio
import os
import pty
import re
from datetime import timedelta

import pytest

from app.identity import first, people
from app.settings import Settings
from app.wiring import build, closing
from runtime.store.audit import history
from tests.flows.app.process import environment
from tests.flows.app.product import BOXOFFICE
from tests.flows.app.served import serving
from tests.flows.app.visitor import PASSWORD, SIGN_IN, Visitor, added, hurry, named

FORM = {"name": "Olga", "display": "Olga", "password": PASSWORD, "again": PASSWORD}
WITHIN_S = 40.0


@pytest.fixture
async def house(sqlite_url, tmp_path, machine):
    """A fresh house whose machine time stands still until a test moves it."""
    settings = Settings(data_dir=tmp_path, database_url=sqlite_url)
    async with closing(build(settings, machine_now=machine)) as built:
        hurry(built)
        yield built


@pytest.fixture
async def served(house):
    """That house behind its web server."""
    async with serving(house) as one:
        yield one


async def test_the_code_makes_one_owner(house, served):
    """Who types it is owner and signed in; after that there is nothing to be set up."""
    visitor = Visitor(served)
    assert (await visitor.get("/set-up")).status == 404
    code = await served.site.first.offer()
    page = await visitor.get("/set-up")
    assert (page.status, code in page.text) == (200, False)
    seen = await visitor.post("/set-up", code=code, **FORM)
    assert (seen.status, seen.location) == (303, "/console/")
    assert seen.cookies[SIGN_IN]["secure"]
    assert (await visitor.get("/console/")).status == 200
    assert (await Visitor(served).post("/set-up", code=code, **FORM)).status == 404
    assert await served.site.first.offer() == ""
    olga = await named(house, "olga")
    async with house.store.read() as tx:
        (deed,) = await history(tx, olga.actor)
    assert (olga.role, deed.actor, deed.action) == ("owner", first.ACTOR, "person.add")


async def test_what_is_wrong_uses_nothing_up(served):
    """A slip, a weak password, a taken name and another site's form leave the code as it is."""
    code = await served.site.first.offer()
    await added(served.house, "tom", "technician")
    visitor = Visitor(served)
    for wrong, told in (
        ({"again": "another"}, "differ"),
        ({"password": "short", "again": "short"}, "at least 10 characters"),
        ({"name": "a b"}, "name: 2 to 40"),
        ({"name": "tom"}, "already"),
        ({"code": "x" * 16}, "not the code"),
    ):
        seen = await visitor.post("/set-up", **{"code": code, **FORM, **wrong})
        assert seen.status in {400, 403, 409}, wrong
        assert told in seen.text, wrong
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert (await visitor.post("/set-up", headers=elsewhere, code=code, **FORM)).status == 403
    plain = {"Sec-Fetch-Site": "same-origin", "X-Forwarded-Proto": "http"}
    assert (await visitor.post("/set-up", headers=plain, code=code, **FORM)).status == 403
    assert (await visitor.post("/set-up", code=code, **FORM)).status == 303


async def test_the_code_is_void_soon(house, served, machine):
    """After an hour, after a few wrong tries, and as soon as there is an owner."""
    visitor, form = Visitor(served), dict(FORM)
    code = await served.site.first.offer()
    machine.forward(timedelta(hours=1))
    assert (await visitor.post("/set-up", code=code, **form)).status == 404
    code = await served.site.first.offer()
    for _ in range(first.TRIES_MAX):
        assert (await visitor.post("/set-up", code="wrong", **form)).status == 403
    assert (await visitor.post("/set-up", code=code, **form)).status == 404
    code = await served.site.first.offer()
    await added(house, "otto", "owner")
    assert (await visitor.post("/set-up", code=code, **form)).status == 404
    async with house.store.read() as tx:
        assert [one.name for one in await people.listing(tx)] == ["otto"]


async def test_of_two_at_once_one_is_owner(house, served):
    """The same code typed twice at the same moment makes one owner."""
    code = await served.site.first.offer()
    forms = [{**FORM, "name": name} for name in ("olga", "otto")]
    seen = await asyncio.gather(
        *(Visitor(served).post("/set-up", code=code, **form) for form in forms)
    )
    assert sorted(one.status for one in seen) in ([303, 403], [303, 404])
    async with house.store.read() as tx:
        assert len(await people.listing(tx)) == 1


async def test_a_terminal_shows_the_code_and_nothing_writes_it_down(tmp_path):
    """Started at a terminal it shows the code; the log and the data folder do not hold it."""
    ours, theirs = pty.openpty()
    log = tmp_path / "serve.log"
    with log.open("wb") as told:
        process = await asyncio.create_subprocess_exec(
            *(BOXOFFICE, "serve", "--port", "0"),
            env=environment(data_dir=str(tmp_path / "data")),
            stdout=theirs,
            stderr=told,
        )
    os.close(theirs)
    try:
        async with asyncio.timeout(WITHIN_S):
            shown = b""
            while b"is ready" not in shown:
                shown += await asyncio.to_thread(os.read, ours, 4096)
    finally:
        process.terminate()
        await process.wait()
        os.close(ours)
    (code,) = re.findall(r"\n    (\S{16})\r?\n", shown.decode())
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert log in kept
    assert not any(code.encode() in path.read_bytes() for path in kept)
