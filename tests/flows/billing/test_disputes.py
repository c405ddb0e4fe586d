"""A payer's bank asks about a charge, takes it back, gives it back again: what becomes of it."""

from collections.abc import Sequence
from itertools import permutations
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from billing.payments.model import MovementKind
from billing.payments.store import movement
from tests.fixtures.till import Till
from tests.flows.billing.books import balances, check_books, open_items
from tests.flows.billing.test_collect import FIRST
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
