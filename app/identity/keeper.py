"""The door-keeper: proves who somebody is, keeps sign-ins, and slows down who guesses.

Nobody learns from it who exists: the answer, the work and the waiting are those of any name. Who
guesses cannot keep others out either: a browser that somebody has signed in with before has a pace
of its own, which no stranger uses up.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.identity import guesses, people, sign_ins
from app.identity.browser import named
from app.identity.guesses import Pace, Paces
from app.identity.passwords import Passwords
from app.identity.people import Person
from app.identity.sign_ins import Lasting, SignIn
from runtime.chance import Chance, new_id
from runtime.clock import Clock
from runtime.secrets import token_hash
from runtime.store import Store, Tx
from runtime.store.audit import Deed, record
from runtime.telemetry import counter, get_log
from terms.errors import DomainError, Forbidden

log = get_log()

TOKEN_BYTES = 32
SEEN_EVERY = timedelta(seconds=60)

# Of wrong guesses: a right one is given back.
OF_ONE = Pace(at_once=10, every=timedelta(minutes=5))
OF_AN_ADDRESS = Pace(at_once=12, every=timedelta(minutes=1))
OF_STRANGERS = Pace(at_once=15, every=timedelta(seconds=2))

_tries = counter("boxoffice_sign_in_tries", "Tries to sign in, by what came of them", "outcome")


class NotLetIn(Forbidden):
    """Name or password is wrong; which of them is nobody's business."""


