"""Collecting through a real provider simulator: charged once, whatever becomes of the answers."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from billing.catalog.model import Price
from billing.flows import collect
from billing.flows.pay import take_cash
from billing.flows.publish import Publication
from billing.flows.replay import replay
from billing.payments.model import AttemptState
from billing.payments.provider import Lost, Postponed
from billing.payments.store import attempt, payment_method
from terms.entitlement import ServiceState
from terms.money import Money
from tests.fixtures.billing import SINCE, ZONE
from tests.fixtures.till import Till
from tests.flows.billing.books import balances, check_books, open_items, rights
from tests.flows.billing.test_settle import service_of

FIRST = 2520  # 21 of 31 days of 31.00 and 20 %


async def attempts(till: Till) -> list[tuple[int, str, str]]:
    """Return number, state and code of every attempt."""
    async with till.office.store.read() as tx:
        found = await tx.rows(select(attempt).order_by(attempt.c.n))
    return [(row.n, row.state, row.code) for row in found]


async def charged(till: Till) -> list[int]:
    """Return the amounts the provider really took."""
    found = (await till.ask("payment_intents?limit=100"))["data"]
    return [intent["amount_received"] for intent in found if intent["status"] == "succeeded"]


async def cash(till: Till, amount: str, reference: str) -> None:
    """Let the household pay at the counter, and settle."""
    office = till.office
    async with office.store.begin() as tx:
        money = Money.parse(amount, "EUR")
        await take_cash(office.desk, tx, "100001", office.now, amount=money, reference=reference)
    await till.settle()


async def state(till: Till) -> ServiceState:
    """Return the published state of the household."""
    return (await rights(till.office.store, await service_of(till.office))).state


async def test_the_first_invoice_is_charged_and_lights_the_service(till: Till):
    """The card given at sign-up pays the first invoice, to the cent, and the picture may go on."""
    account = await till.join()
    assert await state(till) is ServiceState.PENDING
    collected = await till.collect()
    assert not collected.again
    assert not collected.stuck
    assert await charged(till) == [FIRST]
    assert await attempts(till) == [(0, "cleared", "")]
    assert await state(till) is ServiceState.ACTIVE
    assert await open_items(till.office.store) == {}
    assert (await balances(till.office.store))["clearing", "cards", "EUR"] == FIRST
    assert ("receivable", account, "EUR") not in await balances(till.office.store)
    await check_books(till.office.store)


@pytest.mark.parametrize(
    ("price", "currency", "owed", "taken", "credit"),
    [
        ("9.999", "KWD", 8129, 8130, [1]),
        ("990", "ISK", 805, 80500, []),
        ("990", "KRW", 805, 805, []),
    ],
)
async def test_what_is_owed_is_paid_in_any_currency(
    small_till: Till, price: str, currency: str, owed: int, taken: int, credit: list[int]
):
    """The provider counts otherwise than we do; what it has to take too much is the payer's."""
    office = small_till.office
    amount = Money.parse(price, currency)
    basic = Price(offering="BASIC", effective_from=SINCE, amount=amount)
    await office.publish(Publication(zone=ZONE, prices=(basic,)))
    await small_till.join(currency=currency)
    assert await open_items(office.store) == {"INV-00000001": owed}
    await small_till.collect()
    assert await charged(small_till) == [taken]
    assert [abs(rest) for rest in (await open_items(office.store)).values()] == credit
    assert await state(small_till) is ServiceState.ACTIVE
    await check_books(office.store)


async def test_the_webhook_of_a_recorded_charge_changes_nothing(till: Till):
    """The answer and the webhook tell of one payment: it is booked once."""
    await till.join()
    await till.collect()
    before = await balances(till.office.store)
    await till.hear_all("payment_intent.succeeded", "charge.succeeded")
    assert await balances(till.office.store) == before
    await check_books(till.office.store)


