"""A payer's bank asks about a charge, takes it back, gives it back again: what becomes of it."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from app.web.console.histories import history
from app.web.page.ways import kept
from billing.flows.methods import prefer
from billing.payments.model import MovementKind
from billing.payments.store import attempt, movement, payment_method
from terms.ids import AccountId
from tests.fixtures.billing import Office
from tests.fixtures.till import Till
from tests.flows.billing.books import balances, check_books, open_items
from tests.flows.billing.test_collect import FIRST
from tests.flows.billing.test_payments import heard
from tests.flows.billing.test_polling import poll

OF_DISPUTES = tuple(
    f"charge.dispute.{name}"
    for name in ("created", "updated", "funds_withdrawn", "funds_reinstated", "closed")
)
FEE, BACK = 1500, 500
# Four of all orders, the order of the provider's among them.
ORDERS = [tuple(range(5)), *Random(7).sample(list(permutations(range(5))), 3)]


async def paid(till: Till) -> str:
    """Sign up a household that pays its first invoice by card; returns the intent."""
    await till.join()
    await till.collect()
    await till.hear_all("payment_intent.succeeded")
    return str((await till.ask("payment_intents"))["data"][0]["id"])


async def tamper(till: Till, op: str, **how: Any) -> dict[str, Any]:
    """Let something happen at the payer's bank."""
    answer = await till.simulator.aadmin("/tamper", {"op": op, **how})
    found: dict[str, Any] = answer["result"]
    return found


async def moved(till: Till) -> list[tuple[str, int]]:
    """List what money did beside coming in."""
    query = select(movement.c.kind, movement.c.amount_minor)
    async with till.office.store.read() as tx:
        found = await tx.rows(query.where(movement.c.kind != MovementKind.CLEARED.value))
    return sorted((row.kind, row.amount_minor) for row in found)


async def tell(till: Till, events: Sequence[dict[str, Any]]) -> None:
    """Take up events one by one."""
    for event in events:
        await till.take(await till.hear(event))


@pytest.mark.parametrize("is_polled", [False, True])
async def test_a_bank_that_asks_takes_nothing(small_till: Till, is_polled: bool):
    """An inquiry that is opened and closed leaves what was paid paid, however it is heard of."""
    till = small_till
    intent = await paid(till)
    before = await balances(till.office.store)
    dispute = await tamper(till, "dispute", payment_intent=intent, inquiry=True)
    await tamper(till, "close_dispute", dispute=dispute["id"], status="warning_closed")
    if is_polled:
        assert await poll(till) == 2
    else:
        await till.hear_all(*OF_DISPUTES)
    assert await moved(till) == []
    assert await open_items(till.office.store) == {}
    assert await balances(till.office.store) == before


@pytest.mark.parametrize("order", ORDERS)
async def test_what_was_asked_about_and_is_taken_is_one_dispute(
    small_till: Till, order: tuple[int, ...]
):
    """Asked, taken, won: one chargeback, one fee, one reversal, in any order and repetition."""
    till = small_till
    intent = await paid(till)
    key = (await tamper(till, "dispute", payment_intent=intent, inquiry=True))["id"]
    await tamper(till, "escalate", dispute=key, fee=FEE)
    opened = await till.events(*OF_DISPUTES)
    await tamper(till, "close_dispute", dispute=key, status="won", fee_returned=BACK)
    events = await till.events(*OF_DISPUTES)
    assert len(opened) == 3
    told = [events[n] for n in order]
    await tell(till, [*told, *told[::-1]])
    assert await moved(till) == [
        ("disputed", FIRST),
        ("fee", FEE),
        ("fee_returned", BACK),
        ("reinstated", FIRST),
    ]
    assert await open_items(till.office.store) == {}
    found = await balances(till.office.store)
    assert found["clearing", "cards", "EUR"] == FIRST - FEE + BACK
    await check_books(till.office.store)


