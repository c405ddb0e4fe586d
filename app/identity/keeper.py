"""The door-keeper: proves who somebody is, keeps sign-ins, and slows down who guesses.

Nobody learns from it who exists: the answer, the work and the waiting are those of any name. Who
guesses cannot keep others out either: a browser that somebody has signed in with before has a pace
of its own, which no stranger uses up. The operator's people have one keeper, subscribers another:
they share no sign-in, no browser and no pace.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Generic

from app.identity import guesses
from app.identity.browser import named
from app.identity.door import Given, Here, Let, NotLetIn, TooOften, form_token
from app.identity.guesses import Pace, Paces
from app.identity.passwords import Passwords
from app.identity.population import P, Population
from app.identity.sign_ins import Lasting, SignIn, SignIns
from runtime.chance import Chance, new_id
from runtime.clock import Clock
from runtime.secrets import token_hash
from runtime.store import Store, Tx
from runtime.store.audit import Deed, record
from runtime.telemetry import counter, get_log
from terms.errors import NotFound

log = get_log()

TOKEN_BYTES = 32
SEEN_EVERY = timedelta(seconds=60)

# Of wrong guesses: a right one is given back.
OF_ONE = Pace(at_once=10, every=timedelta(minutes=5))
OF_AN_ADDRESS = Pace(at_once=12, every=timedelta(minutes=1))
OF_STRANGERS = Pace(at_once=15, every=timedelta(seconds=2))

_tries = counter("boxoffice_sign_in_tries", "Tries to sign in, by what came of them", "outcome")


class Keeper(Generic[P]):
    """Lets people in and knows who is in. One per process; all it knows is in the database."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        chance: Chance,
        *,
        of: Population[P],
        sign_ins: SignIns,
        lasting: Lasting,
        passwords: Passwords,
    ) -> None:
        self.store = store
        self.clock = clock
        self.chance = chance
        self.population = of
        self.sign_ins = sign_ins
        self.lasting = lasting
        self.passwords = passwords

    async def sign_in(self, given: Given) -> Let[P]:
        """Let somebody in. Raises NotLetIn, or TooOften before anything is looked at."""
        now = self.clock.machine_now()
        name = given.name.strip().lower()
        async with self.store.read() as tx:
            found = await self.population.with_hash(tx, name)
            theirs = found[0].id if found else ""
            is_known = await self.sign_ins.is_known(tx, theirs, given.browser, now)
        paces = self.paces(name, given.address, theirs, given.browser if is_known else "")
        await self._guess(paces)
        under_any = {f"{self.population.KIND} any:{theirs or token_hash(name)}": OF_ONE}
        is_tried = is_known or await self._may_be_tried(under_any)
        kept = found[1] if found and is_tried else None
        if not await self.passwords.fits(given.password, kept) or found is None:
            _tries.inc("wrong")
            log.info("sign_in.refused", of=self.population.KIND, address=given.address)
            raise NotLetIn("the name or the password is wrong")
        let = await self._let_in(given, name, *found, browser=given.browser if is_known else "")
        await self.was_right(paces if is_known else {**paces, **under_any})
        return let

    def paces(self, name: str, address: str, key: str, browser: str) -> Paces:
        """Give the paces of whoever guesses: of a browser that is known, or of strangers."""
        found = _of_own(key, browser) if browser else _of_strangers(name, address)
        return {f"{self.population.KIND} {one}": pace for one, pace in found.items()}

    async def proves(self, password: str, kept: str | None, paces: Paces) -> bool:
        """Count a guess, then look whether it is right. Raises TooOften without a look."""
        await self._guess(paces)
        return await self.passwords.fits(password, kept)

    async def take(self, paces: Paces) -> None:
        """Count what is done at a pace. Raises TooOften where somebody has to wait; that costs no
        write.
        """
        now = self.clock.machine_now()
        async with self.store.read() as tx:
            wait = await guesses.wait(tx, paces, now)
        if not wait:
            async with self.store.begin() as tx:
                wait = await guesses.take(tx, paces, now)
        if wait:
            raise TooOften(wait)

    async def was_right(self, paces: Paces) -> None:
        """Give the guess back where others share the key, and make one's own keys fresh."""
        shared = {key: pace for key, pace in paces.items() if pace is not OF_ONE}
        async with self.store.begin() as tx:
            await guesses.give_back(tx, shared)
            await guesses.forget(tx, [key for key in paces if key not in shared])
        async with self.store.begin() as tx:
            await guesses.clean(tx, self.clock.machine_now())

    async def let_in(self, tx: Tx, given: Given, person: P, *, browser: str) -> Let[P]:
        """Begin a sign-in in place of the browser's former one, and write it down."""
        now = self.clock.machine_now()
        former = await self.sign_ins.find(tx, given.former_token)
        if former:
            await self.sign_ins.end(tx, [former.id], now)
        let = await self.begin(tx, person, label=named(given.user_agent), browser=browser)
        await self.note(tx, person, "sign_in", after=let.sign_in.label)
        _tries.inc("let_in")
        log.info("sign_in.begun", of=person.actor, sign_in=let.sign_in.id)
        return let

    async def begin(self, tx: Tx, person: P, *, label: str = "", browser: str = "") -> Let[P]:
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
        await self.sign_ins.make_room(tx, person.id, now)
        await self.sign_ins.add(tx, one, token=token, browser=known)
        return Let(person=person, sign_in=one, token=token, browser=known)

    async def who(self, token: str) -> Here[P] | None:
        """Tell whose sign-in it is, if it still is one, and note that it was used."""
        if not token:
            return None
        now = self.clock.machine_now()
        async with self.store.read() as tx:
            one = await self.sign_ins.find(tx, token)
            person = await self._live(tx, one, now)
        if one is None or person is None:
            return None
        if now - one.last_seen_at >= min(SEEN_EVERY, self.lasting.idle / 2):
            async with self.store.begin() as tx:
                await self.sign_ins.touch(tx, one.id, now)
        return Here(person=person, sign_in=one, form_token=form_token(token))

    async def is_in(self, here: Here[P]) -> bool:
        """Tell whether somebody who was let in still is, and as the same; it is no use of it."""
        now = self.clock.machine_now()
        async with self.store.read() as tx:
            one = await self.sign_ins.by_id(tx, here.sign_in.id)
            return await self._live(tx, one, now) == here.person

    async def sign_out(self, here: Here[P]) -> None:
        """End a sign-in."""
        async with self.store.begin() as tx:
            await self.sign_ins.end(tx, [here.sign_in.id], self.clock.machine_now())
            await self.note(tx, here.person, "sign_out", after=here.sign_in.label)
        log.info("sign_in.ended", of=here.person.actor, sign_in=here.sign_in.id)

    async def revoke(self, tx: Tx, one: P, sign_in_id: str, actor: str) -> None:
        """End one of somebody's sign-ins. Raises NotFound."""
        now = self.clock.machine_now()
        live = await self.sign_ins.live(tx, one.id, self.lasting, now)
        if sign_in_id not in {each.id for each in live}:
            raise NotFound("there is no such sign-in, or it has ended already")
        await self.sign_ins.revoke(tx, [sign_in_id], now)
        await self.note(tx, one, "revoke", actor, after=sign_in_id)

    async def revoke_all(self, tx: Tx, one: P, actor: str, but: str = "") -> int:
        """End all of somebody's sign-ins, but perhaps one; returns how many."""
        now = self.clock.machine_now()
        live = await self.sign_ins.live(tx, one.id, self.lasting, now)
        ids = [each.id for each in live if each.id != but]
        if but:
            await self.sign_ins.revoke(tx, ids, now)
        else:
            await self.sign_ins.revoke_all(tx, one.id, now)
        await self.note(tx, one, "revoke", actor, after=f"{len(ids)} sign-ins")
        return len(ids)

    async def note(
        self,
        tx: Tx,
        one: P,
        action: str,
        actor: str = "",
        *,
        before: str | None = None,
        after: str | None = None,
    ) -> None:
        """Write down what was done to somebody, by themselves unless said."""
        deed = Deed(
            at=self.clock.machine_now(),
            actor=actor or one.actor,
            action=f"{self.population.KIND}.{action}",
            subject=one.actor,
            before=before,
            after=after,
        )
        await record(tx, [deed])

    async def _guess(self, paces: Paces) -> None:
        try:
            await self.take(paces)
        except TooOften:
            _tries.inc("too_often")
            raise

    async def _may_be_tried(self, paces: Paces) -> bool:
        """Count a guess at somebody who goes by several names; nobody is told how many are left,
        for that would say which names are one person's.
        """
        async with self.store.begin() as tx:
            return not await guesses.take(tx, paces, self.clock.machine_now())

    async def _live(self, tx: Tx, one: SignIn | None, now: datetime) -> P | None:
        """Find whose sign-in it is, while it opens something."""
        if one is None or not self.lasting.is_live(one, now):
            return None
        return await self.population.by_id(tx, one.person_id)

    async def _let_in(
        self, given: Given, name: str, person: P, kept: str, *, browser: str
    ) -> Let[P]:
        """Make the sign-in, unless the password or its person went while it was checked."""
        anew = None
        if self.passwords.is_dated(kept):
            anew = await self.passwords.hash(given.password)
        async with self.store.begin() as tx:
            again = await self.population.with_hash(tx, name)
            if again is None or (again[0].id, again[1]) != (person.id, kept):
                raise NotLetIn("the name or the password is wrong")
            if anew:
                await self.population.keep_hash(tx, person.id, anew)
            return await self.let_in(tx, given, person, browser=browser)


def _of_own(person_id: str, browser: str) -> Paces:
    return {f"own:{token_hash(f'{browser} {person_id}')}": OF_ONE}


def _of_strangers(name: str, address: str) -> Paces:
    """Give the keys of a stranger. What was typed is not kept: it may be a password."""
    return {
        f"address:{address}": OF_AN_ADDRESS,
        "everybody": OF_STRANGERS,
        f"name:{token_hash(name)}": OF_ONE,
    }
