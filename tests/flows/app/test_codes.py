"""One-time codes and passwords of subscribers: what lets in, once, and what guessing comes to."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.identity import subscribers
from app.identity.codes import DIGITS, LASTS, TRIES_MAX, Asked, Codes, subscriber_code
from app.identity.door import Given, NotLetIn, TooOften
from app.settings import Settings
from app.wiring import build, closing
from messages.letters.store import letter
from runtime.store.audit import history
from tests.flows.app.guest import household, subscriber, with_password
from tests.flows.app.visitor import PASSWORD, hurry

CONTRACT, EMAIL = "200001", "Ann.Berg@harbour.example"
GUESSES = 120


class Caught:
    """What would go out by mail: whom a code was written to, and the code."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    async def __call__(self, _tx, one, code, _not_after) -> None:
        """Note it."""
        self.sent.append((one.contract, code))

    @property
    def last(self) -> str:
        """The code of the newest one."""
        return self.sent[-1][1]


@pytest.fixture
async def house(migrated_url, tmp_path, machine):
    """A house with one household, whose machine time stands still; on both databases."""
    settings = Settings(data_dir=tmp_path, database_url=migrated_url)
    async with closing(build(settings, machine_now=machine)) as built:
        hurry(built)
        await household(built, CONTRACT, EMAIL)
        yield built


@pytest.fixture
def caught():
    """The letters."""
    return Caught()


@pytest.fixture
def codes(house, caught):
    """Codes whose letters are caught."""
    return Codes(house.subscribers, house.sealer, caught)


def asked(name: str = CONTRACT, address: str = "192.0.2.9", browser: str = "") -> Asked:
    """Make a question for a code."""
    return Asked(name=name, address=address, browser=browser)


def given(code: str, name: str = "", address: str = "192.0.2.9") -> Given:
    """Bring a code, or a password."""
    return Given(name=name, password=code, address=address)


async def test_a_code_lets_in_once(house, codes, caught):
    """Whoever asked and read the letter is in, under the account; a second time nobody is."""
    ticket = await codes.ask(asked(EMAIL.upper()))
    assert [contract for contract, _ in caught.sent] == [CONTRACT]
    assert len(caught.last) == DIGITS
    let = await codes.sign_in(given(caught.last), ticket)
    assert let.person.contract == CONTRACT
    here = await house.subscribers.who(let.token)
    assert here is not None
    assert here.person == let.person
    assert await house.keeper.who(let.token) is None
    with pytest.raises(NotLetIn, match="over"):
        await codes.sign_in(given(caught.last), ticket)
    async with house.store.read() as tx:
        deeds = [one.action for one in await history(tx, let.person.actor)]
    assert sorted(deeds) == ["subscriber.code", "subscriber.sign_in"]


async def test_a_code_counts_where_it_was_asked_for_alone(codes, caught):
    """Two who ask have a code each; neither counts in the other's browser, and both count."""
    tickets = [await codes.ask(asked()) for _ in range(2)]
    first, second = (code for _, code in caught.sent)
    for code, ticket in ((first, tickets[1]), (second, tickets[0]), (first, "")):
        with pytest.raises(NotLetIn):
            await codes.sign_in(given(code), ticket)
    for code, ticket in ((first, tickets[0]), (second, tickets[1])):
        assert (await codes.sign_in(given(code), ticket)).person.contract == CONTRACT


async def test_a_code_is_over_after_its_minutes(house, codes, caught):
    """It counts until its last moment, and not then."""
    tickets = [await codes.ask(asked()) for _ in range(2)]
    house.clock.machine_now.forward(LASTS - timedelta(seconds=1))
    await codes.sign_in(given(caught.sent[0][1]), tickets[0])
    house.clock.machine_now.forward(timedelta(seconds=1))
    with pytest.raises(NotLetIn, match="over"):
        await codes.sign_in(given(caught.sent[1][1]), tickets[1])


async def test_too_many_wrong_tries_end_a_code(codes, caught):
    """The right one does not help then, and tries at one moment are no more than one by one."""
    ticket = await codes.ask(asked())
    many = [codes.sign_in(given(f"wrong-{n}"), ticket) for n in range(3 * TRIES_MAX)]
    told = [str(error) for error in await asyncio.gather(*many, return_exceptions=True)]
    assert sum("wrong" in one for one in told) == TRIES_MAX
    with pytest.raises(NotLetIn, match="over"):
        await codes.sign_in(given(caught.last), ticket)


async def test_of_two_who_bring_one_code_at_once_one_is_let_in(codes, caught):
    """It is used once, whoever is first."""
    ticket = await codes.ask(asked())
    both = [codes.sign_in(given(caught.last), ticket) for _ in range(2)]
    done = await asyncio.gather(*both, return_exceptions=True)
    assert sum(isinstance(one, NotLetIn) for one in done) == 1


async def test_who_cannot_be_reached_is_asked_like_anybody(house, codes, caught):
    """A stranger's name, no address, and one that two have: a ticket each, and no letter."""
    await household(house, "200002")
    for contract in ("200003", "200004"):
        await household(house, contract, "shared@harbour.example")
    for name in ("nobody", "200002", "shared@harbour.example", "", "a\0b", "x" * 200):
        ticket = await codes.ask(asked(name))
        with pytest.raises(NotLetIn, match="wrong"):
            await codes.sign_in(given("00000000"), ticket)
        house.clock.machine_now.forward(timedelta(hours=1))
    assert caught.sent == []


