"""Does to a connection what a fault says: reset, break off, drip, flood, or answer with an error.

The only code that touches a transport on purpose. The words of a refusal come from the kind.
"""

import asyncio
import socket
import struct

from aiohttp import web

from simulators.call import Reply
from simulators.faults import Fault

_FLOOD_CHUNK = b'"' + b"x" * 65_534 + b'"'
_LOGIN_PAGE = (
    b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><form method=post>"
    b"<input name=login><input name=password type=password><button>Sign in</button>"
    b"</form></body></html>"
)
_REFUSALS = frozenset({"error", "throttled", "unauthorized", "conflict", "refused"})


def words(fault: Fault, dialect: Reply) -> Reply | None:
    """Give the whole answer a fault stands for, or None where it is no answer."""
    if fault.name == "garbage" and fault.argument == "login":
        return Reply(body=_LOGIN_PAGE, content_type="text/html")
    if fault.name in _REFUSALS or fault.name == "garbage":
        return dialect
    return None


def cut_off(request: web.BaseRequest) -> web.StreamResponse:
    """Reset the connection (TCP RST)."""
    transport = request.transport
    if transport is not None:
        peer: socket.socket | None = transport.get_extra_info("socket")
        if peer is not None:
            # A linger time of zero makes close() send RST instead of FIN.
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


def whole(reply: Reply) -> web.Response:
    """Turn a reply into an HTTP answer."""
    headers = dict(reply.headers)
    headers["Content-Type"] = reply.content_type
    return web.Response(status=reply.status, body=reply.body, headers=headers)


async def hurt(request: web.BaseRequest, fault: Fault, reply: Reply) -> web.StreamResponse:
    """Answer a request whose effect was applied, as the fault wishes."""
    if fault.name == "half":
        return await _half(request, fault, reply)
    if fault.name == "huge":
        return await _flood(request, fault.size_bytes)
    if fault.name == "drip":
        return await _drip(request, fault.seconds, reply)
    return cut_off(request)


async def _begin(request: web.BaseRequest, reply: Reply, length: int | None) -> web.StreamResponse:
    answer = web.StreamResponse(status=reply.status, headers=dict(reply.headers))
    answer.headers["Content-Type"] = reply.content_type
    answer.content_length = length
    await answer.prepare(request)
    return answer


async def _half(request: web.BaseRequest, fault: Fault, reply: Reply) -> web.StreamResponse:
    part = reply.body[: max(1, len(reply.body) // 2)]
    if fault.argument == "json":
        return whole(
            Reply(
                status=reply.status,
                body=part,
                content_type=reply.content_type,
                headers=reply.headers,
            )
        )
    answer = await _begin(request, reply, len(reply.body))
    await answer.write(part)
    if request.transport is not None:
        request.transport.close()
    return answer


async def _flood(request: web.BaseRequest, size_bytes: int) -> web.StreamResponse:
    answer = await _begin(request, Reply(), None)
    left = size_bytes
    while left > 0:
        await answer.write(_FLOOD_CHUNK[:left])
        left -= len(_FLOOD_CHUNK)
    await answer.write_eof()
    return answer


async def _drip(request: web.BaseRequest, pause_s: float, reply: Reply) -> web.StreamResponse:
    answer = await _begin(request, reply, len(reply.body))
    for at in range(len(reply.body)):
        await answer.write(reply.body[at : at + 1])
        await asyncio.sleep(pause_s)
    await answer.write_eof()
    return answer
