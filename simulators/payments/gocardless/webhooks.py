"""Signed deliveries: `Webhook-Signature: HMAC-SHA256(secret, BODY)` in hexadecimal.

One message may bring several events. It is repeated with growing pauses until a 2xx.
"""

import asyncio
import hashlib
import hmac

import aiohttp
import orjson

from simulators.faults import Faults
from simulators.journal import Journal
from simulators.payments.gocardless.book import Thing

RETRY_S = (0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0)
ANSWER_S = 20.0
TAKEN = range(200, 300)


class Deliveries:
    """Sends messages to one endpoint in the background."""

    def __init__(self, journal: Journal, faults: Faults) -> None:
        self._journal = journal
        self._faults = faults
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""
        self.secret = ""

    def deliver(self, message: Thing) -> None:
        """Begin to deliver a message, if anybody wants it; faults may drop or double it."""
        if not self.url:
            return
        faults = {one.name: one for one in self._faults.draw_webhook("message")}
        copies = faults["webhook_duplicate"].number if "webhook_duplicate" in faults else 1
        for _ in range(0 if "webhook_drop" in faults else copies):
            task = asyncio.create_task(self._until_taken(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Give up what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _until_taken(self, message: Thing) -> None:
        body = orjson.dumps(message)
        mark = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "gocardless-webhook-service/1.1",
            "Webhook-Signature": mark,
        }
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for pause_s in (0.0, *RETRY_S):
                await asyncio.sleep(pause_s)
                status = await self._attempt(session, body, headers)
                after = {"webhook": message["meta"]["webhook_id"], "status": status}
                self._journal.event(f"POST {self.url}", "message", face="outgoing", after=after)
                if status in TAKEN:
                    return

    async def _attempt(
        self, session: aiohttp.ClientSession, body: bytes, headers: dict[str, str]
    ) -> int | None:
        try:
            async with session.post(self.url, data=body, headers=headers) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None
