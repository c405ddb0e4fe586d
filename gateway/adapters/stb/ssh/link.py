"""The link to one box: one verb for each exec request, its words quoted, its answer bounded.

There is no shell. What a line means is the box's own affair; an exit code is an error's class here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import asyncssh

from gateway.adapters import boxes
from gateway.adapters.stb.ssh.options import SshOptions
from terms.errors import Permanent, Retryable, TargetError, Unreachable, untouched

STDERR_BYTES_MAX = 1024
BUSY = 5
REFUSED = {
    2: "does not understand the line",
    3: "does not know the verb",
    4: "does not take the value",
    6: "has no room left",
}
_WORD = re.compile(r"[0-9A-Za-z,._-]+")
_LINE = re.compile(r"([a-z_]+)=(.*)")


@dataclass(slots=True, eq=False)
class Link:
    """The link to one box: a lock, and the connection while somebody needs it."""

    options: SshOptions
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    where: tuple[str, str] = ("", "")
    first_key: str = ""
    connection: asyncssh.SSHClientConnection | None = None
    closing: asyncio.TimerHandle | None = None

    def taken(self) -> asyncssh.SSHClientConnection | None:
        """Give the connection away: from now on there is none."""
        if self.closing is not None:
            self.closing.cancel()
        connection, self.connection, self.closing = self.connection, None, None
        return connection

    async def ask(self, verb: str, *words: str) -> Mapping[str, str]:
        """Say one verb and read its answer. Raises what the exit code stands for."""
        line = " ".join([verb, *map(quoted, words)])
        session = await self._said(line)
        if session.is_too_long:
            raise Permanent(f"the box answers more than {self.options.output_bytes_max} bytes")
        if session.code != 0:
            raise _refusal(verb, session)
        return _read(bytes(session.output))

    async def _said(self, line: str) -> _Session:
        assert self.connection is not None  # noqa: S101 - opened by whoever gave this link away
        session = _Session(self.options.output_bytes_max)
        deadline_s = self.options.exec_deadline_s
        try:
            async with asyncio.timeout(deadline_s):
                await self.connection.create_session(lambda: session, line, encoding=None)
                await session.ended.wait()
        except TimeoutError:
            raise Unreachable(f"the box gave no answer in {deadline_s:g} s") from None
        except asyncssh.ChannelOpenError as error:
            if error.code == asyncssh.OPEN_CONNECT_FAILED:
                raise Unreachable("the box broke the link") from None
            raise untouched(Retryable("the box takes no other session now")) from None
        except (asyncssh.Error, OSError):
            raise Unreachable("the box broke the link") from None
        if session.code is None and not session.is_too_long:
            raise Unreachable("the link broke before the answer ended")
        return session


class _Session(asyncssh.SSHClientSession[bytes]):
    """One command: its output up to a limit, its complaint, its exit code."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self.ended = asyncio.Event()
        self.output = bytearray()
        self.complaint = bytearray()
        self.is_too_long = False
        self.code: int | None = None

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """Remember where the exit code will be."""
        self._channel = chan

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """Keep what is said, and no more than that."""
        if datatype == asyncssh.EXTENDED_DATA_STDERR:
            self.complaint += data[: STDERR_BYTES_MAX - len(self.complaint)]
        elif len(self.output) + len(data) <= self._bytes_max:
            self.output += data
        else:
            self.is_too_long = True
            self.ended.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the exit code, if there was one."""
        if exc is None and self._channel is not None:
            self.code = self._channel.get_exit_status()
        self.ended.set()


def quoted(word: str) -> str:
    """Give one word of a line: bare where it is plain, else in quotes, whatever is in it."""
    if _WORD.fullmatch(word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _refusal(verb: str, session: _Session) -> TargetError:
    complaint = boxes.plain(bytes(session.complaint).decode(errors="replace"))
    why = f"{verb!r}: {complaint}" if complaint else repr(verb)
    if session.code == BUSY:
        return Retryable(f"the box is busy, {why}")
    if session.code in REFUSED:
        return untouched(Permanent(f"the box {REFUSED[session.code]}, {why}"))
    return Retryable(f"the box ended with code {session.code}, {why}")


def _read(output: bytes) -> Mapping[str, str]:
    try:
        lines = output.decode().splitlines()
    except UnicodeDecodeError:
        raise Retryable("the box answers something that is no text") from None
    found = (_LINE.fullmatch(line) for line in lines)
    return {one[1]: one[2] for one in found if one}
