"""All sessions of one process, by their cookies; one for each box, and never too many at once.

A cookie is read leniently, since boxes write them as they like, and believed only together with
the address it was given to.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Iterator

from gateway.adapters.stb.cwmp.session import Session
from runtime.chance import Chance
from runtime.telemetry import counter, gauge

COOKIE = "session"
COOKIE_BYTES = 16
HEADER_CHARS_MAX = 4_096
# A box that says itself that its last session failed is believed when that has been quiet so long.
QUIET_S = 2.0
_BOOTS = ("0 BOOTSTRAP", "1 BOOT")
_begun = counter("boxoffice_acs_sessions", "Sessions of boxes that were begun")
_open = gauge("boxoffice_acs_sessions_open", "Sessions of boxes that are under way")
_PAIR = re.compile(rf"(?:^|[;,\s]){COOKIE}\s*=\s*\"?([A-Za-z0-9_-]{{1,64}})")


class Sessions:
    """The sessions of one target."""

    def __init__(self, chance: Chance, *, sessions_max: int) -> None:
        self._chance = chance
        self._sessions_max = sessions_max
        self._by_cookie: OrderedDict[str, Session] = OrderedDict()
        self._by_ref: dict[str, Session] = {}
        self._is_empty = asyncio.Event()
        self._is_empty.set()

    def __len__(self) -> int:
        return len(self._by_cookie)

    def new_cookie(self) -> str:
        """Make a name that nobody guesses."""
        return self._chance.token(COOKIE_BYTES)

    def named(self, header: str, peer: str, now_s: float) -> Session | None:
        """Find the session that a request names; None where there is none for this address."""
        for name in _PAIR.findall(header[:HEADER_CHARS_MAX]):
            session = self._by_cookie.get(name)
            if session is not None and session.peer == peer and not session.is_late(now_s):
                session.touched_s = now_s
                self._by_cookie.move_to_end(name)
                return session
        return None

    def are_full(self, now_s: float, *, entering: int) -> bool:
        """Tell whether another caller has to be put off; `entering` are about to have one."""
        self._sweep(now_s)
        return len(self._by_cookie) + entering >= self._sessions_max

    def of(self, ref: str) -> Session | None:
        """Find the session in which a box is now."""
        return self._by_ref.get(ref)

    def begin(self, session: Session) -> bool:
        """Begin a session; False where the box is in another one that still goes on."""
        ref = session.ref
        before = self._by_ref.get(ref) if ref is not None else None
        if before is not None:
            if not _is_over(before, session):
                return False
            self.end(before)
            before.abort()
        self._by_cookie[session.cookie] = session
        _begun.inc()
        _open.add()
        if ref is not None:
            self._by_ref[ref] = session
        self._is_empty.clear()
        return True

    def end(self, session: Session) -> None:
        """Forget a session."""
        if self._by_cookie.pop(session.cookie, None) is not None:
            _open.add(by=-1)
        if session.ref is not None and self._by_ref.get(session.ref) is session:
            del self._by_ref[session.ref]
        if not self._by_cookie:
            self._is_empty.set()

    def abort_all(self) -> Iterator[asyncio.Task[None]]:
        """Give every session up; yields what has to come to its end with them."""
        for session in list(self._by_cookie.values()):
            self.end(session)
            session.abort()
            if session.story is not None:
                yield session.story

    async def none_left(self, look_s: float) -> None:
        """Wait until no session is under way; those that are lost do not count."""
        while self._by_cookie:
            self._sweep(asyncio.get_running_loop().time())
            try:
                async with asyncio.timeout(look_s):
                    await self._is_empty.wait()
            except TimeoutError:
                pass

    def _sweep(self, now_s: float) -> None:
        """Forget the sessions of boxes that are gone; the one quiet for longest is the first."""
        while self._by_cookie:
            oldest = next(iter(self._by_cookie.values()))
            if not oldest.is_late(now_s):
                return
            self.end(oldest)
            oldest.abort()


def _is_over(before: Session, now: Session) -> bool:
    """Tell whether the box itself says that the session before is over."""
    if now.inform.has(*_BOOTS) or before.is_late(now.began_s):
        return True
    return now.inform.retries > 0 and now.began_s - before.touched_s > QUIET_S
