"""Messages of a payment provider, each of which pays an invoice: from the door to the ledger.

The product is asked by one process of its own over many connections and works in another. The limit
is the very rows that the messages become, known beforehand and written into a twin of the database
by plain inserts of the bare driver, a transaction for each message.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.desk.targets import switch
from app.roles import billing
from app.shape import bring_up, open_house
from app.wiring import House
from bench.asking import ask
from bench.bill_run import paid_household
from bench.billing_process import settings
from bench.crowd import CONTRACT, columns_of, go_to_the_first, multiply
from bench.database import Services, fresh_services
from bench.latency import WEBHOOK_SECRET
from bench.product import LOOK_EVERY_S, REST_DEADLINE_S, serving, workers
from bench.report import Result, against, at_least
from bench.twin import Chunk, each_postgres, twin_of

MESSAGES = int(os.environ.get("BOXOFFICE_BENCH_MESSAGES", "20000"))
CONNECTIONS, WORKERS = 64, 1
LEAST_A_SECOND, SHARE = 1_500, 0.60
PROVIDER = "cards"
# What a message becomes, in the order of writing, and how it belongs to its movement `m`.
BECAME = {
    "provider_event": "substr(t.event_id, 5) = substr(m.charge, 4)",
    "movement": "t.id = m.id",
    "allocation": "t.payer_id = m.id",
    "entry": "t.posting_id = m.id",
    "posting": "t.id = m.id",
}


async def run() -> list[Result]:
    """Have a crowd pay what it owes, on PostgreSQL."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="boxoffice-bench-")))
        services = await stack.enter_async_context(fresh_services())
        owed = await _owing(folder, services.postgres)
        twin = await stack.enter_async_context(twin_of(services.postgres))
        took_s = await _paid(folder, services, owed)
        async with open_house(settings(folder, services.postgres)) as house:
            limit_s = await each_postgres(twin, await _became(house))
    speed, limit = MESSAGES / took_s, MESSAGES / limit_s
    return [
        against("webhooks", speed, limit, unit="messages/s", target=SHARE),
        at_least("webhooks_least", speed, unit="messages/s", target=LEAST_A_SECOND),
    ]


async def _owing(folder: Path, url: str) -> int:
    """Have a crowd of which each household owes an invoice; returns how much, in minor units."""
    await bring_up(settings(folder, url))
    async with open_house(settings(folder, url)) as house:
        await paid_household(house)
        async with house.store.begin() as tx:
            await multiply(tx, MESSAGES)
        await go_to_the_first(house)
        await billing.run(house, lambda *_: None, actor="bench")
        async with house.store.begin() as tx:
            await tx.driver("ANALYZE")
            found = await tx.fetch("SELECT count(*), max(rest_minor) FROM open_item")
        ((count, owed),) = found
        if count != MESSAGES:
            raise RuntimeError(f"{count} invoices are open and not {MESSAGES}")
        # What its money turns on is no part of this: the targets of these files are nowhere.
        async with house.store.begin() as tx:
            for name in [row[0] for row in await tx.fetch("SELECT name FROM target")]:
                await switch(house, tx, name, on=False, actor="bench")
        return int(owed)


async def _paid(folder: Path, services: Services, owed: int) -> float:
    """Have the messages taken, until the last is in the ledger; returns the seconds."""
    more = services.settings(allow_time_travel="true")
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(open_house(settings(folder, services.postgres)))
        product = await stack.enter_async_context(serving(folder, "web", more))
        await stack.enter_async_context(workers(folder, WORKERS, more))
        await _settled(house)
        port = urlsplit(product.url).port or 0
        requests = [_request(port, number, owed) for number in range(MESSAGES)]
        begun_s = time.perf_counter()
        asked = await ask(port, requests, connections=CONNECTIONS)
        await _settled(house)
        took_s = time.perf_counter() - begun_s
    if asked.statuses != {"200": MESSAGES}:
        raise RuntimeError(f"not all were taken: {asked.statuses}")
    return took_s


async def _settled(house: House) -> None:
    """Wait until no message is to be taken up and no account is due."""
    query = (
        "SELECT 1 FROM work WHERE kind IN ('intake', 'settle', 'compose') AND due_at <= $1 LIMIT 1"
    )
    async with asyncio.timeout(REST_DEADLINE_S):
        while True:
            async with house.store.read() as tx:
                now = await house.clock.business_now(tx)
                due = await tx.fetch(query, (int(now.timestamp() * 1_000_000),))
            if not due:
                return
            await asyncio.sleep(LOOK_EVERY_S)


def _request(port: int, number: int, owed: int) -> str:
    intent = {
        "id": f"pi_{number:09}",
        "object": "payment_intent",
        "amount": owed,
        "amount_received": owed,
        "currency": "eur",
        "metadata": {"account": f"{int(CONTRACT) + number}"},
        "status": "succeeded",
    }
    kind = "payment_intent.succeeded"
    event = {"id": f"evt_{number:09}", "object": "event", "type": kind, "data": {"object": intent}}
    body, at = json.dumps(event), int(time.time())
    digest = hmac.new(WEBHOOK_SECRET.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    heads = [f"POST /hooks/payments/{PROVIDER} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    heads += [f"Stripe-Signature: t={at},v1={digest}", "Content-Type: application/json"]
    return "\r\n".join([*heads, f"Content-Length: {len(body)}", "", body])


async def _became(house: House) -> list[Chunk]:
    """Read what each message has become."""
    chunks: dict[str, Chunk] = {}
    async with house.store.read() as tx:
        for name, found in BECAME.items():
            columns = tuple(column for column, _ in await columns_of(tx, name))
            listed = ", ".join(f't."{column}"' for column in columns)
            rows = await tx.fetch(
                f'SELECT m.id, {listed} FROM movement m JOIN "{name}" t ON {found} '  # noqa: S608
                f"WHERE m.provider = '{PROVIDER}'"
            )
            of_each: dict[str, list[tuple[Any, ...]]] = {}
            for key, *values in rows:
                of_each.setdefault(key, []).append(tuple(values))
            for key, mine in of_each.items():
                chunks.setdefault(key, []).append((name, columns, mine))
    if [len(one) for one in chunks.values()] != [len(BECAME)] * MESSAGES:
        raise RuntimeError("not every message is in the ledger")
    return list(chunks.values())
