"""The catcher: its ports, its login, its faults, and the box that it fills."""

import asyncio
import contextlib
import hmac
import itertools
import socket
import ssl
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from simulators.call import Call
from simulators.faults import Fault
from simulators.listening import listening, place
from simulators.mail.box import MAILS_MAX, Box, Mail
from simulators.mail.pages import Pages
from simulators.mail.session import LINE_BYTES_MAX, Envelope, HungUp, Manners, Session
from simulators.server import Door
from simulators.simulator import BadOperation, Stage

CONNECTIONS_MAX = 100
LOOK_S = 0.05
BUSY = "421 4.3.2 too many connections"
_FIELDS = frozenset({"user", "password", "certificate", "key", "tls", "mails_max", "page_port"})
# What strikes a connection before anything is said, and a mail once all of it has come.
_AT_A_MAIL = ("silent", "reset", "lost", "half", "garbage", "refused", "throttled", "error")
_AT_A_RECIPIENT = ("refused", "throttled", "error")


class Catcher:
    """The mail catcher, as its own only system."""

    kind = "mail"

    def __init__(self, stage: Stage, state: Mapping[str, Any]) -> None:
        if not state.keys() <= _FIELDS:
            raise BadOperation(f"unknown field {min(state.keys() - _FIELDS)!r}")
        self.stage = stage
        self.box = Box(int(state.get("mails_max", MAILS_MAX)))
        self._login = str(state.get("user", "")), str(state.get("password", ""))
        self._manners = _manners(state)
        self._numbers = itertools.count(1)
        self._mail_numbers = itertools.count(1)
        self._sessions: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._watch: asyncio.Task[None] | None = None
        self._pages = web.AppRunner(Pages(self.box).application(), access_log=None)
        self._page_port = int(state.get("page_port", 0))
        at_once = self._manners.certificate if self._manners.tls_at_once else None
        self._door = Door(self, stage.host, stage.port, tls=at_once)

    # Faces

    @property
    def system(self) -> "Catcher":
        """It is its own system."""
        return self

    async def start(self) -> None:
        """Open the page and, unless a `down` is in force already, the port for mail."""
        await self._pages.setup()
        site = web.TCPSite(self._pages, self.stage.host, self._page_port, shutdown_timeout=1.0)
        with listening(self.stage.host, self._page_port):
            await site.start()
        await self.follow_modes()
        self._watch = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Give the ports back."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        await self._door.close()
        await self._pages.cleanup()

    async def follow_modes(self) -> None:
        """Open or shut the port for mail and set the clock as the modes in force say."""
        skew = self.stage.faults.mode("skew")
        self.stage.clock.skew_s = 0.0 if skew is None else skew.seconds
        await (self._door.open if self.stage.faults.mode("down") is None else self._door.shut)()

    def told(self) -> dict[str, Any]:
        """Tell where mail is handed over, and where a person reads it."""
        manners = self._manners
        scheme = "smtps" if manners.tls_at_once else "smtp"
        if manners.certificate is None:
            scheme = "smtp+plain"
        page = place(self.stage.host, self._pages.addresses[0][1])
        url = f"{scheme}://{place(self._door.host, self._door.port)}"
        return {"url": url, "page_url": f"http://{page}"}

    # System

    def state(self, wanted: Mapping[str, str]) -> Any:
        """Show what was caught, newest first: all, or what went to the address `to`."""
        mails = self.box.mails(wanted.get("to", ""))
        return {"kind": self.kind, "mails": [mail.shown() for mail in mails]}

    async def tamper(self, operation: Mapping[str, Any]) -> Any:
        """Throw all mail away, which is all that somebody could do here."""
        if operation.get("op") != "clear":
            raise BadOperation("the only operation is clear")
        self.reset()

    def reset(self) -> None:
        """Empty the box."""
        self.box.clear()

    # Server of the door

    def __call__(self) -> asyncio.StreamReaderProtocol:
        """Begin to serve a connection."""
        reader = asyncio.StreamReader(limit=LINE_BYTES_MAX)
        return asyncio.StreamReaderProtocol(reader, self._begin)

    async def shutdown(self, timeout: float) -> None:  # noqa: ARG002, ASYNC109 - the door's words
        """Break every connection."""
        tasks = list(self._sessions)
        for task, writer in list(self._sessions.items()):
            _reset(writer)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._sessions[task] = writer
        task.add_done_callback(lambda done: self._sessions.pop(done, None))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await Session(reader, writer, _Counter(self, reader, writer), self._manners).serve()
        except HungUp:
            pass
        finally:
            writer.close()

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self.follow_modes()

    # What one session brings

    @property
    def is_full(self) -> bool:
        """Whether nobody else is let in."""
        return len(self._sessions) > CONNECTIONS_MAX

    def lets_in(self, user: str, password: str) -> bool:
        """Tell whether this is the login."""
        given, right = f"{user}\0{password}".encode(), "\0".join(self._login).encode()
        return hmac.compare_digest(given, right)

    def keep(self, envelope: Envelope, raw: bytes, session: Session) -> Mail:
        """Put a mail into the box."""
        mail = Mail(
            number=next(self._mail_numbers),
            at=self.stage.clock.now(),
            sender=envelope.sender,
            to=tuple(envelope.to),
            raw=raw,
            over_tls=session.over_tls,
            user=session.user,
        )
        self.box.put(mail)
        return mail

    @contextmanager
    def call(self, verb: str, about: str) -> Iterator[Call]:
        """Count a call while it lasts."""
        call = Call(id=next(self._numbers), method=verb, path=about, words=f"SMTP {verb}")
        self.stage.journal.begin(call, verb)
        try:
            yield call
        finally:
            self.stage.journal.end(call)

    def struck(self, names: Sequence[str], call: Call) -> Fault | None:
        """Find the first fault that hits a call, spend it and count it."""
        target = f"{call.method} {call.path}"
        for name in names:
            fault = self.stage.faults.draw_named(name, target)
            if fault is not None:
                call.fault = fault.name
                self.stage.journal.faults[fault.name] += 1
                return fault
        return None


