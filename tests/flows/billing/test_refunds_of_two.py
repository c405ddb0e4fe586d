"""What is more than one person gives back alone waits for a second one, and goes once or never."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from billing.cash.store import drawer_entry, receipt
from billing.flows import second, shifts
from billing.flows.refund import Refunding, give_back
from billing.flows.second import Decided
from billing.flows.top_up import PayOut, pay_out
from billing.flows.void import void
from billing.payments.refunds import ALONE_FOR, LEAVES, Alone, RefundState, RefundWish
from billing.payments.store import movement, refund
from billing.reads import refunds as reading
from billing.reads import ways
from runtime.store import Store
from terms.errors import DomainError, Forbidden, Invalid, InvalidTransition, NotFound
from terms.ids import AccountId
from terms.money import Money
from tests.fixtures.billing import PUBLICATION, Office, make_office
from tests.fixtures.till import Till
from tests.flows.billing.books import check_books, open_items
from tests.flows.billing.test_histories import scratch
from tests.flows.billing.test_refunds import carry_out, paid, states
from tests.flows.billing.test_refunds import given as gone
from tests.flows.billing.test_settle import pay
from tests.flows.billing.test_shifts import sit_down, unsound

CONTRACT = "100001"
LIMIT = 1000
OF_TWO = replace(PUBLICATION, alone=Alone(up_to_minor={"EUR": LIMIT}))
EXAMPLES = int(os.environ.get("BOXOFFICE_TEST_HISTORIES", "15"))


async def ask(
    office: Office, reference: str, minor: int, by: str = "anna", charge: str = "C-1", **more: Any
) -> Refunding:
    """Ask for a refund."""
    wish = RefundWish(
        charge=charge, amount=Money(minor, "EUR"), reference=reference, reason="a word", **more
    )

    async def story(tx):
        return await give_back(office.desk, tx, CONTRACT, wish, office.now, by=by)

    made: Refunding = await office.run(story)
    return made


async def out(office: Office, reference: str, minor: int, by: str = "anna") -> list[Refunding]:
    """Pay out of the wallet."""
    wish = PayOut(amount=Money(minor, "EUR"), reason="moves away", reference=reference)

    async def story(tx):
        return await pay_out(office.desk, tx, CONTRACT, wish, office.now, by=by)

    made: list[Refunding] = await office.run(story)
    return made


async def release(office: Office, key: str, by: str = "bert") -> Decided:
    """Let a refund go."""
    done: Decided = await office.run(
        lambda tx: second.release(office.desk, tx, key, office.now, by=by)
    )
    return done


async def decline(office: Office, key: str, by: str = "bert", why: str = "too much") -> Decided:
    """Say no to a refund."""
    done: Decided = await office.run(
        lambda tx: second.decline(tx, key, office.now, by=by, reason=why)
    )
    return done


async def household(office: Office, *amounts: str) -> AccountId:
    """Let a household join and pay in cash: C-1, C-2 and so on."""
    await office.publish(OF_TWO)
    account = await office.join(method=None)
    for n, amount in enumerate(amounts, 1):
        await pay(office, amount, f"C-{n}")
        await office.settle(account)
    return account


async def listed(office: Office) -> list[tuple[str, int]]:
    """List what waits: the reference and how much."""
    async with office.store.read() as tx:
        found = await reading.waiting(tx)
    return [(one.reference, one.amount.amount_minor) for one in found]


async def rows(office: Office) -> Sequence[Any]:
    """Read all refunds as they were written."""
    async with office.store.read() as tx:
        return await tx.rows(select(refund).order_by(refund.c.id))


async def test_what_is_above_the_limit_leaves_by_a_second_person_alone(office: Office):
    """10.00 go at once, 10.01 wait: nothing is booked until another person lets them go, once."""
    account = await household(office, "60.00")
    assert (await ask(office, "R-1", 600)).state is RefundState.DONE
    held = await ask(office, "R-2", 401)  # 6.00 of the same day count too
    assert held.state is RefundState.WAITING
    assert (await ask(office, "R-2", 401)) == replace(held, is_new=False)
    assert (await ask(office, "R-3", 400)).state is RefundState.DONE
    assert (await ask(office, "R-4", 1000, by="bert")).state is RefundState.DONE
    await office.settle(account)
    before = await open_items(office.store)
    assert await listed(office) == [("R-2", 401)]
    with pytest.raises(Forbidden, match="second person"):
        await release(office, held.id, by="anna")
    with pytest.raises(Forbidden, match="second person"):
        await decline(office, held.id, by="anna")
    with pytest.raises(NotFound):
        await release(office, "nobody")
    done = await asyncio.gather(*(release(office, held.id, by=f"p{n}") for n in range(6)))
    assert sum(one.is_new for one in done) == 1
    assert {one.amount for one in done} == {Money(401, "EUR")}
    await office.settle(account)
    assert await open_items(office.store) != before
    (one,) = [row for row in await rows(office) if row.id == held.id]
    assert (one.state, one.asked_by, one.decided_by[0]) == ("done", "anna", "p")
    async with office.store.read() as tx:
        assert len(await tx.rows(select(receipt).where(receipt.c.kind == "refund"))) == 4
        assert await unsound(tx) == {}
    with pytest.raises(InvalidTransition, match="waits for nobody"):
        await decline(office, held.id)
    # What a second person has let go does not count; a day later nothing does.
    office.forward(hours=23, minutes=59)
    assert (await ask(office, "R-5", 1)).state is RefundState.WAITING
    office.forward(minutes=1)
    assert (await ask(office, "R-6", 1000)).state is RefundState.DONE
    await check_books(office.store)


async def test_what_was_declined_stays_in_the_history(small_office: Office):
    """With who said no and why; it never goes, and its reference stands for it."""
    office = small_office
    await household(office, "60.00")
    held = await ask(office, "R-1", 2000)
    for why in ("", " ", "x" * 255):
        with pytest.raises(Invalid, match="reason"):
            await decline(office, held.id, why=why)
    done = await decline(office, held.id)
    assert (done.is_new, done.parts[0].state) == (True, RefundState.DECLINED)
    again = await decline(office, held.id, by="carla", why="another word")
    assert (again.is_new, again.asked_by) == (False, "anna")
    with pytest.raises(InvalidTransition, match="was declined"):
        await release(office, held.id)
    assert (await ask(office, "R-1", 2000)).state is RefundState.DECLINED
    alone = await ask(office, "R-2", 1000)
    with pytest.raises(InvalidTransition, match="waits for nobody"):
        await release(office, alone.id)
    async with office.store.read() as tx:
        shown = (await ways.refunds_of(tx, [held.id]))[0]
    assert (shown.asked_by, shown.decided_by, shown.decided_why) == ("anna", "bert", "too much")
    assert shown.decided_at == office.now
    assert await listed(office) == []
    await check_books(office.store)


async def test_a_release_looks_again_whether_the_money_is_there(small_office: Office):
    """What went back meanwhile is missing: it is refused clearly, and waits on."""
    office = small_office
    account = await household(office, "20.00", "20.00")
    held = await ask(office, "R-1", 1500)
    assert (await ask(office, "R-2", 1000)).state is RefundState.DONE
    with pytest.raises(InvalidTransition, match=r"no more than 10\.00 EUR, which is left of C-1"):
        await release(office, held.id)
    assert await listed(office) == [("R-1", 1500)]
    await office.settle(account)
    wallet = await out(office, "W-1", 480)  # 14.80 are unused, and carla has given nothing yet
    assert [one.state for one in wallet] == [RefundState.WAITING]
    await ask(office, "R-3", 1000, by="carla", charge="C-2")
    with pytest.raises(InvalidTransition, match=r"no more than \d+\.\d\d EUR is unused"):
        await release(office, wallet[0].id)
    await decline(office, held.id)
    assert await listed(office) == [("W-1", 480)]
    await check_books(office.store)


async def test_a_wallet_is_paid_out_whole_or_waits_whole(office: Office):
    """Of four payments 24.80 wait as one, though each part is small; they go or stay together."""
    account = await household(office, "26.00", "8.00", "8.00", "8.00")
    parts = await out(office, "W-1", 2480)
    assert [one.state for one in parts] == [RefundState.WAITING] * 4
    assert await listed(office) == [("W-1", 2480)]
    assert {one.id for one in await out(office, "W-1", 2480)} == {one.id for one in parts}
    async with office.store.read() as tx:
        (one,) = await reading.waiting(tx)
        first = min(part.id for part in parts)
        assert (one.payments, one.pay_out, one.id) == (4, True, first)
        assert await reading.waiting(tx, after=one.id) == []
    done = await release(office, parts[1].id)
    assert (len(done.parts), done.amount) == (4, Money(2480, "EUR"))
    await office.settle(account)
    assert await open_items(office.store) == {}
    again = await release(office, parts[2].id)
    assert (again.is_new, again.amount) == (False, done.amount)
    await check_books(office.store)


async def test_cash_is_handed_over_by_whoever_asked(small_office: Office):
    """It comes out of their drawer once a second person has let it go, and not without a shift."""
    office = small_office
    await household(office, "60.00")
    await office.run(lambda tx: shifts.set_up(tx, "main", "", 0, office.now))
    held = await ask(office, "R-1", 1500)
    with pytest.raises(InvalidTransition, match="no open shift at a till"):
        await release(office, held.id)
    await sit_down(office, "main", "anna", Money(2000, "EUR"))
    await release(office, held.id)
    async with office.store.read() as tx:
        entry = await tx.first(select(drawer_entry).where(drawer_entry.c.kind == "given"))
        slip = await tx.first(select(receipt).where(receipt.c.kind == "refund"))
    assert entry is not None
    assert slip is not None
    assert (entry.amount_minor, entry.done_by, slip.cashier) == (-1500, "anna", "anna")


async def test_no_provider_hears_of_what_waits(till: Till):
    """Asked only once it is let go; a credit note of a line is written then, with its tax."""
    office = till.office
    charge = await paid(till)
    await office.publish(OF_TWO)
    held = await ask(office, "R-1", 900, charge=charge, line="INV-00000001.1")
    assert (held.state, held.amount) == (RefundState.WAITING, Money(1080, "EUR"))
    other = await ask(office, "R-2", 1200, charge=charge)
    await carry_out(till)
    assert (await gone(till), await states(till)) == ([], ["waiting", "waiting"])
    assert await open_items(office.store) == {}
    (done,) = (await release(office, held.id)).parts
    assert (done.state, done.note, done.amount) == ("open", "CRN-00000001", Money(1080, "EUR"))
    await carry_out(till)
    assert (await gone(till), sorted(await states(till))) == ([1080], ["done", "waiting"])
    assert await open_items(office.store) == {}
    await decline(office, other.id)
    await carry_out(till)
    assert await gone(till) == [1080]
    await check_books(office.store)


async def test_a_line_says_by_its_field_why_it_cannot_go_any_more(till: Till):
    """Less is left of it than was asked for, or all of its invoice is void."""
    office = till.office
    charge = await paid(till)
    await office.publish(OF_TWO)
    held = await ask(office, "R-1", 1500, charge=charge, line="INV-00000001.1")
    other = await ask(office, "R-2", 1400, charge=charge, line="INV-00000001.1")
    await release(office, other.id)
    with pytest.raises(InvalidTransition, match=r"no more than 7\.00 EUR, which is left of") as no:
        await release(office, held.id)
    assert no.value.field == "amount"
    await office.run(
        lambda tx: void(office.desk, tx, "INV-00000001", office.now, by="ann", reason="wrong")
    )
    with pytest.raises(InvalidTransition, match="is void: nothing is left of its lines") as no:
        await release(office, held.id)
    assert no.value.field == "line"
    with pytest.raises(Invalid, match="reason: has 254 characters at most"):
        await office.run(
            lambda tx: second.release(
                office.desk, tx, held.id, office.now, by="bert", reason="x" * 255
            )
        )


acts = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from("ab"), st.integers(1, 3000)),
    st.tuples(st.just("ask"), st.sampled_from("ab"), st.sampled_from([1000, 1201, 1600])),
    st.tuples(st.just("out"), st.sampled_from("ab"), st.integers(1, 3000)),
    st.tuples(st.just("release"), st.sampled_from("abc"), st.integers(0, 9)),
    st.tuples(st.just("decline"), st.sampled_from("abc"), st.integers(0, 9)),
    st.tuples(st.just("hours"), st.just("a"), st.integers(1, 30)),
    st.tuples(st.just("come"), st.just("a"), st.integers(1, 3000)),
)


async def act(office: Office, n: int, name: str, by: str, value: int) -> None:
    """Do one thing; what is refused is refused."""
    with suppress(DomainError):
        if name == "hours":
            office.forward(hours=value)
        elif name == "come":
            await pay(office, Money(value, "EUR").plain, f"C-{n}")
        elif name == "ask":
            charge = "C-1" if value % 2 else "C-2"
            await ask(office, f"R-{n}", value, by=by, charge=charge)
        elif name == "out":
            await out(office, f"R-{n}", value, by=by)
        else:
            every = await rows(office)
            found = [row for row in every if row.state == "waiting" or value > 7] or every
            key = found[value % len(found)].id if found else "nobody"
            await (release if name == "release" else decline)(office, key, by=by)


async def check(office: Office) -> None:
    """See that no more left than came, nobody alone gave too much, and what waits left nothing."""
    found = await rows(office)
    async with office.store.read() as tx:
        moved = await tx.rows(select(movement))
    for came in (row for row in moved if row.kind == "cleared"):
        of_it = [row.amount_minor for row in found if row.charge == came.charge]
        left = [row.amount_minor for row in moved if row.charge == came.charge and row != came]
        sums = sum(r.amount_minor for r in found if r.charge == came.charge and r.state in LEAVES)
        assert max(left, default=0) == sums <= came.amount_minor, of_it
    alone = [row for row in found if row.state in LEAVES and not row.decided_by]
    for one in alone:
        since = one.asked_at - ALONE_FOR
        window = [
            row.amount_minor
            for row in alone
            if row.asked_by == one.asked_by and since < row.asked_at <= one.asked_at
        ]
        assert sum(window) <= LIMIT
    for row in found:
        assert row.decided_by != row.asked_by
        assert (row.state == "declined") <= bool(row.decided_by and row.decided_why)
        assert (row.state == "waiting") <= (not row.decided_by)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(history=st.lists(acts, min_size=8, max_size=30))
async def test_in_whatever_order_no_more_leaves_than_may(
    sqlite_template, tmp_path_factory, machine, history
):
    """Asked, let go, declined, asked again: no more than came, and of one alone no more than
    the limit within any 24 hours.
    """
    with scratch(sqlite_template, tmp_path_factory.mktemp("two")) as copy:
        store = Store(copy("two.db"))
        try:
            office = make_office(store, machine)
            await office.publish()
            account = await household(office, "26.00", "20.00")
            for n, one in enumerate(history, 10):
                await act(office, n, *one)
                await office.settle(account)
            await check(office)
            await check_books(store)
        finally:
            await store.close()


async def test_without_a_limit_one_person_gives_back_any_amount(small_office: Office):
    """Where the operator tells none, and in a currency that is not named, it is as ever."""
    office = small_office
    assert await household(office, "900.00")
    nothing = replace(PUBLICATION, alone=Alone())
    assert await office.publish(OF_TWO) == ()
    assert await office.publish(nothing) == ("a person gives back any amount alone",)
    assert (await ask(office, "R-1", 80_000)).state is RefundState.DONE
    told = replace(PUBLICATION, alone=Alone(up_to_minor={"CZK": 0, "EUR": 5}))
    assert await office.publish(told) == ("a person gives back 0.00 CZK, 0.05 EUR alone",)
    assert (await ask(office, "R-2", 6)).state is RefundState.WAITING
    assert timedelta(hours=24) == ALONE_FOR