async def test_the_webhook_alone_is_enough(small_till: Till):
    """Where the answer is lost, the webhook tells that the money came."""
    await small_till.join()
    await small_till.behave("lost", "ok")
    collected = await small_till.collect()
    assert list(collected.again.values()) == [timedelta(minutes=5)]
    assert await attempts(small_till) == [(0, "unknown", "")]
    await small_till.hear_all("payment_intent.succeeded")
    assert await attempts(small_till) == [(0, "cleared", "")]
    assert await state(small_till) is ServiceState.ACTIVE
    assert await charged(small_till) == [FIRST]


async def test_a_lost_answer_is_looked_up_and_never_repeated(till: Till):
    """After a lost answer the provider is asked what became of it; nothing is charged again."""
    await till.join()
    await till.behave("lost", "ok")
    await till.collect()
    before = (await till.simulator.aadmin("/counters"))["calls"]
    await till.collect()
    after = (await till.simulator.aadmin("/counters"))["calls"]
    posts = [name for name in after if name.startswith("POST") and "intents" in name]
    assert posts
    assert all(after[name] == before[name] for name in posts)
    assert await attempts(till) == [(0, "cleared", "")]
    assert await charged(till) == [FIRST]
    assert await open_items(till.office.store) == {}


async def test_a_key_that_is_forgotten_charges_nothing_again(small_till: Till):
    """A day later the provider knows the key no more: a look by our mark precedes any try."""
    await small_till.join()
    await small_till.behave("lost", "ok")
    await small_till.collect()
    await small_till.faults("skew:25h")
    for _ in range(3):
        await small_till.collect()
    assert await attempts(small_till) == [(0, "cleared", "")]
    assert await charged(small_till) == [FIRST]


async def test_a_request_that_never_arrived_is_made_again(small_till: Till):
    """Where the look-up finds nothing, the order is placed again under the same key, but later."""
    await small_till.join()
    await small_till.faults("reset:match=POST payment_intents:count=1")
    await small_till.collect()
    assert await attempts(small_till) == [(0, "unknown", "")]
    looked = await small_till.collect()
    assert list(looked.again.values()) == [timedelta()]
    assert await attempts(small_till) == [(0, "open", "")]
    assert await charged(small_till) == []
    await small_till.collect()
    assert await attempts(small_till) == [(0, "cleared", "")]
    assert await charged(small_till) == [FIRST]


@pytest.mark.parametrize(
    "fault", ["lost", "half:json", "half:connection", "error:500:applied=yes", "silent"]
)
async def test_no_broken_answer_charges_twice(hasty_till: Till, fault: str):
    """However the answer to a charge breaks, the money is taken once and found."""
    await hasty_till.join()
    await hasty_till.faults(f"{fault}:match=POST payment_intents:count=1")
    for _ in range(3):
        await hasty_till.collect()
    assert await attempts(hasty_till) == [(0, "cleared", "")]
    assert await charged(hasty_till) == [FIRST]
    await check_books(hasty_till.office.store)


async def test_what_is_no_fault_of_the_payer_is_postponed(small_till: Till):
    """Too many requests or a wrong key fail no attempt: it stays open and is asked again later."""
    await small_till.join()
    await small_till.faults("throttled:7:match=POST payment_intents:count=1")
    collected = await small_till.collect()
    assert list(collected.again.values()) == [timedelta(seconds=7)]
    await small_till.faults("unauthorized:match=payment_intents:count=1")
    collected = await small_till.collect()
    assert list(collected.again.values()) == [timedelta(minutes=15)]
    assert await attempts(small_till) == [(0, "open", "")]
    await small_till.collect()
    assert await attempts(small_till) == [(0, "cleared", "")]


async def test_a_soft_decline_fails_the_attempt(small_till: Till):
    """A declined card fails the attempt with the bank's reason; the debt stays and is retried."""
    await small_till.join()
    await small_till.behave("decline:insufficient_funds")
    await small_till.collect()
    assert await attempts(small_till) == [(0, "failed", "insufficient_funds")]
    assert await open_items(small_till.office.store) == {"INV-00000001": FIRST}
    assert await state(small_till) is ServiceState.PENDING
    await small_till.behave("ok")
    await small_till.office.live(
        list(small_till.office.looks), small_till.office.now + timedelta(days=1, hours=16)
    )
    await small_till.collect()
    assert await attempts(small_till) == [(0, "failed", "insufficient_funds"), (1, "cleared", "")]


