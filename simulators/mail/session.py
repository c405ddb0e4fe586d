"""One SMTP session (RFC 5321): what is said line by line. Knows the words, none of the faults."""

import asyncio
import base64
import binascii
import re
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

LINE_BYTES_MAX = 64 * 1024
COMMAND_BYTES_MAX = 1_024
MAIL_BYTES_MAX = 1_000_000
RECIPIENTS_MAX = 100
BAD_COMMANDS_MAX = 20
IDLE_S_MAX = 300.0

_PATH = re.compile(r"(FROM|TO):\s*<([^<>\s]*)>(?:\s+(.*))?", re.IGNORECASE)
_SIZE = re.compile(r"SIZE=(\d{1,20})", re.IGNORECASE)
_UNDERSTOOD = re.compile(r"(?:SIZE=\d{1,20}|BODY=(?:7BIT|8BITMIME))", re.IGNORECASE)


class HungUp(Exception):
    """The connection is over: the other side has gone, or we break it."""


@dataclass(slots=True, kw_only=True)
class Envelope:
    """From whom a mail is, and to whom."""

    sender: str
    to: list[str] = field(default_factory=list)


class Post(Protocol):
    """Who takes what a session brings. An answer that is not empty refuses it."""

    async def greeted(self) -> str:
        """Greet whoever has connected."""
        ...

    async def signed_in(self, user: str, password: str) -> str:
        """Look at the proof of who somebody is."""
        ...

    async def recipient(self, address: str) -> str:
        """Take an address that a mail is to go to."""
        ...

    async def mail(self, envelope: Envelope, raw: bytes, session: "Session") -> str:
        """Take a whole mail."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """What the server offers and asks for. With a certificate and no `tls_at_once`: STARTTLS."""

    certificate: ssl.SSLContext | None = None
    tls_at_once: bool = False
    needs_login: bool = False


class Session:
    """One connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        post: Post,
        manners: Manners,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._post = post
        self._manners = manners
        self.over_tls = manners.tls_at_once
        self.user = ""
        self._is_greeted = False
        self._envelope: Envelope | None = None
        self._bad = 0
        self._verbs: dict[str, Callable[[str], Awaitable[None]]] = {
            "HELO": self._helo,
            "EHLO": self._ehlo,
            "STARTTLS": self._starttls,
            "AUTH": self._auth,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": self._rset,
            "NOOP": self._noop,
        }

    async def serve(self) -> None:
        """Talk until one side hangs up."""
        if refused := await self._post.greeted():
            await self._say(refused)
            return
        await self._say("220 catcher ESMTP")
        while True:
            verb, _, rest = (await self._command()).partition(" ")
            if verb.upper() == "QUIT":
                await self._say("221 2.0.0 bye")
                return
            answer = self._verbs.get(verb.upper())
            if answer is None:
                await self._bad_command("500 5.5.1 no such command")
            else:
                await answer(rest.strip())

    async def _helo(self, _: str) -> None:
        self._is_greeted = True
        await self._say("250 catcher")

    async def _ehlo(self, _: str) -> None:
        self._is_greeted = True
        offers = ["catcher", f"SIZE {MAIL_BYTES_MAX}", "8BITMIME"]
        if self._manners.certificate is not None and not self.over_tls:
            offers.append("STARTTLS")
        if self._manners.needs_login and self._may_sign_in:
            offers.append("AUTH PLAIN LOGIN")
        *first, last = offers
        await self._say("\r\n".join([*(f"250-{one}" for one in first), f"250 {last}"]))

    @property
    def _may_sign_in(self) -> bool:
        return self.over_tls or self._manners.certificate is None

    async def _starttls(self, _: str) -> None:
        if self._manners.certificate is None or self.over_tls:
            await self._bad_command("502 5.5.1 no TLS here")
            return
        await self._say("220 2.0.0 go ahead")
        try:
            await self._writer.start_tls(self._manners.certificate)
        except (OSError, ssl.SSLError) as error:
            raise HungUp from error
        # All that was said before is forgotten (RFC 3207, 4.2).
        self.over_tls, self._is_greeted, self._envelope, self.user = True, False, None, ""

    async def _auth(self, rest: str) -> None:
        method, _, first = rest.partition(" ")
        if not self._manners.needs_login or not self._may_sign_in or self.user:
            await self._bad_command("503 5.5.1 not now")
            return
        try:
            user, password = await self._proof(method.upper(), first)
        except (ValueError, binascii.Error):
            await self._bad_command("501 5.5.2 this is no proof")
            return
        refused = await self._post.signed_in(user, password)
        self.user = "" if refused else user
        await self._say(refused or "235 2.7.0 welcome")

    async def _proof(self, method: str, first: str) -> tuple[str, str]:
        if method == "PLAIN":
            _, user, password = _plain(first or await self._asked("")).split("\0")
            return user, password
        if method == "LOGIN":
            user = _plain(first or await self._asked("Username:"))
            return user, _plain(await self._asked("Password:"))
        raise ValueError(method)

    async def _asked(self, question: str) -> str:
        await self._say(f"334 {base64.b64encode(question.encode()).decode()}")
        return await self._command()

    async def _mail(self, rest: str) -> None:
        found = _PATH.fullmatch(rest)
        if self._manners.needs_login and not self.user:
            await self._bad_command("530 5.7.0 sign in first")
        elif not self._is_greeted or self._envelope is not None:
            await self._bad_command("503 5.5.1 not now")
        elif found is None or found[1].upper() != "FROM":
            await self._bad_command("501 5.5.4 MAIL FROM:<address>")
        elif not all(_UNDERSTOOD.fullmatch(word) for word in (found[3] or "").split()):
            await self._bad_command("555 5.5.4 this is not understood")
        elif (size := _SIZE.search(found[3] or "")) and int(size[1]) > MAIL_BYTES_MAX:
            await self._say("552 5.3.4 too big")
        else:
            self._envelope = Envelope(sender=found[2])
            await self._say("250 2.1.0 ok")

    async def _rcpt(self, rest: str) -> None:
        found = _PATH.fullmatch(rest)
        if self._envelope is None:
            await self._bad_command("503 5.5.1 MAIL first")
        elif found is None or found[1].upper() != "TO" or not found[2]:
            await self._bad_command("501 5.5.4 RCPT TO:<address>")
        elif len(self._envelope.to) >= RECIPIENTS_MAX:
            await self._say("452 4.5.3 too many")
        elif refused := await self._post.recipient(found[2]):
            await self._say(refused)
        else:
            self._envelope.to.append(found[2])
            await self._say("250 2.1.5 ok")

    async def _data(self, _: str) -> None:
        envelope = self._envelope
        if envelope is None or not envelope.to:
            await self._bad_command("503 5.5.1 RCPT first")
            return
        await self._say("354 end with a line of one dot")
        raw = await self._text()
        self._envelope = None
        if raw is None:
            await self._say("552 5.3.4 too big")
            return
        await self._say(await self._post.mail(envelope, raw, self) or "250 2.0.0 caught")

    async def _text(self) -> bytes | None:
        """Read a mail up to its dot; None where it was too big."""
        lines: list[bytes] = []
        size = 0
        while (line := await self._line()) != b".\r\n":
            size += len(line)
            if size <= MAIL_BYTES_MAX:
                lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines) if size <= MAIL_BYTES_MAX else None

    async def _rset(self, _: str) -> None:
        self._envelope = None
        await self._say("250 2.0.0 ok")

    async def _noop(self, _: str) -> None:
        await self._say("250 2.0.0 ok")

    async def _bad_command(self, answer: str) -> None:
        self._bad += 1
        await self._say(answer)
        if self._bad > BAD_COMMANDS_MAX:
            raise HungUp

    async def _command(self) -> str:
        line = await self._line()
        if len(line) > COMMAND_BYTES_MAX:
            await self._say("500 5.5.2 too long")
            raise HungUp
        return line.decode("utf-8", "replace").rstrip("\r\n")

    async def _line(self) -> bytes:
        try:
            async with asyncio.timeout(IDLE_S_MAX):
                return await self._reader.readuntil(b"\r\n")
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise HungUp from error

    async def _say(self, answer: str) -> None:
        self._writer.write(f"{answer}\r\n".encode())
        try:
            await self._writer.drain()
        except OSError as error:
            raise HungUp from error


def _plain(text: str) -> str:
    return base64.b64decode(text, validate=True).decode()
