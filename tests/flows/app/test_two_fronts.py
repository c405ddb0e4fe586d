"""Two web processes on one database: whichever is asked, a browser or a program notices nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from app.identity.guesses import guess
from app.settings import Settings
from app.wiring import build, closing
from tests.fixtures.clock import HastyMachine
from tests.flows.app.served import Served, serving
from tests.flows.app.visitor import Visitor, let_in

FORM = {"kind": "notify", "key": "n1"}
TOLD = "It was no longer parked."

pytestmark = pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True)


@pytest.fixture
def machine() -> HastyMachine:
    """The time of both, of which a test may skip some."""
    return HastyMachine()


@pytest.fixture
async def fronts(
    migrated_url: str, tmp_path: Path, machine: HastyMachine
) -> AsyncIterator[tuple[Served, Served]]:
    """Two houses that share a database and a master key, each behind a web server of its own."""
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(2):
            settings = Settings(data_dir=tmp_path, database_url=migrated_url, api_calls_per_s=0.01)
            house = await stack.enter_async_context(closing(build(settings, machine_now=machine)))
            made.append(await stack.enter_async_context(serving(house)))
        yield made[0], made[1]


def at(front: Served, visitor: Visitor) -> Visitor:
    """Give the same browser, led to another front by the proxy."""
    return Visitor(front, cookies=visitor.cookies, token=visitor.token)


async def test_a_form_sent_to_one_is_told_by_the_other(fronts):
    """What the form has to say comes with the browser, for a minute, and to nobody else."""
    one, other = fronts
    owner, stranger = await let_in(one), await let_in(one, "support")
    location = (await owner.post("/console/parked/release", **FORM)).location
    assert TOLD in (await at(other, owner).get(location)).text
    assert TOLD in (await owner.get(location)).text
    assert TOLD not in (await at(other, stranger).get(location)).text
    forged = await owner.get(f"{location[:-4]}AAAA")
    assert (forged.status, TOLD in forged.text) == (200, False)
    assert (await owner.get("/console/?said=v1.k.AAAA.AAAA")).status == 200


async def test_what_a_form_has_to_say_is_soon_over(fronts, machine):
    """An address that is kept says nothing any more when its minute is over."""
    one, _ = fronts
    owner = await let_in(one)
    location = (await owner.post("/console/parked/release", **FORM)).location
    machine.forward(timedelta(minutes=1, seconds=1))
    assert TOLD not in (await owner.get(location)).text


async def test_a_token_has_one_pace_at_both(fronts):
    """Its one call of a hundred seconds made here, it has none left there, nor here."""
    one, other = fronts
    headers = {"Authorization": f"Bearer {one.token}"}
    asked = [
        (await front.raw("GET", "/api/v1/work", headers=headers))[0] for front in (one, other, one)
    ]
    assert asked == [200, 429, 429]


async def test_an_agreed_pace_is_not_written_for_each_call(fronts):
    """A process takes the right to many calls at once; the next are made without the database."""
    one, _ = fronts
    one.house.settings = one.house.settings.model_copy(update={"api_calls_per_s": 100.0})
    async with serving(one.house) as quick:
        kept = set()
        for _ in range(20):
            assert (await quick.api("GET", "work"))[0] == 200
            async with one.house.store.read() as tx:
                kept |= {row.fresh_at for row in await tx.rows(select(guess.c.fresh_at))}
    assert len(kept) == 1