async def test_a_hard_decline_ends_the_retries(till: Till):
    """A lost card is never charged again: the ladder goes on without attempts."""
    account = await till.join()
    await till.behave("decline:lost_card", "ok")
    await till.collect()
    async with till.office.store.read() as tx:
        assert await tx.scalar(select(payment_method.c.stopped)) == "lost_card"
    await till.office.live([account], till.office.now + timedelta(days=12))
    assert await attempts(till) == [(0, "failed", "lost_card")]
    assert await charged(till) == []


async def test_a_failure_heard_twice_fails_once(small_till: Till):
    """The answer and the webhook of one decline are one failure."""
    await small_till.join()
    await small_till.behave("decline:insufficient_funds")
    await small_till.collect()
    await small_till.hear_all("payment_intent.payment_failed")
    assert await attempts(small_till) == [(0, "failed", "insufficient_funds")]


async def test_a_charge_that_is_processing_is_awaited(small_till: Till):
    """A provider that will tell later is looked up after an hour; the webhook may be earlier."""
    await small_till.join()
    await small_till.behave("processing")
    collected = await small_till.collect()
    assert list(collected.again.values()) == [timedelta(hours=1)]
    assert await attempts(small_till) == [(0, "unknown", "")]
    intent = (await small_till.ask("payment_intents"))["data"][0]["id"]
    await small_till.simulator.aadmin(
        "/tamper", {"op": "settle", "payment_intent": intent, "behaviour": "ok"}
    )
    await small_till.collect()
    assert await attempts(small_till) == [(0, "cleared", "")]