class _Counter:
    """The counter at which one connection is served; here faults strike."""

    def __init__(
        self, catcher: Catcher, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._catcher = catcher
        self._reader = reader
        self._writer = writer

    async def greeted(self) -> str:
        """Let somebody in, late, never, or not at all."""
        with self._catcher.call("CONNECT", "") as call:
            if fault := self._catcher.struck(("slow_banner",), call):
                await asyncio.sleep(fault.seconds)
            if self._catcher.struck(("banner_silence",), call):
                await self._left()
            if self._catcher.struck(("crowded",), call) or self._catcher.is_full:
                return BUSY
        return ""

    async def signed_in(self, user: str, password: str) -> str:
        """Look at a login."""
        with self._catcher.call("AUTH", user) as call:
            is_refused = self._catcher.struck(("auth_refused", "unauthorized"), call) is not None
        if is_refused or not self._catcher.lets_in(user, password):
            return "535 5.7.8 wrong user or password"
        return ""

    async def recipient(self, address: str) -> str:
        """Take an address."""
        with self._catcher.call("RCPT", address) as call:
            fault = self._catcher.struck(_AT_A_RECIPIENT, call)
            if fault is None:
                return ""
            self._catcher.stage.journal.attempt(call, address)
            return _refusal(fault)

    async def mail(self, envelope: Envelope, raw: bytes, session: Session) -> str:
        """Catch a mail, and answer as the faults let us."""
        catcher, to = self._catcher, ", ".join(envelope.to)
        with catcher.call("DATA", to) as call:
            slow = catcher.struck(("slow",), call)
            fault = catcher.struck(_AT_A_MAIL, call)
            await catcher.stage.faults.delay(slow.seconds if slow else 0)
            await asyncio.sleep(catcher.stage.latency_s)
            after = None
            if fault is None or fault.strikes_after:
                after = catcher.keep(envelope, raw, session).shown()
                del after["text"]  # it stands in the box
            catcher.stage.journal.effect(call, to, before=None, after=after)
            return "" if fault is None else await self._hurt(fault)

    async def _hurt(self, fault: Fault) -> str:
        if fault.name == "silent":
            await self._left()
        if fault.name in {"reset", "lost"}:
            _reset(self._writer)
            raise HungUp
        if fault.name == "half":
            self._writer.write(b"250-2.0.0 cau")
            self._writer.close()
            raise HungUp
        if fault.name == "garbage":
            return "<!DOCTYPE html><title>Sign in</title>"
        return _refusal(fault)

    async def _left(self) -> None:
        """Say nothing until the other side has gone."""
        with contextlib.suppress(OSError):
            while await self._reader.read(4096):
                pass
        raise HungUp


def _refusal(fault: Fault) -> str:
    """Word an injected refusal (RFC 3463)."""
    if fault.name == "throttled":
        return f"451 4.7.1 slow down, come again in {fault.argument} s"
    if fault.name == "error":
        return f"{fault.number} {fault.argument[:1]}.0.0 injected"
    return f"550 5.7.1 {fault.argument or 'not here'}"


def _manners(state: Mapping[str, Any]) -> Manners:
    path, key = state.get("certificate"), state.get("key")
    tls = state.get("tls", "none" if path is None else "asked")
    if tls not in {"none", "asked", "at_once"} or (path is None) != (tls == "none"):
        raise BadOperation("tls: none, or with a certificate asked or at_once")
    context = None
    if path is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(path, key)
        except OSError as error:
            raise BadOperation(f"certificate: {path}: {error.strerror or error}") from None
    return Manners(
        certificate=context, tls_at_once=tls == "at_once", needs_login=bool(state.get("user"))
    )


def _reset(writer: asyncio.StreamWriter) -> None:
    """Reset a connection (TCP RST)."""
    peer: socket.socket | None = writer.get_extra_info("socket")
    if peer is not None:
        # A linger time of zero makes close() send RST instead of FIN.
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
