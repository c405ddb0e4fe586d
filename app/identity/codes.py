"""One-time codes: asked for on the portal, sent by e-mail, typed into the page that asked.

A code counts in the browser that asked for it alone, which holds long chance (a ticket): whoever
asks in another's name neither spends the other's tries nor makes the other's code void. Of ticket
and code the database keeps one keyed hash. Nobody learns who exists: whoever asks gets a ticket,
one for nobody has no code, and no letter goes out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Column, Index, Integer, String, Table, delete, select, update

from app.identity import guesses, subscribers
from app.identity.door import Given, Let, NotLetIn
from app.identity.guesses import Pace, Paces
from app.identity.keeper import Keeper
from app.identity.subscribers import Subscriber
from runtime.secrets import Sealer, same, token_hash
from runtime.store import Instant, Tx, metadata
from runtime.telemetry import get_log

log = get_log()

DIGITS = 8
CODE_BITS = 64  # so many that no code is likelier than another
LASTS = timedelta(minutes=10)
TRIES_MAX = 5
TICKET_BYTES = 32
ASKED_AT = "portal"  # whoever asks is not known yet
TICKET_CHARS_MAX = 100
# So long somebody who has come in by a code may set a password without the one before.
PROVES_FOR = timedelta(minutes=15)
KEPT_FOR = timedelta(days=1)
_PLACE = "subscriber_code"

# Of codes that are asked for, whether a letter goes out or not.
OF_ONE = Pace(at_once=3, every=timedelta(minutes=5))
OF_AN_ADDRESS = Pace(at_once=10, every=timedelta(minutes=1))
OF_ALL = Pace(at_once=60, every=timedelta(seconds=2))

subscriber_code = Table(
    "subscriber_code",
    metadata,
    Column("ticket_hash", String(64), primary_key=True),
    Column("account_id", String(26), nullable=False),  # empty where it is nobody's
    Column("imprint", String(32), nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("used_at", Instant),
    Column("sign_in_id", String(26)),
    Index(None, "ends_at"),
)
_C = subscriber_code.c

Send = Callable[[Tx, Subscriber, str, datetime], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks for a code, as somebody who is not known yet."""

    name: str = field(repr=False)
    address: str
    browser: str = field(default="", repr=False)


class Codes:
    """Makes codes, has them sent, and lets in whoever brings one back."""

    def __init__(self, keeper: Keeper[Subscriber], sealer: Sealer, send: Send) -> None:
        self.keeper = keeper
        self._sealer = sealer
        self._send = send

    async def ask(self, asked: Asked) -> str:
        """Give a ticket; where the name is a subscriber's with an e-mail address, a letter goes.

        Raises TooOften.
        """
        keeper, name = self.keeper, asked.name.strip().lower()
        now = keeper.clock.machine_now()
        async with keeper.store.read() as tx:
            found = await subscribers.with_hash(tx, name)
            one = found[0] if found else None
            theirs = one.id if one else ""
            is_known = await keeper.sign_ins.is_known(tx, theirs, asked.browser, now)
        await keeper.take(
            _of_own(theirs, asked.browser) if is_known else _of_strangers(asked, name)
        )
        ticket, code = keeper.chance.token(TICKET_BYTES), self._code()
        # Counted for every name alike, and silently: it would say which names are one's.
        quietly = {} if is_known else {f"code any:{theirs or token_hash(name)}": OF_ONE}
        async with keeper.store.begin() as tx:
            await _clean(tx, now)
            is_sent = not (quietly and await guesses.take(tx, quietly, now))
            reached = one if one and one.email and is_sent else None
            await tx.insert(subscriber_code, [self._row(ticket, code, reached, now)])
            if reached:
                await self._send(tx, reached, code, now + LASTS)
                await keeper.note(tx, reached, "code", ASKED_AT)
        log.info("code.asked", address=asked.address, is_sent=reached is not None)
        return ticket

    async def sign_in(self, given: Given, ticket: str) -> Let[Subscriber]:
        """Let in who brings the code of a ticket, once. Raises NotLetIn.

        A try is counted before it is looked at, so that many at once are no more than one by one.
        """
        keeper = self.keeper
        now, key = keeper.clock.machine_now(), token_hash(ticket[:TICKET_CHARS_MAX])
        async with keeper.store.begin() as tx:
            is_open = (_C.ticket_hash == key, _C.used_at.is_(None), _C.ends_at > now)
            counted = update(subscriber_code).where(*is_open, _C.tries < TRIES_MAX)
            is_tried = (await tx.execute(counted.values(tries=_C.tries + 1))).rowcount
        if not is_tried:
            raise NotLetIn("the code is over")
        async with keeper.store.begin() as tx:
            row = await tx.first(select(_C.account_id, _C.imprint).where(_C.ticket_hash == key))
            fits = row is not None and same(row.imprint, self._imprint(ticket, given.password))
            one = await subscribers.by_id(tx, row.account_id) if row and fits else None
            if one is None:
                raise NotLetIn("the code is wrong")
            used = update(subscriber_code).where(_C.ticket_hash == key, _C.used_at.is_(None))
            if not (await tx.execute(used.values(used_at=now))).rowcount:
                raise NotLetIn("the code is over")
            is_known = await keeper.sign_ins.is_known(tx, one.id, given.browser, now)
            let = await keeper.let_in(tx, given, one, browser=given.browser if is_known else "")
            proven = update(subscriber_code).where(_C.ticket_hash == key)
            await tx.execute(proven.values(sign_in_id=let.sign_in.id))
        return let

    async def proves(self, tx: Tx, sign_in_id: str) -> bool:
        """Tell whether a sign-in came by a code, and only just."""
        since = self.keeper.clock.machine_now() - PROVES_FOR
        query = select(_C.ticket_hash).where(_C.sign_in_id == sign_in_id, _C.used_at > since)
        return await tx.first(query.limit(1)) is not None

    def _code(self) -> str:
        return f"{self.keeper.chance.bits(CODE_BITS) % 10**DIGITS:0{DIGITS}}"

    def _imprint(self, ticket: str, code: str) -> str:
        return self._sealer.imprint(f"{ticket} {code}", place=_PLACE)

    def _row(
        self, ticket: str, code: str, reached: Subscriber | None, now: datetime
    ) -> dict[str, object]:
        return {
            "ticket_hash": token_hash(ticket),
            "account_id": reached.id if reached else "",
            "imprint": self._imprint(ticket, code),
            "ends_at": now + LASTS,
            "tries": 0,
            "used_at": None,
            "sign_in_id": None,
        }


async def _clean(tx: Tx, now: datetime) -> None:
    """Drop what can open nothing any more, and proves nothing."""
    await tx.execute(delete(subscriber_code).where(_C.ends_at < now - KEPT_FOR))


def _of_own(key: str, browser: str) -> Paces:
    return {f"code own:{token_hash(f'{browser} {key}')}": OF_ONE}


def _of_strangers(asked: Asked, name: str) -> Paces:
    return {
        f"code address:{asked.address}": OF_AN_ADDRESS,
        "code everybody": OF_ALL,
        f"code name:{token_hash(name)}": OF_ONE,
    }
