"""The one client door to HTTP: one request, one answer, within a deadline and a size.

It connects only to addresses of the given networks, and it is made of aiohttp's connector, request
and response without the session around them: what a session adds, cookies, redirects and a second
try, is what must not happen here. What an answer means is the caller's.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import lru_cache

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientError,
    ClientRequest,
    ClientResponse,
    ClientTimeout,
    InvalidURL,
    TCPConnector,
)
from yarl import URL

from runtime.names import addresses_of
from runtime.networks import Networks
from terms.errors import Permanent, Retryable, TargetError, Unreachable, untouched
from terms.http import Answer

IN_FLIGHT_MAX = 64
DEADLINE_S = 8.0
BODY_BYTES_MAX = 1 << 20
# Apache drops a kept connection after 5 s; leaving it first avoids meeting that very moment,
# since a request that is lost there is not repeated.
KEEP_ALIVE_S = 4.0
# The deadline is one for the whole call; aiohttp's own would cover a part each.
_NO_TIMEOUT = ClientTimeout()

_AddressInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]


class _AddressRefused(OSError):
    """The address is outside the networks. An OSError, so that a host's next address is tried."""


class HttpDoor:
    """Talks to whoever lives in `networks`; at most `in_flight_max` requests at once.

    It opens at the first call and closes once, for good. The deadline covers everything: the wait
    for a free connection, the name, the connection, the request and the whole body. A body is
    counted as it comes out of its compression. Who is refused is told the `setting` to look at.
    """

    def __init__(
        self,
        *,
        networks: Sequence[str],
        in_flight_max: int = IN_FLIGHT_MAX,
        deadline_s: float = DEADLINE_S,
        body_bytes_max: int = BODY_BYTES_MAX,
        user_agent: str = "boxoffice",
        setting: str = "",
    ) -> None:
        self._networks = Networks(networks)
        # One text for all addresses: only where every one is refused is the host refused.
        self._outside = "outside the allowed networks" + (
            f" (setting {setting})" if setting else ""
        )
        self._in_flight_max = in_flight_max
        self._deadline_s = deadline_s
        self._body_bytes_max = body_bytes_max
        self._headers = {"User-Agent": user_agent}
        self._connector: TCPConnector | None = None
        self._is_closed = False

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        deadline_s: float | None = None,
        body_bytes_max: int | None = None,
    ) -> Answer:
        """Make one request. The URL goes out as it is written: quote it first.

        Raises:
            Unreachable: nobody answered within the deadline, the connection broke, or the door was
                closed meanwhile. After a write this says nothing about its effect, unless it is
                untouched: nobody was there to be talked to.
            Retryable: the door is closed already; nothing was sent.
            Permanent: the body is larger than allowed, or the URL or its address is refused.
        """
        target = _checked(url)
        within_s = self._deadline_s if deadline_s is None else deadline_s
        bytes_max = self._body_bytes_max if body_bytes_max is None else body_bytes_max
        try:
            async with asyncio.timeout(within_s):
                return await self._exchange(method, target, headers, body, bytes_max)
        except TimeoutError:
            raise Unreachable(f"{_where(target)} gave no answer in {within_s:g} s") from None
        except (ClientError, UnicodeError, OSError) as error:
            raise _translated(error, target) from None
        except asyncio.CancelledError:
            # A connector that closes cancels what waits in it, though nobody cancelled the caller.
            if self._is_closed and not _is_cancelled():
                raise Unreachable(f"the door to {_where(target)} was closed") from None
            raise

    async def resolve(self, host: str, *, deadline_s: float | None = None) -> str:
        """Find the numeric address of a host. Raises Unreachable and Permanent, both untouched."""
        within_s = self._deadline_s if deadline_s is None else deadline_s
        try:
            async with asyncio.timeout(within_s):
                found = await addresses_of(host)
        except UnicodeError:
            raise untouched(Permanent(f"{host} is not a host")) from None
        except OSError:  # a time-out is one, too
            raise untouched(Unreachable(f"nobody knows the name {host}")) from None
        for address in found:
            if address in self._networks:
                return address
        raise untouched(Permanent(f"{host} is {self._outside}"))

    async def aclose(self) -> None:
        """Close every connection for good; calls on their way end as Unreachable."""
        self._is_closed = True
        connector, self._connector = self._connector, None
        if connector is not None:
            await connector.close()

    async def _exchange(
        self,
        method: str,
        target: URL,
        headers: Mapping[str, str] | None,
        body: bytes | None,
        bytes_max: int,
    ) -> Answer:
        connector = self._connector or self._open(target)
        request = ClientRequest(
            method,
            target,
            headers={**self._headers, **headers} if headers else self._headers,
            data=body,
            loop=asyncio.get_running_loop(),
        )
        # Closing does nothing to a connection whose answer was read to its end.
        with closing(await connector.connect(request, [], _NO_TIMEOUT)) as connection:
            connection.protocol.set_response_params(  # type: ignore[union-attr]
                skip_payload=method == "HEAD", read_until_eof=True, auto_decompress=True
            )
            with closing(await request.send(connection)) as response:
                await response.start(connection)
                content = await _read(response, bytes_max)
        return Answer(status=response.status, headers=response.headers, body=content)

    def _open(self, target: URL) -> TCPConnector:
        # Whoever still holds a closed door must not open it unseen: nobody would close it again.
        if self._is_closed:
            raise untouched(Retryable(f"the door to {_where(target)} is closed"))
        self._connector = TCPConnector(
            limit=self._in_flight_max,
            keepalive_timeout=KEEP_ALIVE_S,
            socket_factory=self._open_socket,
        )
        return self._connector

    def _open_socket(self, address: _AddressInfo) -> socket.socket:
        family, kind, protocol, _, place = address
        if place[0] not in self._networks:
            raise _AddressRefused(errno.EACCES, self._outside)
        return socket.socket(family, kind, protocol)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _read(response: ClientResponse, bytes_max: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while not response.content.at_eof():
        part = await response.content.readany()
        size += len(part)
        if size > bytes_max:
            raise Permanent(f"{_where(response.url)} sent a body larger than {bytes_max} bytes")
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


@lru_cache(maxsize=256)  # a write follows a look at the same address, and another look the write
def _checked(url: str) -> URL:
    """Parse without quoting anew. Raises Permanent for what must not go on the wire."""
    # No blank, no control character, nothing to be encoded differently by two readers.
    if not (url.isascii() and url.isprintable()) or " " in url:
        raise Permanent("a URL must be printable ASCII without blanks")
    try:
        target = URL(url, encoded=True)
        host, _ = target.raw_host, target.port
    except ValueError:
        raise Permanent("not a URL") from None
    if target.scheme not in ("http", "https") or not host:
        raise Permanent("a URL must begin with http:// or https:// and name a host")
    if target.raw_user is not None or target.raw_password is not None:
        raise Permanent("a URL must not carry a user or a password")
    return target


def _where(url: URL) -> str:
    """Name the server alone: a path may hold a login, a query a secret."""
    return f"{url.raw_host}:{url.port}"


def _translated(error: Exception, url: URL) -> TargetError:
    where = _where(url)
    if isinstance(error, ClientConnectorCertificateError):
        reason = getattr(error.certificate_error, "verify_message", "it cannot be verified")
        return Unreachable(f"{where} has a certificate that is not trusted: {reason}")
    if isinstance(error, ClientConnectorError):
        if isinstance(error.os_error, _AddressRefused):
            return Permanent(f"{where} is {error.os_error.strerror}")
        reason = error.os_error.strerror or type(error.os_error).__name__
        return untouched(Unreachable(f"{where} cannot be connected to: {reason}"))
    if isinstance(error, InvalidURL | UnicodeError):
        return Permanent(f"{where} is not a host")
    # The error's own text may repeat parts of the request or of the answer.
    return Unreachable(f"{where} broke the connection ({type(error).__name__})")
