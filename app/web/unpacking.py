"""The body of a request from anybody: so many bytes at most, within a time, out of its packing.

What is packed is counted as it comes out, and a large one is unpacked beside the loop. It does not
know what the bytes mean.
"""

from __future__ import annotations

import asyncio
import zlib
from http import HTTPStatus

from aiohttp import web

BODY_BYTES_MAX = 256 * 1024
BODY_S_MAX = 20.0
# Up to here unpacking takes less than a millisecond.
AT_ONCE_BYTES_MAX = 8 * 1024
_GZIP, _ZLIB = 31, 15  # what zlib calls its wrappers
_WRAPPERS = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _ZLIB}


class Refused(Exception):
    """This body is not taken."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


async def read(
    request: web.BaseRequest, *, bytes_max: int = BODY_BYTES_MAX, within_s: float = BODY_S_MAX
) -> bytes:
    """Read a body whole. Raises Refused: too large, too slow, unknown packing, or torn."""
    packing = request.headers.get("Content-Encoding", "identity").strip().lower()
    if packing != "identity" and packing not in _WRAPPERS:
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    raw = await _whole(request, bytes_max, within_s)
    if packing == "identity" or not raw:
        return raw
    if len(raw) > AT_ONCE_BYTES_MAX:
        return await asyncio.to_thread(unpacked, raw, _WRAPPERS[packing], bytes_max)
    return unpacked(raw, _WRAPPERS[packing], bytes_max)


def unpacked(raw: bytes, wrapper: int, bytes_max: int) -> bytes:
    """Unpack what must be whole; never makes more than `bytes_max`. Raises Refused."""
    unpacking = zlib.decompressobj(wbits=wrapper)
    try:
        found = unpacking.decompress(raw, bytes_max + 1)
    except zlib.error:
        raise Refused(HTTPStatus.BAD_REQUEST) from None
    if len(found) > bytes_max:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if not unpacking.eof or unpacking.unused_data:
        raise Refused(HTTPStatus.BAD_REQUEST)
    return found


async def _whole(request: web.BaseRequest, bytes_max: int, within_s: float) -> bytes:
    if not request.can_read_body:
        return b""
    if (request.content_length or 0) > bytes_max:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    try:
        if request.content.is_eof():  # it is all here: most often, since most are small
            whole = request.content.read_nowait()
        else:
            async with asyncio.timeout(within_s):
                whole = await _parts(request, bytes_max)
    except TimeoutError:
        raise Refused(HTTPStatus.REQUEST_TIMEOUT) from None
    except web.RequestPayloadError:
        raise Refused(HTTPStatus.BAD_REQUEST) from None
    if len(whole) > bytes_max:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return whole


async def _parts(request: web.BaseRequest, bytes_max: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.content.iter_any():
        size += len(part)
        if size > bytes_max:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