async def test_the_database_holds_no_code(house, codes, caught):
    """Of ticket and code it keeps keyed hashes alone."""
    ticket = await codes.ask(asked())
    async with house.store.read() as tx:
        kept = str([row._asdict() for row in await tx.rows(select(subscriber_code))])
    assert caught.last not in kept
    assert ticket not in kept


@pytest.mark.parametrize(
    ("locale", "word"), [("en", "Good day"), ("de-AT", "Guten Tag"), ("fr", "Good day")]
)
async def test_the_letter_is_written_in_the_subscribers_language(house, locale, word):
    """It waits sealed with its code, for as long as the code lasts, in the household's history."""
    async with house.store.begin() as tx:
        await tx.driver(f"UPDATE account SET locale = '{locale}'")
        one = await subscriber(tx, CONTRACT)
    ticket = await house.codes.ask(asked())
    async with house.store.read() as tx:
        (row,) = await tx.rows(select(letter))
        (kept,) = await house.letters.find(tx, [row.id])
    opened = house.letters.opened(kept)
    (code,) = re.findall(r"\d{4} \d{4}", opened.text)
    assert word in opened.text
    assert CONTRACT in opened.text
    assert (opened.to, opened.service) == (EMAIL, one.service)
    assert opened.not_after == house.clock.machine_now() + LASTS
    assert code not in str(row)
    let = await house.codes.sign_in(given(code.replace(" ", "")), ticket)
    assert let.person.contract == CONTRACT


async def test_an_address_that_no_mail_reaches_gets_no_letter(house):
    """Whoever asks for it is answered like anybody."""
    async with house.store.begin() as tx:
        await tx.driver("UPDATE customer SET email = 'ann@localhost'")
    await house.codes.ask(asked())
    async with house.store.read() as tx:
        assert await tx.rows(select(letter)) == []


async def looked_at(codes, house, ask) -> int:
    """Guess, asking for another code whenever one is over; count what was looked at."""
    count, ticket = 0, ""
    for n in range(GUESSES):
        with pytest.raises(NotLetIn) as refused:
            await codes.sign_in(given(f"{n:08}"), ticket)
        if "wrong" in str(refused.value):
            count += 1
            continue
        with suppress(TooOften):
            ticket = await codes.ask(ask(n))
    return count


async def test_many_guesses_at_one_subscriber_are_hardly_tried(house, codes, caught):
    """By contract and by e-mail, from one address or many; a name nobody has is treated alike."""

    def from_many(n: int) -> Asked:
        return asked((CONTRACT, EMAIL)[n % 2], address=f"198.51.100.{n % 250}")

    await looked_at(codes, house, from_many)
    assert len(caught.sent) <= 3
    assert 0 < len(caught.sent) * TRIES_MAX < 20
    house.clock.machine_now.forward(timedelta(days=1))
    for name in (CONTRACT, "nobody"):
        assert 0 < await looked_at(codes, house, lambda _, name=name: asked(name)) < 20
        house.clock.machine_now.forward(timedelta(days=1))


async def test_many_guesses_at_a_password_are_hardly_tried(house):
    """Under both names together; and the password itself lets in again later."""
    await with_password(house, CONTRACT, PASSWORD)
    tried = 0
    looked = house.subscribers.passwords.fits

    async def fits(password: str, kept: str | None) -> bool:
        nonlocal tried
        tried += kept is not None
        return await looked(password, kept)

    house.subscribers.passwords.fits = fits
    for n in range(GUESSES):
        name = (CONTRACT, EMAIL)[n % 2]
        with pytest.raises((NotLetIn, TooOften)):
            await house.subscribers.sign_in(given(f"guess-{n}", name, f"198.51.{n % 250}.1"))
    assert 0 < tried < 20
    house.clock.machine_now.forward(timedelta(days=1))
    let = await house.subscribers.sign_in(given(PASSWORD, EMAIL))
    assert let.person.contract == CONTRACT


async def test_without_a_password_none_fits(house):
    """Before a subscriber has set one no text lets in, an empty one neither."""
    for password in ("", PASSWORD, "None"):
        with pytest.raises(NotLetIn):
            await house.subscribers.sign_in(given(password, CONTRACT))


async def test_nobody_is_kept_out_by_a_stranger(house, codes, caught):
    """While strangers wait, a browser that was let in before is sent a code."""
    ticket = await codes.ask(asked())
    let = await codes.sign_in(given(caught.last), ticket)
    await looked_at(codes, house, lambda n: asked(address=f"198.51.100.{n % 250}"))
    with pytest.raises(TooOften):
        await codes.ask(asked(address="203.0.113.5"))
    ticket = await codes.ask(asked(address="203.0.113.5", browser=let.browser))
    assert (await codes.sign_in(given(caught.last), ticket)).person.contract == CONTRACT


async def test_a_code_that_was_only_just_read_proves_who_it_is(house, codes, caught):
    """For a quarter of an hour, and of its own sign-in alone."""
    lets = []
    for _ in range(2):
        ticket = await codes.ask(asked())
        lets.append(await codes.sign_in(given(caught.last), ticket))
    async with house.store.begin() as tx:
        one = await subscribers.by_id(tx, lets[0].person.id)
        other = await house.subscribers.begin(tx, one)
    async with house.store.read() as tx:
        assert [await codes.proves(tx, let.sign_in.id) for let in (*lets, other)] == [
            True,
            True,
            False,
        ]
        house.clock.machine_now.forward(timedelta(minutes=16))
        assert not await codes.proves(tx, lets[0].sign_in.id)
