"""Signed deliveries of events: `Stripe-Signature: t=TIME,v1=HMAC-SHA256(secret, TIME.BODY)`.

At least once, in no promised order, repeated with growing pauses until a 2xx. Every attempt is
journalled with the moment at which its last byte was handed to the network.
"""

import asyncio
import contextlib
import hashlib
import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from simulators.clock import SkewedClock
from simulators.faults import Fault, Faults
from simulators.journal import Journal
from simulators.payments.stripe.book import Book, Thing

RETRY_MS = (200, 400, 800, 1600, 3200, 5000, 5000, 5000, 10_000, 10_000, 30_000, 60_000)
ANSWER_S = 20.0
HEAD_BYTES_MAX = 65_536
REORDER_S = 2.0
TAKEN = range(200, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where events go, and the secret they are signed with."""

    thing: Thing
    secret: str

    def wants(self, type_: str) -> bool:
        """Tell whether events of a type go there."""
        types = self.thing["enabled_events"]
        return "*" in types or type_ in types


class Endpoints:
    """All endpoints."""

    def __init__(self) -> None:
        self._endpoints: dict[str, Endpoint] = {}

    def add(self, book: Book, url: str, secret: str, types: Sequence[str] = ("*",)) -> Thing:
        """Add an endpoint."""
        thing = book.new(
            "we", "webhook_endpoint", url=url, enabled_events=list(types), status="enabled"
        )
        self._endpoints[thing["id"]] = Endpoint(thing=thing, secret=secret)
        return thing

    def remove(self, number: str) -> Thing | None:
        """Remove an endpoint."""
        gone = self._endpoints.pop(number, None)
        return None if gone is None else gone.thing

    def clear(self) -> None:
        """Remove all."""
        self._endpoints.clear()

    def shown(self) -> list[Thing]:
        """Show all, without their secrets."""
        return [endpoint.thing for endpoint in self._endpoints.values()]

    def wanting(self, type_: str) -> list[Endpoint]:
        """List those an event of a type goes to."""
        return [endpoint for endpoint in self._endpoints.values() if endpoint.wants(type_)]


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """Sign a body as the header `Stripe-Signature` carries it."""
    signed = f"{timestamp}.".encode() + body
    mark = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={mark}"


class Deliveries:
    """Sends events to endpoints in the background; faults delay, double, reorder, drop them."""

    def __init__(
        self, endpoints: Endpoints, journal: Journal, clock: SkewedClock, faults: Faults
    ) -> None:
        self._endpoints = endpoints
        self._journal = journal
        self._clock = clock
        self._faults = faults
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: list[tuple[Endpoint, Thing]] = []
        self.retry_ms: Sequence[int] = RETRY_MS

    def deliver(self, event: Thing) -> None:
        """Begin to deliver an event to every endpoint that wants it."""
        for endpoint in self._endpoints.wanting(event["type"]):
            event["pending_webhooks"] += 1
            self._begin(endpoint, event, self._faults.draw_webhook(event["type"]))

    def repeat(self, event: Thing, copies: int) -> None:
        """Deliver an event again, several times at once, whatever the faults."""
        for endpoint in self._endpoints.wanting(event["type"]):
            for _ in range(copies):
                self._spawn(endpoint, event, 0.0)

    async def stop(self) -> None:
        """Give up what is under way."""
        self._held.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, endpoint: Endpoint, event: Thing, faults: Sequence[Fault]) -> None:
        by_name = {fault.name: fault for fault in faults}
        for name in by_name:
            self._journal.faults[name] += 1
        if "webhook_drop" in by_name:
            self._note(endpoint, event, 0, {"status": None, "why": "dropped"}, "webhook_drop")
            return
        delay = by_name.get("webhook_delay")
        copies = by_name.get("webhook_duplicate")
        for _ in range(1 if copies is None else copies.number):
            reorder = by_name.get("webhook_reorder")
            if reorder is not None:
                self._hold(endpoint, event, reorder.number)
            else:
                self._spawn(endpoint, event, 0.0 if delay is None else delay.seconds)

    def _hold(self, endpoint: Endpoint, event: Thing, enough: int) -> None:
        """Hold events back until enough wait, or for a while, then send the newest first."""
        self._held.append((endpoint, event))
        if len(self._held) >= enough:
            self._release()
        else:
            asyncio.get_running_loop().call_later(REORDER_S, self._release)

    def _release(self) -> None:
        held, self._held = self._held, []
        for at, (endpoint, event) in enumerate(reversed(held)):
            self._spawn(endpoint, event, at * 0.05)

    def _spawn(self, endpoint: Endpoint, event: Thing, delay_s: float) -> None:
        task = asyncio.create_task(self._until_taken(endpoint, event, delay_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _until_taken(self, endpoint: Endpoint, event: Thing, delay_s: float) -> None:
        body = orjson.dumps({**event, "pending_webhooks": 1})
        pauses = [delay_s, *(pause / 1000 for pause in self.retry_ms)]
        for attempt, pause_s in enumerate(pauses, 1):
            if pause_s > 0:
                await asyncio.sleep(pause_s)
            result = await self._attempt(endpoint, body)
            self._note(endpoint, event, attempt, result, None)
            status = result["status"]
            if status in TAKEN:
                event["pending_webhooks"] = max(0, event["pending_webhooks"] - 1)
                return

    async def _attempt(self, endpoint: Endpoint, body: bytes) -> dict[str, Any]:
        """Post once; tell the status, or why there is none."""
        head = _head(endpoint.thing["url"], self._signed(endpoint, body), len(body))
        place = urlsplit(endpoint.thing["url"])
        sent_ns: int | None = None
        try:
            async with asyncio.timeout(ANSWER_S):
                reader, writer = await asyncio.open_connection(
                    place.hostname, place.port or 80, limit=HEAD_BYTES_MAX
                )
                with contextlib.closing(writer):
                    writer.write(head + body)  # handed to the kernel before write() returns
                    sent_ns = time.time_ns()
                    await writer.drain()
                    line = await reader.readline()
                    answered_ns = time.time_ns()
                    await reader.read()
                    status = int(line.split()[1])
        except (OSError, TimeoutError, ValueError, IndexError) as error:
            why = type(error).__name__
            return {"status": None, "why": why, "sent_ns": sent_ns, "answered_ns": None}
        return {"status": status, "why": None, "sent_ns": sent_ns, "answered_ns": answered_ns}

    def _signed(self, endpoint: Endpoint, body: bytes) -> str:
        return signature(endpoint.secret, int(self._clock.seconds()), body)

    def _note(
        self,
        endpoint: Endpoint,
        event: Thing,
        attempt: int,
        result: dict[str, Any],
        fault: str | None,
    ) -> None:
        thing = event["data"]["object"]
        after = {
            "event": event["id"],
            "type": event["type"],
            "attempt": attempt,
            "metadata": thing.get("metadata", {}),
            **result,
        }
        self._journal.event(
            f"POST {endpoint.thing['url']}", thing["id"], face="outgoing", after=after, fault=fault
        )


def _head(url: str, signed: str, length: int) -> bytes:
    place = urlsplit(url)
    target = (place.path or "/") + (f"?{place.query}" if place.query else "")
    lines = (
        f"POST {target} HTTP/1.1",
        f"Host: {place.netloc}",
        "User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Accept: */*",
        "Content-Type: application/json; charset=utf-8",
        f"Content-Length: {length}",
        f"Stripe-Signature: {signed}",
        "Connection: close",
        "",
        "",
    )
    return "\r\n".join(lines).encode()
