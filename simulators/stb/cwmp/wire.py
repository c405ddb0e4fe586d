"""One session's HTTP: posts, challenges, cookies, and the ways in which a box's link is bad.

A wire belongs to one session and one box, so its connection is never shared; a new session starts
without connection, cookies and credentials. It knows nothing of what a body says.
"""

import asyncio
import base64
import contextlib
import gzip
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from random import Random
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import aiohttp

from simulators.stb.cwmp import digest
from simulators.stb.cwmp.soap import MESSAGE_BYTES_MAX

ANSWER_S = 30.0
REDIRECTS_MAX = 5

_JAR_OF_NOBODY = aiohttp.DummyCookieJar
_NO_AUTO = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_SOAP = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": ""}


class Broken(Exception):
    """The session cannot go on; the text says why."""


class Lost(Broken):
    """The connection is gone, or nobody took it."""


class Refused(Broken):
    """The ACS does not take the credentials."""


class Shed(Broken):
    """The ACS is busy; it may have said for how long."""

    def __init__(self, retry_after_s: float | None) -> None:
        super().__init__("503")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where a box calls, and as whom."""

    url: str
    username: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: status, headers, and the whole body."""

    status: int
    headers: "Sequence[tuple[str, str]]"
    body: bytes

    def all(self, name: str) -> list[str]:
        """List the values of a header, which may come several times."""
        return [value for key, value in self.headers if key.lower() == name]


class Wire:
    """The connection of one session to the ACS."""

    def __init__(self, account: Account, rng: Random, *, answer_s: float = ANSWER_S) -> None:
        self.exchanges = 0
        self.bytes_out = 0
        self._account = account
        self._url = account.url
        self._rng = rng
        self._answer_s = answer_s
        self._cookies: dict[str, str] = {}
        self._challenge: digest.Challenge | None = None
        self._is_basic = False
        self._last_proof = ""
        self._client: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.hang_up()

    async def hang_up(self) -> None:
        """Close the TCP connection; cookies and challenge stay, so the session can go on."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def post(self, body: bytes, *, is_replay: bool = False) -> bytes:
        """Post a body and tell the answer's; empty means that the ACS has ended the session.

        Raises Lost, Refused, Shed, or Broken for any other status.
        """
        answer = await self._authorised(body, is_replay=is_replay)
        for _ in range(REDIRECTS_MAX):
            if answer.status not in {302, 307} or not answer.all("location"):
                break
            self._url = urljoin(self._url, answer.all("location")[0])
            await self.hang_up()
            answer = await self._authorised(body, is_replay=False)
        if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
            raise Shed(_retry_after_s(answer))
        if answer.status not in {200, 204}:
            raise Broken(f"status {answer.status}")
        return answer.body

    async def drip(self, body: bytes, pause_s: float) -> None:
        """Post a body byte by byte until it is all told or the ACS has had enough of it."""
        headers = {**_SOAP, "Content-Length": str(len(body))}
        await self._send(_dripping(body, pause_s), headers, deadline_s=None)
        raise Broken("it dripped")

    async def post_torn_gzip(self, body: bytes) -> Answer:
        """Post a body that claims to be gzip and breaks in the middle."""
        packed = bytearray(gzip.compress(body))
        middle = len(packed) // 2
        packed[middle : middle + 16] = bytes(16)
        return await self._send(
            bytes(packed), {**_SOAP, "Content-Encoding": "gzip"}, deadline_s=self._answer_s
        )

    async def _authorised(self, body: bytes, *, is_replay: bool) -> Answer:
        """Post with the proof the ACS asked for last, and once more where it asks for another."""
        answer = await self._proven(body, is_replay=is_replay)
        if answer.status != HTTPStatus.UNAUTHORIZED:
            return answer
        self._take_up(answer)
        answer = await self._proven(body, is_replay=False)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise Refused("401")
        return answer

    async def _proven(self, body: bytes, *, is_replay: bool) -> Answer:
        headers = dict(_SOAP) if body else {}
        proof = self._last_proof if is_replay else self._proof()
        if proof:
            headers["Authorization"] = self._last_proof = proof
        return await self._send(body, headers, deadline_s=self._answer_s)

    def _take_up(self, answer: Answer) -> None:
        offered = answer.all("www-authenticate")
        self._challenge = digest.challenge(offered)
        self._is_basic = any(one.lower().startswith("basic") for one in offered)
        if self._challenge is None and not self._is_basic:
            raise Refused("401 without a challenge that could be answered")

    def _proof(self) -> str:
        account = self._account
        if self._challenge is not None:
            place = urlsplit(self._url)
            return self._challenge.header(
                username=account.username,
                password=account.password,
                method="POST",
                uri=(place.path or "/") + (f"?{place.query}" if place.query else ""),
                rng=self._rng,
            )
        if self._is_basic:
            told = f"{account.username}:{account.password}".encode()
            return "Basic " + base64.b64encode(told).decode()
        return ""

    async def _send(
        self,
        body: "bytes | AsyncIterator[bytes]",
        headers: Mapping[str, str],
        *,
        deadline_s: float | None,
    ) -> Answer:
        sent = dict(headers)
        if self._cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        self.exchanges += 1
        try:
            async with asyncio.timeout(deadline_s):
                answer = await self._exchange(body, sent)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            await self.hang_up()
            raise Lost(type(error).__name__) from None
        for told in answer.all("set-cookie"):
            name, _, value = told.partition(";")[0].partition("=")
            self._cookies[name.strip()] = value.strip()
        return answer

    async def _exchange(
        self, body: "bytes | AsyncIterator[bytes]", headers: Mapping[str, str]
    ) -> Answer:
        if self._client is None:
            self._client = _client()
        posted = self._client.post(self._url, data=body, headers=headers, allow_redirects=False)
        async with posted as response:
            told = await response.content.read(MESSAGE_BYTES_MAX + 1)
            while not response.content.at_eof() and len(told) <= MESSAGE_BYTES_MAX:
                told += await response.content.read(MESSAGE_BYTES_MAX + 1 - len(told))
            if len(told) > MESSAGE_BYTES_MAX:
                raise Broken(f"an answer of more than {MESSAGE_BYTES_MAX} bytes")
            return Answer(status=response.status, headers=list(response.headers.items()), body=told)


def _client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=1),
        cookie_jar=_JAR_OF_NOBODY(),
        skip_auto_headers=_NO_AUTO,
        timeout=aiohttp.ClientTimeout(),
    )


async def _dripping(body: bytes, pause_s: float) -> AsyncIterator[bytes]:
    for at in range(len(body)):
        yield body[at : at + 1]
        await asyncio.sleep(pause_s)


def _retry_after_s(answer: Answer) -> float | None:
    """Read Retry-After as seconds or as an HTTP date."""
    for told in answer.all("retry-after"):
        if told.strip().isdigit():
            return float(told)
        with contextlib.suppress(ValueError, TypeError):
            return max(0.0, (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds())
    return None