async def test_unknown_outcomes_are_looked_up_on_a_schedule_and_then_shown(small_till: Till):
    """A provider that never answers is asked after 5 minutes, an hour, five days, then parked."""
    account = await small_till.join()
    key = (await small_till.marked("collect"))[0]
    waits: list[timedelta] = []
    stuck: dict[str, str] = {}
    for _ in range(8):
        async with small_till.office.store.begin() as tx:
            charges = await collect.prepare(small_till.office.desk, tx, [key])
        outcomes = [(each, Lost(reason="no answer")) for each in charges]
        async with small_till.office.store.begin() as tx:
            collected = await collect.record(
                small_till.office.desk, tx, outcomes, small_till.office.now
            )
        waits += collected.again.values()
        stuck |= dict(collected.stuck)
    minutes = [wait // timedelta(minutes=1) for wait in waits]
    assert minutes == [5, 60, *[24 * 60] * 5]
    assert "unknown after 7 looks" in stuck[key]
    # Whoever may have paid is not cut off, and is not charged again either.
    await small_till.office.live([account], small_till.office.now + timedelta(days=30))
    assert (0, AttemptState.UNKNOWN.value, "") in await attempts(small_till)
    async with small_till.office.store.begin() as tx:
        replayed = await replay(small_till.office.desk, tx)
    assert replayed.attempts == 2  # this one, and that of the next invoice


async def test_an_invoice_paid_meanwhile_is_not_collected(small_till: Till):
    """An attempt nobody was asked about yet is dropped when cash has paid its invoice."""
    account = await small_till.join()
    await cash(small_till, "20.00", "R-1")
    await small_till.collect()
    assert await charged(small_till) == []
    await small_till.collect()
    assert await charged(small_till) == [FIRST - 2000]
    await small_till.office.live([account], small_till.office.now + timedelta(days=25))
    await cash(small_till, "100.00", "R-2")
    await small_till.collect()
    assert await charged(small_till) == [FIRST - 2000]
    states = sorted(one[1:] for one in await attempts(small_till))
    assert states == [("cleared", ""), *[("failed", "superseded")] * 2]


NOT_DONE = [
    "throttled:7:match=POST payment_intents:count=1",
    "unauthorized:match=POST payment_intents:count=1",
    "reset:match=POST payment_intents:count=1",
]


@pytest.mark.parametrize("fault", NOT_DONE)
@pytest.mark.parametrize(("paid", "rest"), [("25.20", []), ("20.00", [520])])
async def test_who_has_paid_after_a_try_that_never_was_is_not_charged(
    small_till: Till, fault: str, paid: str, rest: list[int]
):
    """A try that came to nothing takes no more, later, than is still owed by then."""
    await small_till.join()
    await small_till.faults(fault)
    await small_till.collect()
    await cash(small_till, paid, "R-1")
    for _ in range(4):
        await small_till.collect()
    assert await charged(small_till) == rest
    later = [(1, "cleared", "")] if rest else []
    assert await attempts(small_till) == [(0, "failed", "superseded"), *later]
    assert await open_items(small_till.office.store) == {}
    await check_books(small_till.office.store)


@pytest.mark.parametrize(("paid", "rest"), [("25.20", []), ("20.00", [520])])
async def test_who_pays_in_the_same_moment_is_not_charged_twice(
    till: Till, paid: str, rest: list[int]
):
    """Money that has come in counts before the books know of it: only what is left is collected."""
    await till.join()
    office = till.office
    async with office.store.begin() as tx:
        money = Money.parse(paid, "EUR")
        await take_cash(office.desk, tx, "100001", office.now, amount=money, reference="R-1")
    await till.collect()
    assert await charged(till) == []
    await till.settle()
    await till.collect()
    assert await charged(till) == rest
    assert await open_items(office.store) == {}
    await check_books(office.store)


async def test_who_has_paid_before_the_restart_is_not_charged(till: Till):
    """Killed between the note and the request: what was paid meanwhile is not collected."""
    await till.join()
    async with till.office.store.begin() as tx:
        await collect.prepare(till.office.desk, tx, await till.marked("collect"))
    await cash(till, "25.20", "R-1")
    for _ in range(3):
        await till.collect()
    assert await charged(till) == []
    assert await attempts(till) == [(0, "failed", "superseded")]


@pytest.mark.parametrize(
    "fault", ["throttled:7:match=GET:count=1", "unauthorized:match=GET:count=1"]
)
async def test_a_look_up_that_is_refused_says_nothing_of_the_charge(small_till: Till, fault: str):
    """The charge arrived, its answer was lost, the look-up is refused: it is looked up again."""
    await small_till.join()
    await small_till.behave("lost", "ok")
    await small_till.collect()
    await cash(small_till, "20.00", "R-1")
    await small_till.faults(fault)
    await small_till.collect()
    assert await attempts(small_till) == [(0, "unknown", "")]
    await small_till.collect()
    assert await attempts(small_till) == [(0, "cleared", "")]
    assert await charged(small_till) == [FIRST]


async def test_a_late_answer_leaves_the_newer_call_alone(till: Till):
    """Who took over has called again: that the first call was turned away does not undo it."""
    office = till.office
    await till.join()
    keys = await till.marked("collect")
    async with office.store.begin() as tx:
        (late,) = await collect.prepare(office.desk, tx, keys)
    office.machine.now += timedelta(minutes=2)
    await till.collect()  # looked up: nothing is there
    async with office.store.begin() as tx:
        (newer,) = await collect.prepare(office.desk, tx, keys)
    turned_away = Postponed(reason="too often", after_s=7.0, is_untouched=True)
    async with office.store.begin() as tx:
        await collect.record(office.desk, tx, [(late, turned_away)], office.now)
    await cash(till, "20.00", "R-1")
    assert newer.called_at > late.called_at
    async with office.store.begin() as tx:
        (looked,) = await collect.prepare(office.desk, tx, keys)
    assert looked.is_asked


async def test_no_provider_is_our_fault(small_till: Till):
    """An attempt at a provider that is not set up waits; the payer is not blamed."""
    await small_till.join()
    key = (await small_till.marked("collect"))[0]
    async with small_till.office.store.begin() as tx:
        (charge,) = await collect.prepare(small_till.office.desk, tx, [key])
    small_till.office.desk.providers.clear()  # type: ignore[attr-defined]
    outcome = await collect.call(small_till.office.desk, charge)
    assert isinstance(outcome, Postponed)
    assert "cards" in outcome.reason