@pytest.mark.parametrize("name", ["updated", "funds_withdrawn"])
async def test_either_message_tells_that_money_was_taken(small_till: Till, name: str):
    """An inquiry that became a dispute is one, though its other message was lost."""
    till = small_till
    intent = await paid(till)
    key = (await tamper(till, "dispute", payment_intent=intent, inquiry=True))["id"]
    await tamper(till, "escalate", dispute=key)
    await till.hear_all("charge.dispute.created", f"charge.dispute.{name}")
    assert (MovementKind.DISPUTED.value, FIRST) in await moved(till)
    assert await open_items(till.office.store) == {"INV-00000001": FIRST}


@pytest.mark.parametrize(("end", "back"), [("won", [("reinstated", FIRST)]), ("lost", [])])
async def test_the_end_of_a_dispute_tells_all_of_it(
    small_till: Till, end: str, back: list[tuple[str, int]]
):
    """Where only its last message came, what was taken and what came back is known."""
    till = small_till
    dispute = await tamper(till, "dispute", payment_intent=await paid(till), fee=FEE)
    await tamper(till, "close_dispute", dispute=dispute["id"], status=end)
    await till.hear_all("charge.dispute.closed")
    assert await moved(till) == [("disputed", FIRST), ("fee", FEE), *back]


CLEARED, DISPUTED, REINSTATED = (
    MovementKind.CLEARED,
    MovementKind.DISPUTED,
    MovementKind.REINSTATED,
)
# An event, and what it says: a charge came in, was taken back, was won.
CAME = (CLEARED, "pi_1", "pi_1")
TAKEN = (DISPUTED, "du_1", "pi_1")
WON = (REINSTATED, "du_1", "pi_1")


async def methods(office: Office) -> list[str]:
    """Tell why methods are not charged, the oldest first."""
    query = select(payment_method.c.stopped).order_by(payment_method.c.id)
    async with office.store.read() as tx:
        return [row.stopped for row in await tx.rows(query)]


async def states(office: Office) -> list[str]:
    """Tell how the attempts stand, the oldest first."""
    async with office.store.read() as tx:
        found = await tx.rows(select(attempt.c.state).order_by(attempt.c.opened_at))
        return [row.state for row in found]


async def hear(office: Office, account: AccountId, *events: tuple[MovementKind, str, str]) -> None:
    """Hear of events at once, and settle as long as there is something to do."""
    for kind, ref, charge in events:
        await heard(office, account, kind, ref, FIRST, charge=charge)
    for _ in range(2):
        await office.settle(account)


@pytest.mark.parametrize("order", list(permutations((CAME, TAKEN, WON))))
@pytest.mark.parametrize("at_once", [1, 2, 3])
async def test_a_dispute_that_was_won_leaves_the_card_charged(
    office: Office, order: Sequence[tuple[MovementKind, str, str]], at_once: int
):
    """Whatever is heard first, and with what: in the end the card is charged as before."""
    account = await office.join()
    for begin in range(0, len(order), at_once):
        await hear(office, account, *order[begin : begin + at_once])
    assert await open_items(office.store) == {}
    assert await methods(office) == [""]


async def test_what_came_due_meanwhile_is_collected_after_a_win(office: Office):
    """A card that rested is asked at once, without another event, for what is open by then."""
    account = await office.join()
    await hear(office, account, CAME, TAKEN)
    await office.live([account], office.now + timedelta(days=32))
    assert await methods(office) == ["in_dispute"]
    tried = await states(office)
    await hear(office, account, WON)
    assert set(await open_items(office.store)) == {"INV-00000002"}
    assert await states(office) == [*tried, "open"]


async def test_a_card_rests_as_long_as_one_dispute_stands(office: Office):
    """Of two disputes both must be won; one that is lost keeps the card, until it is chosen."""
    account = await office.join()
    other = (CLEARED, "pi_2", "pi_2")
    await hear(office, account, CAME, other, TAKEN, (DISPUTED, "du_2", "pi_2"), WON)
    assert await methods(office) == ["in_dispute"]
    await hear(office, account, (REINSTATED, "du_2", "pi_2"))
    assert await methods(office) == [""]


