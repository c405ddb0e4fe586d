"""A charge whose outcome is still to come: who waits for it, and what ends the waiting."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from sqlalchemy import delete

from app.desk.parked import parked
from app.roles.crew import Crew, Role, duties
from billing.payments.model import AttemptState
from gateway.reads import queue
from runtime.work import Parking, work
from tests.flows.app.operator import PROVIDER, PROVIDER_KEY, WEBHOOK_SECRET, contract_of
from tests.flows.app.paying import cleared, signed
from tests.flows.app.process import command
from tests.flows.app.served import at_work, serving
from tests.flows.app.shop import BAD, GOOD, Shop, opened, settings_for
from tests.simulators.process import RunningSimulator

CLEARED, FAILED, UNKNOWN = AttemptState.CLEARED, AttemptState.FAILED, AttemptState.UNKNOWN


@pytest.fixture
async def shop(
    migrated_url: str, tmp_path: Path, portal: RunningSimulator, provider: RunningSimulator
) -> AsyncIterator[Shop]:
    """Return a shop where nobody works yet, once on each database."""
    async with opened(settings_for(tmp_path, migrated_url)) as house:
        made = Shop(house, portal, provider)
        await made.begin(tmp_path / "operator")
        yield made


async def ask(shop: Shop, path: str) -> Any:
    """Look something up at the provider, with the operator's key."""
    headers = {"Authorization": f"Bearer {PROVIDER_KEY}"}
    request = Request(f"{shop.provider.url}/v1/{path}", headers=headers)

    def go() -> Any:
        with urlopen(request, timeout=20) as answer:
            return json.load(answer)

    return await asyncio.to_thread(go)


async def begin_payment(shop: Shop) -> None:
    """Sign household 1 up, whose bank takes its time to decide about the first invoice."""
    await shop.use_card(1, "processing")
    await shop.sign_up(1, has_card=True, bill_day=1)
    await shop.rest()
    assert await states(shop) == [UNKNOWN]
    assert await rows_of(shop, "collect") == 1


async def decide(shop: Shop, behaviour: str) -> None:
    """Let the bank decide about the payment."""
    (intent,) = (await ask(shop, "payment_intents"))["data"]
    told = {"op": "settle", "payment_intent": intent["id"], "behaviour": behaviour}
    await shop.provider.aadmin("/tamper", told)


async def deliver(shop: Shop) -> None:
    """Deliver every message of the provider about intents, the oldest first."""
    events = (await ask(shop, "events?limit=100"))["data"][::-1]
    told = [event for event in events if event["type"].startswith("payment_intent.")]
    await hear(shop, *(json.dumps(event).encode() for event in told))


async def hear(shop: Shop, *messages: bytes) -> None:
    """Have messages signed by the provider and delivered at the web's door."""
    async with serving(shop.house) as served:
        for body in messages:
            headers = signed(body, secret=WEBHOOK_SECRET)
            path = f"/hooks/payments/{PROVIDER}"
            assert (await served.raw("POST", path, data=body, headers=headers))[0] == 200


async def states(shop: Shop) -> Sequence[AttemptState]:
    """How the tries to collect of household 1 stand."""
    return [one.state for one in (await shop.view(1)).attempts]


async def rows_of(shop: Shop, kind: str) -> int:
    """How many rows of a kind there are, whatever they wait for."""
    house = shop.house
    async with house.store.read() as tx:
        offset = await house.clock.offset(tx)
        found = await queue.queues(tx, now=house.clock.machine_now(), offset=offset)
    return sum(q.due + q.running + q.waiting + q.parked for q in found if q.kind == kind)


@pytest.mark.parametrize(("behaviour", "state"), [(GOOD, CLEARED), (BAD, FAILED)])
async def test_news_of_the_provider_ends_the_waiting(
    shop: Shop, behaviour: str, state: AttemptState
):
    """Once the provider has told how a charge ended, nobody waits to look it up any more."""
    async with at_work(shop.house):
        await begin_payment(shop)
        await decide(shop, behaviour)
        await deliver(shop)
        await shop.rest()
        assert await states(shop) == [state]
        assert await rows_of(shop, "collect") == 0


async def test_news_of_the_provider_ends_the_wait_for_a_person(shop: Shop):
    """A charge that was set aside as undecided goes from the list when the provider decides."""
    async with at_work(shop.house):
        await begin_payment(shop)
    async with shop.house.store.begin() as tx:
        await shop.house.work.mark(tx, "collect", [(await shop.view(1)).attempts[0].id])
    (claim,) = await shop.house.work.claim("collect")
    async with shop.house.store.begin() as tx:
        await shop.house.work.park(tx, [Parking(claim=claim, error="its outcome is unknown")])
        (shown,) = await parked(tx, rows_max=10)
    assert (shown.kind, shown.contract) == ("collect", contract_of(1))
    async with at_work(shop.house):
        await decide(shop, GOOD)
        await deliver(shop)
        await shop.come_to_rest()
        assert await states(shop) == [CLEARED]
        assert await rows_of(shop, "collect") == 0