class TooOften(DomainError):
    """Too many guesses; `wait_s` says when the next may be made."""

    def __init__(self, wait: timedelta) -> None:
        self.wait_s = max(1, round(wait.total_seconds()))
        told = f"{self.wait_s} s" if self.wait_s <= 60 else f"{-(-self.wait_s // 60)} minutes"  # noqa: PLR2004 - a minute
        super().__init__(f"too many tries: wait {told}, then try again")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What is brought to sign in. `browser` is what tells a known one, if it is one.

    Nothing of it is shown: people type passwords into the field for the name, too.
    """

    name: str = field(repr=False)
    password: str = field(repr=False)
    address: str
    browser: str = field(default="", repr=False)
    user_agent: str = ""
    former_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Let:
    """Somebody was let in: what the browser shall keep."""

    person: Person
    sign_in: SignIn
    token: str = field(repr=False)
    browser: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """Who makes a request. `form_token` has to come back in every form."""

    person: Person
    sign_in: SignIn
    form_token: str = field(repr=False)


class Keeper:
    """Lets people in and knows who is in. One per process; all it knows is in the database."""

    def __init__(
        self, store: Store, clock: Clock, chance: Chance, lasting: Lasting, passwords: Passwords
    ) -> None:
        self.store = store
        self.clock = clock
        self.chance = chance
        self.lasting = lasting
        self.passwords = passwords

    async def sign_in(self, given: Given) -> Let:
        """Let somebody in. Raises NotLetIn, or TooOften before anything is looked at."""
        now = self.clock.machine_now()
        name = given.name.strip().lower()
        async with self.store.read() as tx:
            found = await people.with_hash(tx, name)
            theirs = found[0].id if found else ""
            is_known = await sign_ins.is_known(tx, theirs, given.browser, now)
        paces = _of_own(theirs, given.browser) if is_known else _of_strangers(name, given.address)
        fits = await self.proves(given.password, found[1] if found else None, paces)
        if found is None or not fits:
            _tries.inc("wrong")
            log.info("person.not_let_in", address=given.address)
            raise NotLetIn("the name or the password is wrong")
        let = await self._let_in(given, *found, browser=given.browser if is_known else "")
        await self.was_right(paces)
        _tries.inc("let_in")
        log.info("person.signed_in", person=let.person.id, sign_in=let.sign_in.id)
        return let

    async def proves(self, password: str, kept: str | None, paces: Paces) -> bool:
        """Count a guess, then look whether it is right. Raises TooOften without a look.

        Who has to wait costs the database no write.
        """
        now = self.clock.machine_now()
        async with self.store.read() as tx:
            wait = await guesses.wait(tx, paces, now)
        if not wait:
            async with self.store.begin() as tx:
                wait = await guesses.take(tx, paces, now)
        if wait:
            _tries.inc("too_often")
            raise TooOften(wait)
        return await self.passwords.fits(password, kept)

    async def was_right(self, paces: Paces) -> None:
        """Give the guess back where others share the key, and make one's own keys fresh."""
        shared = {key: pace for key, pace in paces.items() if pace is not OF_ONE}
        async with self.store.begin() as tx:
            await guesses.give_back(tx, shared)
            await guesses.forget(tx, [key for key in paces if key not in shared])
        async with self.store.begin() as tx:
            await guesses.clean(tx, self.clock.machine_now())

    async def begin(self, tx: Tx, person: Person, *, label: str = "", browser: str = "") -> Let:
        """Make a sign-in for somebody who has proven who it is, always under a new token."""
        now = self.clock.machine_now()
        one = SignIn(
            id=new_id(now, self.chance),
            person_id=person.id,
            label=label,
            made_at=now,
            last_seen_at=now,
            ends_at=now + self.lasting.longest,
        )
        token = self.chance.token(TOKEN_BYTES)
        known = browser or self.chance.token(TOKEN_BYTES)
        await sign_ins.make_room(tx, person.id, now)
        await sign_ins.add(tx, one, token=token, browser=known)
        return Let(person=person, sign_in=one, token=token, browser=known)

    async def who(self, token: str) -> Here | None:
        """Tell whose sign-in it is, if it still is one, and note that it was used."""
        if not token:
            return None
        now = self.clock.machine_now()
        async with self.store.read() as tx:
            found = await sign_ins.find(tx, token)
        if found is None or not self.lasting.is_live(found[0], now):
            return None
        one, person = found
        if now - one.last_seen_at >= min(SEEN_EVERY, self.lasting.idle / 2):
            async with self.store.begin() as tx:
                await sign_ins.touch(tx, one.id, now)
        return Here(person=person, sign_in=one, form_token=form_token(token))

    async def is_in(self, here: Here) -> bool:
        """Tell whether somebody who was let in still is, and as the same; it is no use of it."""
        now = self.clock.machine_now()
        async with self.store.read() as tx:
            found = await sign_ins.by_id(tx, here.sign_in.id)
        if found is None or not self.lasting.is_live(found[0], now):
            return False
        return found[1].role == here.person.role

    async def sign_out(self, here: Here) -> None:
        """End a sign-in."""
        async with self.store.begin() as tx:
            now = self.clock.machine_now()
            await sign_ins.end(tx, [here.sign_in.id], now)
            await record(tx, [_deed(here.person, "person.sign_out", here.sign_in, now)])
        log.info("person.signed_out", person=here.person.id, sign_in=here.sign_in.id)

    async def _let_in(self, given: Given, person: Person, kept: str, *, browser: str) -> Let:
        """Make the sign-in, unless the password or its person went while it was checked."""
        anew = None
        if self.passwords.is_dated(kept):
            anew = await self.passwords.hash(given.password)
        now = self.clock.machine_now()
        async with self.store.begin() as tx:
            again = await people.with_hash(tx, person.name)
            if again is None or again[1] != kept:
                raise NotLetIn("the name or the password is wrong")
            if anew:
                await people.keep_hash(tx, person.id, anew)
            former = await sign_ins.find(tx, given.former_token)
            if former:
                await sign_ins.end(tx, [former[0].id], now)
            let = await self.begin(tx, person, label=named(given.user_agent), browser=browser)
            await record(tx, [_deed(person, "person.sign_in", let.sign_in, now)])
            return let


def _deed(person: Person, action: str, one: SignIn, now: datetime) -> Deed:
    """Word what somebody did with a sign-in of their own."""
    return Deed(at=now, actor=person.actor, action=action, subject=person.actor, after=one.label)


def form_token(token: str) -> str:
    """Give what has to come back in every form of a sign-in; it does not lead back to its token."""
    return hmac.new(token.encode(), b"form", hashlib.sha256).hexdigest()


def _of_own(person_id: str, browser: str) -> Paces:
    return {f"own:{token_hash(f'{browser} {person_id}')}": OF_ONE}


def _of_strangers(name: str, address: str) -> Paces:
    """Give the keys of a stranger. What was typed is not kept: it may be a password."""
    return {
        f"address:{address}": OF_AN_ADDRESS,
        "everybody": OF_STRANGERS,
        f"name:{token_hash(name)}": OF_ONE,
    }
