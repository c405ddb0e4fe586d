"""Mail over SMTP (RFC 5321): a connection for each letter, one limit for the whole talk.

Until its text was begun nothing can have been taken; from then on a lost answer leaves it open.
A certificate that does not fit ends the talk before anything is said.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPResponseException

from messages.letters.model import Letter
from messages.letters.paper import Sender, written
from messages.letters.server import MailServer, Tls
from terms.errors import Permanent, Retryable, TargetError, Unauthorized, Unreachable, untouched

ANSWER_CHARS_MAX = 300


class Smtp:
    """Hands letters to one mail server."""

    def __init__(
        self,
        server: MailServer,
        sender: Sender,
        *,
        deadline_s: float,
        machine_now: Callable[[], datetime],
    ) -> None:
        self.server = server
        self.sender = sender
        self.deadline_s = deadline_s
        self.machine_now = machine_now

    async def probe(self) -> None:
        """Greet the server and prove who we are, and no more. Raises a TargetError."""
        async with self._talk() as talk:
            await talk.client.noop()

    async def send(self, letter: Letter) -> None:
        """Hand a letter over, once.

        Raises a TargetError, `untouched` where it was certainly not taken.
        """
        content = written(letter, self.sender, self.machine_now()).as_bytes()
        async with self._talk() as talk:
            await talk.client.mail(self.sender.address)
            await talk.client.rcpt(letter.to)
            talk.is_open_ended = True
            await talk.client.data(content)
            talk.is_over = True

    @asynccontextmanager
    async def _talk(self) -> AsyncIterator[_Talk]:
        """Connect, hide the talk as the address says, and sign in; name what goes wrong."""
        talk = _Talk(client=self._client())
        try:
            async with asyncio.timeout(self.deadline_s):
                await talk.client.connect()
                yield talk
                await talk.client.quit()
        except (SMTPException, OSError) as error:
            if not talk.is_over:  # a farewell that fails takes nothing back
                raise self._told(error, talk) from error
        finally:
            talk.client.close()

    def _client(self) -> SMTP:
        server = self.server
        return SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user or None,
            password=server.password or None,
            local_hostname=self.sender.domain,
            timeout=self.deadline_s,
            use_tls=server.tls is Tls.AT_ONCE,
            start_tls=server.tls is Tls.ASKED,
            tls_context=None if server.tls is Tls.NONE else self._trust,
        )

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """Whom this machine trusts, read once."""
        return ssl.create_default_context()

    def _told(self, error: Exception, talk: _Talk) -> TargetError:
        """Put what the server or the way to it said into our classes."""
        if isinstance(error, SMTPResponseException):
            told = _answer(error)
            is_certain = _REFUSALS[0] <= error.code < _REFUSALS[-1]
        else:
            told = Unreachable(f"{self.server.host}:{self.server.port}: {_reason(error)}")
            is_certain = False
        return untouched(told) if is_certain or not talk.is_open_ended else told


@dataclass(slots=True, kw_only=True)
class _Talk:
    """One connection. Open-ended from where the text may have been taken, until it surely was."""

    client: SMTP
    is_open_ended: bool = False
    is_over: bool = False


# RFC 5321, 4.2.1: 4yz may be tried again, 5yz never; both say that nothing was done.
_REFUSALS = (400, 500, 600)


def _answer(error: SMTPResponseException) -> TargetError:
    text = f"the mail server answered {error.code} {_printable(error.message)}"
    if not _REFUSALS[1] <= error.code < _REFUSALS[2]:
        return Retryable(text)
    return Unauthorized(text) if isinstance(error, SMTPAuthenticationError) else Permanent(text)


def _reason(error: BaseException) -> str:
    """Say in one line why the talk broke off."""
    cause = error.__cause__
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__
    found = cause if cause is not None else error
    if isinstance(found, ssl.SSLCertVerificationError):
        return f"a certificate that is not trusted: {found.verify_message}"
    if isinstance(found, TimeoutError):
        return "it took too long"
    return _printable(str(found)) or type(found).__name__


def _printable(text: str) -> str:
    """Make one line of words of others that any database takes."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return line.strip()[:ANSWER_CHARS_MAX]