async def lose_rows(shop: Shop) -> None:
    """Lose all work rows, and have everything replayed by the command."""
    house = shop.house
    async with house.store.begin() as tx:
        await tx.execute(delete(work))
    url = {"data_dir": str(house.settings.data_dir), "database_url": house.settings.database_url}
    code, output, errors = await command("entitlements", "replay", "--json", settings=url)
    assert code == 0, errors
    assert json.loads(output)["accounts"] == 1


async def test_a_charge_asked_for_is_looked_up_after_its_row_was_lost(shop: Shop):
    """No message came and the row is gone: the replay has the provider asked, not charged again."""
    async with at_work(shop.house):
        await begin_payment(shop)
    await decide(shop, GOOD)
    await lose_rows(shop)
    async with at_work(shop.house):
        await shop.rest()
        assert await states(shop) == [CLEARED]
        assert len((await ask(shop, "payment_intents"))["data"]) == 1
        assert (await shop.view(1)).owed.amount_minor == 0


async def test_a_charge_not_asked_for_yet_is_made_after_its_row_was_lost(shop: Shop):
    """An attempt that only its row would have carried out is carried out after the replay, once."""
    async with at_work(shop.house, but="collect"):
        await shop.sign_up(1, has_card=True, bill_day=1)
        await shop.rest("settle")
        assert await states(shop) == [AttemptState.OPEN]
    await lose_rows(shop)
    async with at_work(shop.house):
        await shop.rest()
        assert await states(shop) == [CLEARED]
        assert len((await ask(shop, "payment_intents"))["data"]) == 1


async def test_a_message_is_read_after_its_row_was_lost(shop: Shop):
    """What a provider has told and nobody has read yet is read after the replay."""
    async with at_work(shop.house, but="intake"):
        await shop.sign_up(1, bill_day=1)
        await shop.rest("settle")
        owed = (await shop.view(1)).owed.amount_minor
        assert owed > 0
        await hear(shop, cleared(contract_of(1), owed))
    await lose_rows(shop)
    async with at_work(shop.house):
        await shop.rest()
        assert (await shop.view(1)).owed.amount_minor == 0


async def test_whoever_starts_finds_what_has_lost_its_row(shop: Shop):
    """After the loss of all rows a restart is enough; what waits for a person goes on waiting."""
    async with at_work(shop.house):
        await begin_payment(shop)
        stuck = (await shop.sign_up(3, bill_day=1)).account
        await shop.rest()
    await decide(shop, GOOD)
    async with at_work(shop.house, but="intake"):
        await shop.sign_up(2, bill_day=1)
        await shop.rest("settle")
        await hear(shop, cleared(contract_of(2), (await shop.view(2)).owed.amount_minor))
    async with shop.house.store.begin() as tx:
        await tx.execute(delete(work))
        await shop.house.work.mark(tx, "settle", [stuck])
    (claim,) = await shop.house.work.claim("settle")
    async with shop.house.store.begin() as tx:
        await shop.house.work.park(tx, [Parking(claim=claim, error="it cannot be settled")])
    crew = Crew(duties(shop.house, Role.ALL))
    crew.start()
    try:
        async with asyncio.timeout(20):
            while await owed_by(shop, 1) or await owed_by(shop, 2):  # noqa: ASYNC110 - no events
                await asyncio.sleep(0.05)
        await shop.come_to_rest()
    finally:
        await crew.rest()
    assert await states(shop) == [CLEARED]
    assert len((await ask(shop, "payment_intents"))["data"]) == 1
    async with shop.house.store.read() as tx:
        (shown,) = await parked(tx, rows_max=10)
    assert (shown.kind, shown.key, shown.contract) == ("settle", stuck, contract_of(3))


async def owed_by(shop: Shop, number: int) -> int:
    """What a household owes, in minor units."""
    return (await shop.view(number)).owed.amount_minor


async def test_the_next_bill_is_made_after_its_row_was_lost(shop: Shop):
    """The row that waited for the next bill day is back after the replay."""
    async with at_work(shop.house):
        await shop.sign_up(1, has_card=True, bill_day=1)
        await shop.rest()
    await lose_rows(shop)
    async with at_work(shop.house):
        await shop.rest()
        await shop.advance(timedelta(days=31))
        await shop.rest()
        assert len((await shop.view(1)).invoices) == 2
