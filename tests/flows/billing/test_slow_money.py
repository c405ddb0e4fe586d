"""Money that takes days: a bank debit is on its way, comes, fails, or goes back again later."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from billing.flows import completing
from billing.flows.pay import pay_order
from billing.flows.receive import prove, receive
from billing.flows.signup import MethodRef
from billing.payments.looks import PENDING_LOOKS
from billing.payments.registry import open_provider
from billing.payments.store import attempt, movement, payment_method, provider_event
from runtime.http import HttpDoor
from runtime.networks import LOOPBACK
from terms.errors import Invalid
from tests.conformance.harness_gocardless import GocardlessHarness
from tests.fixtures.billing import Office
from tests.fixtures.till import Till
from tests.flows.billing.books import balances, check_books, open_items
from tests.flows.billing.test_collect import FIRST


@pytest.fixture(scope="module")
def collector() -> Iterator[GocardlessHarness]:
    """Start one collector for all tests of this file."""
    harness = GocardlessHarness()
    harness.start()
    yield harness
    harness.stop()


@dataclass(slots=True)
class Bank:
    """An office that collects from bank accounts, and the other side."""

    till: Till
    harness: GocardlessHarness
    heard: int = 0

    @property
    def office(self) -> Office:
        """The office."""
        return self.till.office

    async def join(self) -> None:
        """Sign up a household with a mandate, and order its first payment."""
        payer = await self.harness.payer("EUR")
        method = MethodRef(provider="cards", customer=payer.customer, method=payer.method)
        await self.till.join(method=method)
        collected = await self.till.collect()
        assert not collected.stuck

    async def payment(self) -> str:
        """Name the newest payment at the collector."""
        (newest, *_) = (await self.harness.call("/payments"))["payments"]
        return str(newest["id"])

    async def says(self, step: str, cause: str = "") -> None:
        """Let the bank say something of the newest payment, and hear of it."""
        payment = await self.payment()
        await self.harness.tamper(op="bank", payment=payment, step=step, cause=cause)
        await self.hear()

    async def hear(self) -> None:
        """Receive and take up every message that has come since."""
        messages = await self.harness.messages()
        for body in messages[self.heard :]:
            await self.take(body)
        self.heard = len(messages)

    async def take(self, body: bytes) -> None:
        """Receive one message and take up what it brings."""
        desk, store = self.office.desk, self.office.store
        headers = self.harness.sign(body, datetime.now(UTC))
        async with store.begin() as tx:
            received = await receive(desk, tx, prove(desk, "cards", headers, body))
        keys = [one.event for one in received]
        async with store.read() as tx:
            events = await completing.prepare(desk, tx, keys)
        found = [(one, await completing.call(desk, one)) for one in events]
        async with store.begin() as tx:
            assert await completing.record(tx, found) == {}
        await self.till.take(*received)

    async def attempts(self) -> list[tuple[int, str, str]]:
        """Tell the number, state and code of every attempt."""
        c = attempt.c
        async with self.office.store.read() as tx:
            rows = await tx.rows(select(c.n, c.state, c.code).order_by(c.n))
        return [(row.n, row.state, row.code) for row in rows]


@pytest.fixture
async def bank(request, office: Office, collector: GocardlessHarness) -> AsyncIterator[Bank]:
    """Return such an office, once on each engine."""
    await collector.reset()
    office.machine.now = datetime.now(UTC)
    door = HttpDoor(networks=LOOPBACK)
    options = collector.options(8.0)
    provider = open_provider("gocardless", name="cards", options=options, http=door)
    office.desk = replace(office.desk, providers={"cards": provider})
    yield Bank(till=Till(office=office, simulator=collector.simulator), harness=collector)
    await door.aclose()


async def test_what_is_on_its_way_is_awaited_and_never_charged_again(bank: Bank):
    """Until the bank's day nobody looks; then as often as for any; the invoice stays open."""
    await bank.join()
    (due_on,) = {one["charge_date"] for one in (await bank.harness.call("/payments"))["payments"]}
    office, looks = bank.office, 0
    for _ in range(20):
        async with office.store.read() as tx:
            seen = await tx.scalar(select(attempt.c.looks))
        collected = await bank.till.collect()
        if collected.stuck:
            break
        (wait,) = collected.again.values()
        is_before = office.machine.now.date() <= date.fromisoformat(due_on)
        assert (seen == 0) or not is_before
        looks += not is_before
        office.machine.forward(wait)
    assert looks == len(PENDING_LOOKS.waits)
    assert await bank.attempts() == [(0, "unknown", "")]
    assert len((await bank.harness.call("/payments"))["payments"]) == 1
    assert await open_items(office.store) == {"INV-00000001": FIRST}
    await bank.says("confirmed")
    assert await bank.attempts() == [(0, "cleared", "")]
    assert await open_items(office.store) == {}
    assert (await balances(office.store))["clearing", "cards", "EUR"] == FIRST
    await check_books(office.store)


