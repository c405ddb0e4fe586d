"""The desk where boxes are answered: who it is, whether it may, and what its session is for.

No request raises: what a caller sends wrongly is a 4xx without a word about it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from gateway.adapters.boxes import OTHER_MODEL
from gateway.adapters.inbound import Ask, Contact, Reply
from gateway.adapters.sdk import BoxAdapter
from gateway.adapters.state import ViewerState
from gateway.adapters.stb.cwmp import edges, soap, writing
from gateway.adapters.stb.cwmp.bell import is_ringable
from gateway.adapters.stb.cwmp.gate import NEXT_PASSWORD, PASSWORD, Caller, Gate, Rank, access_of
from gateway.adapters.stb.cwmp.inside import InSession, codes_of
from gateway.adapters.stb.cwmp.maps import ParameterMap
from gateway.adapters.stb.cwmp.options import CwmpOptions
from gateway.adapters.stb.cwmp.session import BAD, OVER, SOAP_HEADERS, Session
from gateway.adapters.stb.cwmp.sessions import COOKIE, Sessions
from gateway.adapters.stb.cwmp.soap import Envelope, Inform, Unreadable
from gateway.adapters.stb.cwmp.story import Story
from runtime.chance import Chance
from runtime.networks import Networks

BODY_BYTES_MAX = 256 * 1024
# A larger body is read beside the loop, which others wait for.
AT_ONCE_BYTES_MAX = 64 * 1024
INFORM = "Inform"
BOOTSTRAP = "0 BOOTSTRAP"
BUSY_S_MIN, BUSY_S_SPREAD = 5, 25
SAME_BOX_S = 5
REST_LOOK_S = 0.2
_ANSWERS = {
    "GetRPCMethods": writing.methods_response,
    "TransferComplete": writing.transfer_complete_response,
}


class Desk:
    """The sessions of one target in one process."""

    def __init__(
        self,
        adapter: BoxAdapter[Any],
        maps: Mapping[str, ParameterMap],
        chance: Chance,
        now: Callable[[], datetime],
    ) -> None:
        options: CwmpOptions = adapter.options
        self._adapter = adapter
        self._options = options
        self._boxes = adapter.boxes
        self._chance = chance
        self._maps = maps
        self._gate = Gate(options, adapter.boxes, chance, now)
        self._sessions = Sessions(chance, sessions_max=options.sessions_max)
        self._networks = Networks(options.networks)
        # Callers that are not in a session yet and are being looked up.
        self._entering = 0
        self._is_resting = False

    async def answer(self, ask: Ask, contact: Contact) -> Reply:
        """Answer one request."""
        if ask.method != "POST":
            return Reply(status=405, headers={"Allow": "POST"})
        if len(ask.body) > BODY_BYTES_MAX:
            return Reply(status=413, headers=BAD.headers)
        if ask.body and "xml" not in ask.headers.get("content-type", "xml").lower():
            return Reply(status=415, headers=BAD.headers)
        now_s = asyncio.get_running_loop().time()
        session = self._sessions.named(ask.headers.get("cookie", ""), ask.peer, now_s)
        if session is not None:
            return await self._within(session, ask, contact, now_s)
        if self._is_resting or self._sessions.are_full(now_s, entering=self._entering):
            return self._busy(BUSY_S_MIN + int(self._chance.fraction() * BUSY_S_SPREAD))
        self._entering += 1
        try:
            return await self._entered(ask, contact, now_s)
        finally:
            self._entering -= 1

    async def _entered(self, ask: Ask, contact: Contact, now_s: float) -> Reply:
        """Answer one who is in no session: with an Inform he gets one, once he has signed in."""
        caller = await self._gate.admit(ask, now_s, None)
        if isinstance(caller, Reply):
            return caller
        try:
            envelope = await _read(ask.body)
            if envelope is None or envelope.method != INFORM:
                return BAD
            return await self._begin(ask, caller, envelope, contact)
        except Unreadable:
            return BAD

    async def _within(self, session: Session, ask: Ask, contact: Contact, now_s: float) -> Reply:
        """Answer one who names a session, and signs in as the box whose it is."""
        caller = await self._gate.admit(ask, now_s, session.caller)
        if isinstance(caller, Reply):
            return caller
        try:
            envelope = await _read(ask.body)
            if envelope is not None and envelope.method == INFORM:
                # Some boxes keep their cookies; whoever begins anew has done with what was.
                self._give_up(session)
                return await self._begin(ask, caller, envelope, contact)
        except Unreadable:
            self._give_up(session)
            return BAD
        return await self._go_on(session, envelope, contact)

    def is_asked_again(self, ref: str) -> bool:
        """Have the session in which a box is now look once more; False where it is in none."""
        session = self._sessions.of(ref)
        if session is None:
            return False
        session.is_asked_again = True
        return True

    def begin(self) -> None:
        """Take whoever calls."""
        self._is_resting = False

    async def rest(self) -> None:
        """Begin no more sessions, and wait for those under way."""
        self._is_resting = True
        await self._sessions.none_left(REST_LOOK_S)

    async def drop(self) -> None:
        """Give every session up."""
        await asyncio.gather(*self._sessions.abort_all(), return_exceptions=True)

    # -- the Inform

    async def _begin(self, ask: Ask, caller: Caller, envelope: Envelope, contact: Contact) -> Reply:
        inform = soap.inform_of(envelope)
        now_s = asyncio.get_running_loop().time()
        session = Session(
            cookie=self._sessions.new_cookie(),
            caller=caller,
            peer=ask.peer,
            inform=inform,
            namespace=envelope.namespace,
            map=self._maps.get(inform.model),
            access=caller.access,
            began_s=now_s,
            touched_s=now_s,
        )
        await self._introduce(session, contact)
        if not self._sessions.begin(session):
            return self._busy(SAME_BOX_S)
        if session.ref is not None and session.map is not None:
            await self._greet(session, session.ref, contact)
        body = writing.envelope(envelope.namespace, envelope.id, writing.inform_response())
        headers = {**SOAP_HEADERS, "Set-Cookie": f"{COOKIE}={session.cookie}"}
        return Reply(status=200, headers=headers, body=body)

    async def _introduce(self, session: Session, contact: Contact) -> None:
        """Find whose session it is; one without a ref has no rights whatever."""
        caller, inform = session.caller, session.inform
        if caller.ref is None:
            session.access = await access_of(self._boxes, inform.serial)
        why = self._doubt(session)
        if not why:
            session.due = await contact.due(inform.serial)
            if session.due is None and caller.ref is None:
                why = "nobody holds it, or nobody has registered it"
        if why:
            await self._boxes.stranger(
                inform.serial, model=inform.model, address=session.peer, why=why
            )
        else:
            session.ref = inform.serial

    def _doubt(self, session: Session) -> str:
        """Say why a box cannot be whom it says it is."""
        caller, inform = session.caller, session.inform
        if caller.ref is not None and caller.ref != inform.serial:
            return f"it signed in as the box {caller.ref}"
        if session.map is None:
            return OTHER_MODEL
        if caller.rank is Rank.BOOTSTRAP and session.access.secrets.get(PASSWORD):
            return "it has a password of its own and called with that of all boxes"
        if caller.rank is Rank.FIRST and not _is_reset(inform, session.map):
            return "it has a password of its own and called with that of the factory"
        return ""

    async def _greet(self, session: Session, ref: str, contact: Contact) -> None:
        """Take what a box tells, and set a story going where there is something to do."""
        inform, map_, due = session.inform, session.map, session.due
        assert map_ is not None  # noqa: S101 - a box without a map has no rights
        key = inform.values.get(map_.key, "").strip()
        proofs, has_forgotten = edges.proofs_in(inform), edges.has_forgotten(inform, key)
        if proofs or has_forgotten:
            await self._boxes.errands.restarted(ref, proofs, has_forgotten=has_forgotten)
        if session.caller.rank is Rank.NEXT:
            await self._boxes.seen_new(ref)
        url = inform.values.get(map_.server("ConnectionRequestURL"), "").strip()
        if url != session.access.address and is_ringable(url, session.peer, self._networks):
            await self._boxes.called_at(ref, url)
        if due is not None and _is_proven(due.wish, key, inform, map_):
            session.is_proven = True
            contact.seen(ref, due.wish.revision)

    # -- what follows

    async def _go_on(self, session: Session, envelope: Envelope | None, contact: Contact) -> Reply:
        if envelope is not None and session.story is None:
            known = _ANSWERS.get(envelope.method, writing.not_supported)
            body = writing.envelope(session.namespace, envelope.id, known())
            return Reply(status=200, headers=SOAP_HEADERS, body=body)
        story = self._story(session, contact) if session.story is None else None
        if story is None and session.story is None:
            self._sessions.end(session)
            return OVER
        promised = session.take(envelope)
        if promised is None:
            self._give_up(session)
            return BAD
        if story is not None:
            session.story = asyncio.create_task(self._told(session, story))
        return await asyncio.shield(promised)

    def _story(self, session: Session, contact: Contact) -> Story | None:
        """Make the story of a session; None where there is nothing to do."""
        ref, map_, due = session.ref, session.map, session.due
        if ref is None or map_ is None or due is None:
            return None
        renews = _needs_secrets(session)
        is_wanted = renews or due.has_errands or session.is_asked_again
        if session.is_proven and not is_wanted:
            return None
        return Story(
            session=session,
            box=InSession(self._adapter, session, map_),
            ref=ref,
            contact=contact,
            boxes=self._boxes,
            chance=self._chance,
            access=session.access,
            period_s=self._options.period_s,
            renews=renews,
        )

    async def _told(self, session: Session, story: Story) -> None:
        try:
            await story.tell()
        except Exception as bug:  # noqa: BLE001 - it shows where the box is answered
            session.broke(bug)
        finally:
            self._sessions.end(session)
            session.finish()

    def _give_up(self, session: Session) -> None:
        self._sessions.end(session)
        session.abort()

    def _busy(self, after_s: int) -> Reply:
        return Reply(status=503, headers={"Retry-After": str(after_s), "Connection": "close"})


async def _read(body: bytes) -> Envelope | None:
    """Read a body; None for an empty one. Raises Unreadable."""
    if not body.strip():
        return None
    if len(body) > AT_ONCE_BYTES_MAX:
        return await asyncio.to_thread(soap.read, body)
    return soap.read(body)


def _is_reset(inform: Inform, map_: ParameterMap) -> bool:
    return inform.has(BOOTSTRAP) or not inform.values.get(map_.key, "").strip()


def _is_proven(wish: ViewerState, key: str, inform: Inform, map_: ParameterMap) -> bool:
    """Tell whether a box proves its wish by calling: by its key, and by nothing it tells else."""
    if key != str(wish.revision) or inform.has(BOOTSTRAP):
        return False
    active = inform.values.get(map_.active)
    packages = inform.values.get(map_.packages)
    is_lit = active is None or writing.truth(active) == wish.enabled
    return is_lit and (packages is None or codes_of(packages) == wish.packages)


def _needs_secrets(session: Session) -> bool:
    """Tell whether a box has to be given secrets, anew or for the first time."""
    rank, access = session.caller.rank, session.access
    if session.map is None or not session.map.takes_secrets:
        return False
    if rank is Rank.OWN:
        is_unproven = not access.is_given or NEXT_PASSWORD in access.secrets
        return is_unproven or session.inform.has(BOOTSTRAP)
    return rank is not Rank.NEXT
