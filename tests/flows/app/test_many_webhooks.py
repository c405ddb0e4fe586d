"""What payment providers, and those who pretend to be one, send to the running product."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

import pytest
from aiohttp import ClientSession, TCPConnector

from tests.flows.app.operation import Operation, operation, until
from tests.flows.app.operator import (
    PORTAL_PASSWORD,
    PROVIDER,
    PROVIDER_KEY,
    WEBHOOK_SECRET,
    contract_of,
)
from tests.flows.app.paying import cleared, signed

pytestmark = pytest.mark.timeout(180)  # it starts processes

COPIES_COUNT = 50
HOOK = f"/hooks/payments/{PROVIDER}"
CANARY = "canary-of-a-payer"
EVENT = cleared(contract_of(3), 2040, event="evt_forged", charge=CANARY)


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operation]:
    """A running product with four households that owe their first invoice."""
    with operation(tmp_path_factory.mktemp("webhooks") / "operation") as running:
        running.product.start()
        running.sign_up(range(1, 5))
        yield running


async def post(url: str, bodies: Sequence[tuple[bytes, Mapping[str, str]]]) -> list[int]:
    """Post all of them at once, each over a connection of its own; return the statuses."""
    gate = asyncio.Barrier(len(bodies))
    connector = TCPConnector(limit=0, force_close=True)
    async with ClientSession(connector=connector) as session:

        async def one(body: bytes, headers: Mapping[str, str]) -> int:
            await gate.wait()
            async with session.post(url, data=body, headers=headers) as answer:
                await answer.read()
                return answer.status

        return await asyncio.gather(*(one(body, headers) for body, headers in bodies))


# How far each reader of the log is, the links of deeds done before, and up to where a provider was
# asked what happened.
BY_THE_CLOCK = {"log_cursor", "audit_link", "provider_cursor"}


def counts(operator: Operation) -> dict[str, int]:
    """Count the rows of every table."""
    with closing(sqlite3.connect(operator.product.database)) as database:
        query = "SELECT name FROM sqlite_schema WHERE type = 'table'"
        names = [name for (name,) in database.execute(query)]
        return {
            name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names
        }


def grown(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """Say by how many rows which tables have grown, but for what the clock writes about others."""
    differing = (
        name for name in before if after[name] != before[name] and name not in BY_THE_CLOCK
    )
    return {name: after[name] - before[name] for name in differing}


async def test_fifty_copies_at_once_make_one_ledger_transaction(operator: Operation):
    """One signed message, fifty times at once: fifty times taken, stored once, booked once."""
    view = operator.view(1)
    owed = view["owed"]["amount_minor"]
    before = counts(operator)
    body = cleared(contract_of(1), owed, event="evt_of_household_1", charge="pi_of_household_1")
    copies = [(body, signed(body, secret=WEBHOOK_SECRET))] * COPIES_COUNT
    assert await post(operator.product.url + HOOK, copies) == [200] * COPIES_COUNT
    until(lambda: operator.at_portal(1)["status"] == 1, "the picture is on")
    operator.product.rest()
    rows = grown(before, counts(operator))
    assert {name: rows.get(name, 0) for name in ("provider_event", "movement", "posting")} == {
        "provider_event": 1,
        "movement": 1,
        "posting": 1,
    }
    after = operator.view(1)
    assert after["owed"]["amount_minor"] == after["credit"]["amount_minor"] == 0
    # The same once more, much later: known already.
    again = await post(operator.product.url + HOOK, copies[:2])
    assert again == [200, 200]
    assert grown(before, counts(operator)) == rows


def test_a_provider_that_repeats_itself_is_heard_once(operator: Operation):
    """The provider delivers its message and fifty copies at once; money moves once."""
    owed = operator.view(2)["owed"]["amount_minor"]
    before = counts(operator)
    operator.pay(2)
    until(lambda: operator.at_portal(2)["status"] == 1, "the picture is on")
    sent = [one["after"] for one in operator.provider.journal(face="outgoing")]
    (paid,) = [one for one in sent if one["type"] == "payment_intent.succeeded"]
    redeliver = {"op": "redeliver", "event": paid["event"], "copies": COPIES_COUNT}
    mark = operator.provider.admin("/journal?limit=1")["last"]
    operator.provider.admin("/tamper", redeliver)
    until(lambda: len(deliveries(operator, mark)) == COPIES_COUNT, "all copies were delivered")
    assert {one["status"] for one in deliveries(operator, mark)} == {200}
    operator.product.rest()
    assert grown(before, counts(operator)).get("movement") == 1
    view = operator.view(2)
    assert [one["amount"]["amount_minor"] for one in view["payments"]] == [owed]
    assert view["owed"]["amount_minor"] == view["credit"]["amount_minor"] == 0


def deliveries(operator: Operation, after: int) -> list[dict]:
    """Return what the provider sent after a number of its journal."""
    return [one["after"] for one in operator.provider.journal(after, face="outgoing")]


def forgeries() -> dict[str, tuple[str, bytes, Mapping[str, str], int]]:
    """Return bad messages by name: path, body, headers, and the status they are to get."""
    good = signed(EVENT, secret=WEBHOOK_SECRET)
    now = time.time()
    large = EVENT + b" " * (256 * 1024)
    return {
        "no signature": (HOOK, EVENT, {}, 400),
        "another secret": (HOOK, EVENT, signed(EVENT, secret="whsec_of_another"), 400),
        "another body": (HOOK, EVENT.replace(b"2040", b"9040"), good, 400),
        "an old time": (HOOK, EVENT, signed(EVENT, secret=WEBHOOK_SECRET, at=now - 400), 400),
        "a future time": (HOOK, EVENT, signed(EVENT, secret=WEBHOOK_SECRET, at=now + 400), 400),
        "too large": (HOOK, large, signed(large, secret=WEBHOOK_SECRET), 413),
        "an unknown provider": ("/hooks/payments/nobody", EVENT, good, 404),
        "no event": (HOOK, b"[1]", signed(b"[1]", secret=WEBHOOK_SECRET), 400),
        "no text": (HOOK, b"\xff\x00", signed(b"\xff\x00", secret=WEBHOOK_SECRET), 400),
        "nothing": (HOOK, b"", signed(b"", secret=WEBHOOK_SECRET), 400),
    }


@pytest.mark.parametrize("name", list(forgeries()))
async def test_a_bad_message_is_refused_without_a_trace(operator: Operation, name: str):
    """What is not the provider's, fresh and an event gets 4xx, changes no row, leaks no secret."""
    path, body, headers, status = forgeries()[name]
    before = counts(operator)
    assert await post(operator.product.url + path, [(body, headers)]) == [status]
    operator.product.rest()
    assert grown(before, counts(operator)) == {}
    told = operator.product.told()
    token = (operator.product.folder / "api-token").read_text("utf-8").strip()
    secrets = [WEBHOOK_SECRET, PROVIDER_KEY, PORTAL_PASSWORD, token, CANARY, *headers.values()]
    assert not [secret for secret in secrets if secret in told]


async def test_a_good_message_after_all_that_is_taken(operator: Operation):
    """The message that the forgeries were made of is taken when it is really signed."""
    headers = signed(EVENT, secret=WEBHOOK_SECRET)
    assert await post(operator.product.url + HOOK, [(EVENT, headers)]) == [200]
    until(lambda: operator.at_portal(3)["status"] == 1, "the picture is on")
    assert [one["reference"] for one in operator.view(3)["payments"]] == [CANARY]
