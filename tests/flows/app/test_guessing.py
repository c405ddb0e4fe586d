"""Who guesses passwords gets few tries, and keeps nobody else out; on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta

import pytest

from app.identity.door import Given, NotLetIn, TooOften
from app.identity.keeper import OF_ONE
from app.settings import Settings
from app.wiring import build, closing
from tests.flows.app.served import serving
from tests.flows.app.visitor import PASSWORD, Visitor, added, hurry

GUESSES = 120


@pytest.fixture
async def house(migrated_url, tmp_path, machine):
    """A house with somebody in it, whose machine time stands still."""
    settings = Settings(data_dir=tmp_path, database_url=migrated_url)
    async with closing(build(settings, machine_now=machine)) as built:
        hurry(built)
        await added(built, "olga", "owner")
        yield built


async def tried(house, all_given: Iterable[Given]) -> int:
    """Guess, and count what was looked at."""
    count = 0
    for given in all_given:
        try:
            await house.keeper.sign_in(given)
        except NotLetIn:
            count += 1
        except TooOften:
            continue
    return count


def guess(n: int, *, name: str = "olga", address: str = "192.0.2.9") -> Given:
    """Make one wrong guess."""
    return Given(name=name, password=f"guess-{n}", address=address)


async def test_many_guesses_at_one_name_are_hardly_tried(house):
    """However many addresses they come from, and a name nobody has is treated alike."""
    for name in ("olga", "nobody"):
        many = (guess(n, name=name, address=f"198.51.100.{n % 250}") for n in range(GUESSES))
        assert 0 < await tried(house, many) < 20
        house.clock.machine_now.forward(timedelta(hours=1))


async def test_many_names_from_one_address_are_hardly_tried(house):
    """One address has a pace of its own, whichever names it tries."""
    assert 0 < await tried(house, (guess(n, name=f"name{n}") for n in range(GUESSES))) < 20


async def test_many_names_from_many_addresses_are_hardly_tried(house):
    """All strangers together have one, too."""
    many = (guess(n, name=f"name{n}", address=f"2001:db8:{n:x}::/64") for n in range(GUESSES))
    assert 0 < await tried(house, many) < 20


async def test_guesses_at_the_same_moment_are_counted_before_they_are_looked_at(house):
    """Forty at once are no more than ten one after the other."""
    alike = [tried(house, [guess(n, address=f"198.51.100.{n}")]) for n in range(40)]
    assert 0 < sum(await asyncio.gather(*alike)) <= OF_ONE.at_once


async def test_nobody_is_kept_out_by_a_stranger(house):
    """While strangers wait, a browser that was signed in with before lets its person in."""
    async with serving(house) as served:
        known = Visitor(served)
        await known.sign_in("olga")
        await known.post("/sign-out")
        await tried(
            house, (guess(n, name=f"name{n}", address=f"198.51.100.{n}") for n in range(99))
        )
        await tried(house, (guess(n) for n in range(99)))
        stranger = Visitor(served, address="203.0.113.5")
        seen = await stranger.sign_in("olga")
        assert (seen.status, "wait" in seen.text) == (429, True)
        assert int(seen.headers["Retry-After"]) >= 1
        assert (await known.sign_in("olga")).status == 303
        house.clock.machine_now.forward(timedelta(hours=1))
        assert (await stranger.sign_in("olga")).status == 303


async def test_a_known_browser_has_a_pace_too(house):
    """Whoever has the phone of somebody guesses no faster; a browser revoked is a stranger's."""
    async with serving(house) as served:
        phone = Visitor(served)
        await phone.sign_in("olga")
        statuses = [(await phone.sign_in("olga", f"guess-{n}")).status for n in range(15)]
        assert statuses == [400] * OF_ONE.at_once + [429] * (15 - OF_ONE.at_once)
        assert (await Visitor(served).sign_in("olga")).status == 303


async def test_a_right_one_makes_the_wrong_ones_forgotten(house):
    """Who mistypes now and then never waits: what was right is not counted."""
    async with serving(house) as served:
        for _ in range(4):
            one = Visitor(served)
            for n in range(OF_ONE.at_once - 1):
                house.clock.machine_now.forward(timedelta(minutes=1))
                assert (await one.sign_in("olga", f"guess-{n}")).status == 400
            assert (await one.sign_in("olga")).status == 303


async def test_the_present_password_cannot_be_guessed_by_a_borrowed_phone(house):
    """The form that changes a password slows down like the door does."""
    async with serving(house) as served:
        one = Visitor(served)
        await one.sign_in("olga")
        form = {"new": "nine-blue-lanterns", "again": "nine-blue-lanterns"}
        statuses = [
            (await one.post("/me/password", current=f"guess-{n}", **form)).status for n in range(15)
        ]
        assert statuses == [400] * OF_ONE.at_once + [429] * (15 - OF_ONE.at_once)
        assert (await one.post("/me/password", current=PASSWORD, **form)).status == 429