@pytest.mark.parametrize(
    ("cause", "stopped"), [("insufficient_funds", ""), ("mandate_cancelled", "mandate_cancelled")]
)
async def test_a_refusal_of_the_bank_ends_the_try(bank: Bank, cause: str, stopped: str):
    """Days later the bank says no: the try has failed, for now or for good."""
    await bank.join()
    await bank.says("submitted")
    assert await bank.attempts() == [(0, "unknown", "")]
    await bank.says("failed", cause)
    assert (await bank.attempts())[0] == (0, "failed", cause)
    async with bank.office.store.read() as tx:
        assert await tx.scalar(select(payment_method.c.stopped)) == stopped
    assert await open_items(bank.office.store) == {"INV-00000001": FIRST}
    await check_books(bank.office.store)


@pytest.mark.parametrize("backwards", [False, True])
async def test_money_that_fails_late_goes_back_and_may_come_again(bank: Bank, backwards: bool):
    """Confirmed, failed late, tried anew by the collector, confirmed, charged back, won."""
    await bank.join()
    await bank.hear()
    steps = (
        *("confirmed", "failed", "resubmission_requested", "submitted", "confirmed"),
        *("charged_back", "chargeback_cancelled"),
    )
    owed = []
    for step in steps:
        if backwards:
            payment = await bank.payment()
            await bank.harness.tamper(op="bank", payment=payment, step=step)
        else:
            await bank.says(step)
            owed.append(sum((await open_items(bank.office.store)).values()))
    if backwards:
        messages = (await bank.harness.messages())[bank.heard :]
        for body in [*messages[::-1], messages[2]]:
            await bank.take(body)
    else:
        assert owed == [0, FIRST, FIRST, FIRST, 0, FIRST, 0]
    assert await open_items(bank.office.store) == {}
    assert await bank.attempts() == [(0, "cleared", "")]
    assert (await balances(bank.office.store))["clearing", "cards", "EUR"] == FIRST
    async with bank.office.store.read() as tx:
        kinds = [row.kind for row in await tx.rows(select(movement.c.kind))]
    assert sorted(kinds) == ["cleared", "disputed", "disputed", "reinstated", "reinstated"]
    await check_books(bank.office.store)


async def test_events_wait_while_their_provider_cannot_be_asked(bank: Bank):
    """What an event leaves out is asked for again later; until then it tells nothing."""
    await bank.join()
    payment = await bank.payment()
    await bank.harness.tamper(op="bank", payment=payment, step="confirmed")
    desk, store = bank.office.desk, bank.office.store
    body = (await bank.harness.messages())[-1]
    async with store.begin() as tx:
        messages = prove(desk, "cards", bank.harness.sign(body, datetime.now(UTC)), body)
        (received,) = await receive(desk, tx, messages)
    await bank.harness.fault("throttled")
    async with store.read() as tx:
        (event,) = await completing.prepare(desk, tx, [received.event])
    for waits in ({received.event: timedelta(seconds=7)}, {}):
        found = [(event, await completing.call(desk, event))]
        async with store.begin() as tx:
            assert await completing.record(tx, found) == waits
    async with store.read() as tx:
        said = await tx.scalar(select(provider_event.c.body))
    assert await completing.call(desk, replace(event, body=said)) == said
    await bank.till.take(received)
    assert await bank.attempts() == [(0, "cleared", "")]


async def test_no_page_to_pay_on_is_promised(bank: Bank):
    """Who asks this collector for a page to pay one sum on is told why there is none."""
    await bank.join()
    async with bank.office.store.read() as tx:
        with pytest.raises(Invalid, match="makes no page"):
            await pay_order(bank.office.desk, tx, "100001", "cards")
