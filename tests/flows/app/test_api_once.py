"""A change that is sent again under its Idempotency-Key is done once and answered alike."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from app import answers
from app.identity import tokens
from app.identity.tokens import Scope

CASH = {"amount": "5.00", "reference": "R-1"}
TAKEN = {"taken": True, "receipt": "RCT-00000001"}
PAYMENTS = "/api/v1/accounts/200001/payments"


class Till:
    """Asks for changes under keys."""

    def __init__(self, served, token=""):
        self.served = served
        self.token = token or served.token

    async def ask(self, key, body=CASH, path=PAYMENTS):
        """Ask: status, document, headers."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, told, answered = await self.served.raw("POST", path, headers=headers, data=raw)
        return status, json.loads(told), answered

    async def payments(self):
        """Tell how many payments there are."""
        async with self.served.house.store.read() as tx:
            return (await tx.fetch("SELECT count(*) FROM movement"))[0][0]


@pytest.fixture
def till(counter):
    """Somebody who takes money."""
    return Till(counter)


async def test_fifty_copies_at_once_change_once(till):
    """Whoever comes while the first is worked on is told to come again, and then told the same."""
    before = await till.payments()
    found = await asyncio.gather(*(till.ask("k-1", CASH) for _ in range(50)))
    taken = [told for status, told, _ in found if status == 201]
    waiting = [answered for status, _, answered in found if status == 409]
    assert len(taken) + len(waiting) == 50
    assert taken
    assert all(told == TAKEN for told in taken)
    assert all(int(answered["Retry-After"]) >= 1 for answered in waiting)
    assert await till.payments() == before + 1
    status, told, answered = await till.ask("k-1")
    assert (status, told, answered["Idempotent-Replayed"]) == (201, TAKEN, "true")
    # Without a key the receipt's own number tells that it is the same.
    assert (await till.ask(None))[1] == TAKEN | {"taken": False}
    assert await till.payments() == before + 1


async def test_a_key_belongs_to_one_request_of_one_caller(till, counter):
    """Another request under a key is refused; another caller has keys of his own."""
    assert (await till.ask("k-1"))[0] == 201
    for body, path in (
        (CASH | {"amount": "6.00"}, PAYMENTS),
        (CASH, PAYMENTS.replace("200001", "200002")),
    ):
        status, told, answered = await till.ask("k-1", body, path)
        assert (status, told["title"]) == (422, "another request")
        assert "Idempotent-Replayed" not in answered
    house = counter.house
    async with house.store.begin() as tx:
        now = house.clock.machine_now()
        token = await tokens.add(tx, "crm", Scope.WRITE, actor="test", chance=house.chance, now=now)
    other = Till(counter, token)
    status, told, answered = await other.ask("k-1", CASH | {"reference": "R-2"})
    assert (status, told) == (201, TAKEN | {"receipt": "RCT-00000002"})
    assert "Idempotent-Replayed" not in answered


@pytest.mark.parametrize("key", ["", " ", "a b", "ä", "x" * 256])
async def test_a_key_that_is_none_is_refused(harbour, served, key):
    """A key is visible ASCII and not longer than what is kept."""
    status, told, _ = await Till(served).ask(key)
    assert (status, told["field"]) == (400, "Idempotency-Key")


async def test_nothing_is_kept_of_what_failed(till, counter):
    """A refused request has changed nothing: mended, it may be sent under the same key."""
    for body in (CASH | {"amount": "0.00"}, CASH | {"amount": 5}, b"{"):
        assert (await till.ask("k-1", body))[0] == 400
    assert (await till.ask("k-1", CASH, PAYMENTS.replace("200001", "nosuch")))[0] == 404
    async with counter.house.store.read() as tx:
        assert (await tx.fetch("SELECT count(*) FROM kept_answer"))[0][0] == 0
    assert (await till.ask("k-1"))[0] == 201


async def test_answers_are_forgotten_after_a_day(harbour, served):
    """What is older than a day is swept away, so much at a time; what is younger stays."""
    house, till = harbour, Till(served)
    for n in range(3):
        assert (await till.ask(f"k-{n}", CASH | {"reference": f"R-{n}"}))[0] == 201
    now = house.clock.machine_now()
    async with house.store.begin() as tx:
        assert await answers.sweep(tx, now + timedelta(hours=23)) == 0
        assert await answers.sweep(tx, now + timedelta(hours=25)) == 3
    assert "Idempotent-Replayed" not in (await till.ask("k-0"))[2]


async def test_what_asks_another_system_is_answered_alike_too(harbour, served):
    """A restart under a key is one deed at the targets, and is told the same again."""
    path = "/api/v1/accounts/200001/restart"
    first = await Till(served).ask("k-1", {"reason": "frozen picture"}, path)
    again = await Till(served).ask("k-1", {"reason": "frozen picture"}, path)
    assert first[:2] == again[:2]
    assert (first[0], again[2]["Idempotent-Replayed"]) == (200, "true")
    _, page = await served.api("GET", "accounts/200001/history")
    deeds = [one for one in page["items"] if one["action"] == "account.restart"]
    assert [(one["actor"], one["reason"]) for one in deeds] == [("api:first", "frozen picture")]