async def test_a_win_takes_back_no_other_reason(office: Office):
    """A card that rests for a refund or is refused for good goes on resting when we win."""
    account = await office.join()
    await hear(office, account, CAME, TAKEN)
    await hear(office, account, (CLEARED, "pi_2", "pi_2"), (MovementKind.GIVEN_BACK, "re", "pi_2"))
    assert await methods(office) == ["money_went_back"]
    await hear(office, account, WON)
    assert await methods(office) == ["money_went_back"]


async def test_a_dispute_before_a_card_was_chosen_again_does_not_count(office: Office):
    """Lost once and chosen again, a card is charged after another dispute is won."""
    account = await office.join()
    await hear(office, account, CAME, TAKEN)
    office.now += timedelta(minutes=1)
    async with office.store.begin() as tx:
        (row,) = await tx.rows(select(payment_method.c.id))
        await prefer(office.desk, tx, "100001", row.id, office.now)
    await office.live([account], office.now + timedelta(days=32))  # the next invoice is asked for
    await hear(office, account, (CLEARED, "pi_2", "pi_2"), (DISPUTED, "du_2", "pi_2"))
    assert await methods(office) == ["in_dispute"]
    await hear(office, account, (REINSTATED, "du_2", "pi_2"))
    assert await methods(office) == [""]


async def test_whoever_looks_sees_why_a_card_rests_and_what_helps(office: Office):
    """The pages of staff and of the household say so, and let the card be chosen again."""
    account = await office.join()
    await hear(office, account, CAME, TAKEN)
    async with office.store.read() as tx:
        (shown,) = await kept(tx, "100001")
    assert (shown.state, shown.may_be_charged) == ("in dispute", True)
    assert shown.detail.endswith("it comes back, it is chosen again, or another way to pay is left")


async def lines(till: Till) -> list[tuple[str, str]]:
    """Tell what happened to the household as its page does, but for what came in."""
    async with till.office.store.read() as tx:
        found = await history(tx, "100001", None)
    return sorted((one.text, one.more) for one in found if "cleared" not in one.text)


@pytest.mark.parametrize("order", ORDERS)
async def test_what_a_bank_does_is_told_once_each(small_till: Till, order: tuple[int, ...]):
    """Asked, taken with a fee, won with some of it back: each by its id and reason, once."""
    till = small_till
    intent = await paid(till)
    how = {"inquiry": True, "reason": "product_not_received"}
    key = (await tamper(till, "dispute", payment_intent=intent, **how))["id"]
    await tamper(till, "escalate", dispute=key, fee=FEE)
    await tamper(till, "close_dispute", dispute=key, status="won", fee_returned=BACK)
    events = await till.events(*OF_DISPUTES)
    await tell(till, [events[n] for n in (*order, *order)])
    why = f"cards, {key}, product not received"
    assert await lines(till) == [
        ("15.00 EUR was kept for a dispute: our cost", why),
        ("5.00 EUR of what was kept for a dispute came back", why),
        ("a bank asks about a payment of 25.20 EUR: no money moved", why),
        ("a bank took 25.20 EUR back", why),
        ("dispute won: 25.20 EUR is here again", why),
    ]


@pytest.mark.parametrize(
    ("how", "end", "told"),
    [
        ({"inquiry": True}, "warning_closed", "the bank asks no more about a payment of 25.20 EUR"),
        ({}, "lost", "dispute lost: 25.20 EUR stays with the bank"),
    ],
)
async def test_the_end_is_told_too(small_till: Till, how: dict[str, Any], end: str, told: str):
    """An inquiry that is dropped and a dispute that is lost have a line."""
    till = small_till
    key = (await tamper(till, "dispute", payment_intent=await paid(till), **how))["id"]
    await tamper(till, "close_dispute", dispute=key, status=end)
    await till.hear_all(*OF_DISPUTES)
    assert (told, f"cards, {key}, fraudulent") in await lines(till)
