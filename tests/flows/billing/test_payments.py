"""Money in and back: booked once, in any order, and used on the oldest invoice first."""

import asyncio
import shutil
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from billing.flows.attempts import Failure
from billing.flows.intake import intake
from billing.flows.methods import keep
from billing.flows.movements import Told, hear
from billing.flows.pay import pay_order, take_cash
from billing.flows.receive import prove, receive, release
from billing.flows.settle import settle
from billing.ledger.store import entry, posting
from billing.payments.model import Decline, Moved, MovementKind, Refused
from billing.payments.store import EventState, attempt, movement, payment_method, provider_event
from runtime.log import log_entry
from runtime.store import Store
from terms.errors import Forbidden, Invalid, NotFound
from terms.ids import AccountId
from terms.money import Money
from tests.fixtures.billing import Office, household, make_office
from tests.fixtures.till import Till, signature
from tests.flows.billing.books import balances, check_books, open_items, rights, rows
from tests.flows.billing.test_settle import pay, service_of

FIRST = 2520
MONTH = 3720


async def moved(
    office: Office, account: AccountId, kind: MovementKind, ref: str, amount: int, **of: str
) -> None:
    """Hear that money moved at the provider, as `heard` does; settle follows."""
    await heard(office, account, kind, ref, amount, **of)
    await office.settle(account)


async def heard(
    office: Office,
    account: AccountId,
    kind: MovementKind,
    ref: str,
    amount: int,
    *,
    charge: str = "",
    attempt_of: str = "",
) -> None:
    """Hear that money moved at the provider; nothing follows yet."""
    one = Moved(
        charge=charge or ref, ref=ref, amount=Money(amount, "EUR"), attempt=attempt_of, kind=kind
    )
    told = Told(account=account, number="100001", provider="cards", moved=one)
    async with office.store.begin() as tx:
        await hear(office.desk, tx, [told], [], office.now)


async def test_fifty_copies_of_one_webhook_are_one_payment(till: Till):
    """Fifty copies at once make one event, one movement and one posting."""
    await till.join()
    await till.behave("lost")
    await till.collect()
    (event,) = await till.events("payment_intent.succeeded")
    received = await asyncio.gather(*[till.hear(event) for _ in range(50)])
    assert sum(one.is_new for one in received) == 1
    desk, store, now = till.office.desk, till.office.store, till.office.now
    key = next(one.event for one in received if one.is_new)

    async def take() -> None:
        async with store.begin() as tx:
            await intake(desk, tx, [key], now)

    await asyncio.gather(*[take() for _ in range(8)])
    accounts = [AccountId(key) for key in await till.marked("settle")]

    async def settled() -> None:
        async with store.begin() as tx:
            await settle(desk, tx, accounts, now)

    await asyncio.gather(*[settled() for _ in range(8)])
    assert len(await rows(store, movement)) == 1
    assert (await balances(store))["clearing", "cards", "EUR"] == FIRST
    assert await open_items(store) == {}
    await check_books(store)
    async with store.read() as tx:
        facts = await tx.rows(select(log_entry.c.kind).where(log_entry.c.kind.like("payment.%")))
    assert [row.kind for row in facts] == ["payment.cleared"]


async def test_two_settles_of_one_account_write_one_invoice(office: Office):
    """Eight settles at once charge a period once and leave no gap in the numbers."""
    made = await office.sign_up(*[_household(n) for n in range(3)])
    accounts = [one.account for one in made]

    async def settled(order: list[AccountId]) -> None:
        async with office.store.begin() as tx:
            await settle(office.desk, tx, order, office.now)

    await asyncio.gather(*[settled(accounts if n % 2 else accounts[::-1]) for n in range(8)])
    assert sorted((await open_items(office.store)).items()) == [
        ("INV-00000001", FIRST),
        ("INV-00000002", FIRST),
        ("INV-00000003", FIRST),
    ]
    await check_books(office.store)


def _household(n: int):
    return household(f"{100001 + n}")


async def test_numbers_have_no_gap_after_a_rollback(office: Office):
    """A bill run that fails gives its numbers back."""
    made = await office.sign_up(*[_household(n) for n in range(4)])

    async def fails() -> None:
        async with office.store.begin() as tx:
            await settle(office.desk, tx, [one.account for one in made[:3]], office.now)
            raise RuntimeError("pulled the plug")

    with pytest.raises(RuntimeError):
        await fails()
    await office.settle(made[3].account)
    await office.settle(*[one.account for one in made])
    assert sorted(await open_items(office.store)) == [f"INV-{n:08d}" for n in (1, 2, 3, 4)]
    await check_books(office.store)


async def test_the_oldest_invoice_is_paid_first(office: Office):
    """Money pays by due date, then by number, whichever invoice it was meant for."""
    account = await office.join(method=None)
    await office.live([account], datetime(2026, 5, 2, tzinfo=UTC))
    await pay(office, "50.00", "R-1")
    await office.settle(account)
    assert await open_items(office.store) == {
        "INV-00000002": FIRST + MONTH - 5000,
        "INV-00000003": MONTH,
    }


async def test_money_is_booked_on_the_day_it_came(office: Office):
    """Cash that is settled days later is booked when it came; what is owed since, it pays then.

    So nothing is paid before it is owed. What goes back on a later day is of that day.
    """
    account = await office.join(method=None)
    office.now = datetime(2026, 3, 30, 22, 30, tzinfo=UTC)
    await pay(office, "30.00", "R-1")
    office.now = datetime(2026, 4, 2, 12, tzinfo=UTC)
    await pay(office, "1.00", "R-2")
    await office.settle(account)
    await moved(office, account, MovementKind.CLEARED, "ch_1", 5_000)
    office.forward(days=1)
    await moved(office, account, MovementKind.DISPUTED, "du_1", 5_000, charge="ch_1")
    async with office.store.read() as tx:
        found = await tx.rows(
            select(posting.c.posted_on, entry.c.book, entry.c.amount_minor)
            .join_from(posting, entry, entry.c.posting_id == posting.c.id)
            .where(entry.c.book.in_(["receivable", "credit"]))
            .order_by(posting.c.posted_on, posting.c.id, entry.c.book)
        )
    days: dict[tuple[date, str], list[int]] = {}
    for row in found:
        days.setdefault((row.posted_on, row.book), []).append(row.amount_minor)
    assert {key: sorted(parts) for key, parts in days.items()} == {
        (date(2026, 3, 11), "receivable"): [FIRST],
        (date(2026, 3, 31), "receivable"): [-FIRST],
        (date(2026, 3, 31), "credit"): [FIRST - 3000],
        (date(2026, 4, 2), "receivable"): [-3140, -480, -100, MONTH],
        (date(2026, 4, 2), "credit"): [-1860, 480],
        (date(2026, 4, 3), "receivable"): [3140],
        (date(2026, 4, 3), "credit"): [1860],
    }
    await check_books(office.store)


async def test_cash_is_taken_once_per_reference(office: Office):
    """The same receipt again changes nothing; amounts and references that are none are refused."""
    account = await office.join()
    assert await pay(office, "10.00", "R-1") is True
    assert await pay(office, "10.00", "R-1") is False
    await office.settle(account)
    assert await open_items(office.store) == {"INV-00000001": FIRST - 1000}
    with pytest.raises(NotFound):
        await pay(office, "10.00", "R-2", contract="999999")
    for amount, reference in (
        (Money(0, "EUR"), "R"),
        (Money(5, "JPY"), "R"),
        (Money(5, "EUR"), ""),
    ):
        async with office.store.begin() as tx:
            with pytest.raises(Invalid):
                await take_cash(
                    office.desk, tx, "100001", office.now, amount=amount, reference=reference
                )


async def test_a_foreign_currency_pays_nothing(office: Office):
    """Money of another currency stays unused credit of its own and never pays silently."""
    account = await office.join()
    one = Moved(charge="X", ref="X", amount=Money(999, "JPY"), kind=MovementKind.CLEARED)
    told = Told(account=account, number="100001", provider="cards", moved=one)
    async with office.store.begin() as tx:
        await hear(office.desk, tx, [told], [], office.now)
    await office.settle(account)
    assert await open_items(office.store) == {"INV-00000001": FIRST, "credit": 999}
    assert (await balances(office.store))["credit", account, "JPY"] == -999


async def test_money_that_went_back_opens_the_debt_again(office: Office):
    """A chargeback re-opens what it had paid, and winning it closes it again.

    Who was let in is not shut out at once, though it was the first invoice: it has its ladder.
    """
    account = await office.join()
    clear, back, won = MovementKind.CLEARED, MovementKind.DISPUTED, MovementKind.REINSTATED
    await moved(office, account, clear, "pi_1", FIRST)
    key = await service_of(office)
    assert (await rights(office.store, key)).state.is_live
    await moved(office, account, back, "du_1", FIRST, charge="pi_1")
    assert await open_items(office.store) == {"INV-00000001": FIRST}
    assert (await rights(office.store, key)).state.is_live
    assert ("clearing", "cards", "EUR") not in await balances(office.store)
    async with office.store.read() as tx:
        assert await tx.scalar(select(payment_method.c.stopped)) == "in_dispute"
    await moved(office, account, won, "du_1", FIRST, charge="pi_1")
    assert await open_items(office.store) == {}
    assert (await rights(office.store, key)).state.is_live
    await check_books(office.store)


async def test_who_never_paid_all_of_the_first_invoice_stays_dark(office: Office):
    """Parts that come and go let nobody in, until all of it has come; then a refund is harmless."""
    account = await office.join()
    clear, back = MovementKind.CLEARED, MovementKind.GIVEN_BACK
    key = await service_of(office)
    await moved(office, account, clear, "pi_1", FIRST - 300)
    await moved(office, account, back, "re_1", 200, charge="pi_1")
    assert not (await rights(office.store, key)).state.is_live
    await moved(office, account, clear, "pi_2", 500)
    assert (await rights(office.store, key)).state.is_live
    await moved(office, account, back, "re_2", 100, charge="pi_1")
    assert await open_items(office.store) == {"INV-00000001": 100}
    assert (await rights(office.store, key)).state.is_live
    await check_books(office.store)


async def test_a_method_left_after_money_went_back_is_charged(office: Office):
    """What was left once we had heard of it is not stopped, however late that is settled."""
    account = await office.join()
    await moved(office, account, MovementKind.CLEARED, "pi_1", FIRST)
    await heard(office, account, MovementKind.DISPUTED, "du_1", FIRST, charge="pi_1")
    later = office.now + timedelta(minutes=1)
    async with office.store.begin() as tx:
        await keep(tx, account, "PM-new", later, provider="cards", customer="c", ref="new")
    await office.settle(account)
    async with office.store.read() as tx:
        found = await tx.rows(select(payment_method.c.id, payment_method.c.stopped))
    stopped = {row.id: row.stopped for row in found}
    assert stopped.pop("PM-new") == ""
    assert set(stopped.values()) == {"in_dispute"}


async def test_after_money_went_back_the_oldest_invoices_stay_paid(office: Office):
    """Later money moves up: of three paid months the last is open, whichever charge went back."""
    account = await office.join(method=None)
    await office.live([account], datetime(2026, 5, 2, tzinfo=UTC))
    clear = MovementKind.CLEARED
    for ref, amount in (("pi_1", FIRST), ("pi_2", MONTH), ("pi_3", MONTH)):
        await moved(office, account, clear, ref, amount)
    assert await open_items(office.store) == {}
    await moved(office, account, MovementKind.DISPUTED, "du_1", FIRST, charge="pi_1")
    assert await open_items(office.store) == {"INV-00000003": FIRST}
    await check_books(office.store)


async def test_refunds_count_what_went_back_in_all(office: Office):
    """A provider tells the sum refunded so far; hearing 15 before 5 gives 15, not 20."""
    account = await office.join()
    await moved(office, account, MovementKind.CLEARED, "pi_1", FIRST)
    await moved(office, account, MovementKind.REFUNDED, "ch_1/1500", 1500, charge="pi_1")
    await moved(office, account, MovementKind.REFUNDED, "ch_1/500", 500, charge="pi_1")
    assert await open_items(office.store) == {"INV-00000001": 1500}
    await check_books(office.store)


EVENTS = (
    (MovementKind.CLEARED, "pi_1", "pi_1", FIRST),
    (MovementKind.CLEARED, "pi_2", "pi_2", 2000),
    (MovementKind.DISPUTED, "du_1", "pi_1", FIRST),
    (MovementKind.REFUNDED, "ch_2/700", "pi_2", 700),
    (MovementKind.REINSTATED, "du_1", "pi_1", FIRST),
    (MovementKind.REFUNDED, "ch_2/300", "pi_2", 300),
    (MovementKind.GIVEN_BACK, "re_1", "pi_1", 800),
    (MovementKind.BOUNCED, "re_1", "pi_1", 800),
)


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(order=st.permutations(EVENTS), cut=st.integers(1, len(EVENTS)), twice=st.booleans())
async def test_any_order_of_payment_events_ends_in_the_same_books(
    sqlite_template, tmp_path_factory, machine, order, cut, twice
):
    """Cleared, disputed, refunded, won, bounced, in any order and batch: the books end alike."""
    folder = tmp_path_factory.mktemp("books")
    shutil.copy(sqlite_template, folder / "books.db")
    store = Store(f"sqlite:///{folder / 'books.db'}")
    try:
        office = make_office(store, machine)
        await office.publish()
        account = await office.join(method=None)
        await office.live([account], datetime(2026, 4, 2, tzinfo=UTC))
        parts = [order[:cut], order[cut:]] + ([order[::2]] if twice else [])
        for part in parts:
            told = [
                Told(
                    account=account,
                    number="100001",
                    provider="cards",
                    moved=Moved(charge=charge, ref=ref, amount=Money(amount, "EUR"), kind=kind),
                )
                for kind, ref, charge, amount in part
            ]
            async with store.begin() as tx:
                await hear(office.desk, tx, told, [], office.now)
            await office.settle(account)
        assert await open_items(store) == {"INV-00000002": FIRST + MONTH - FIRST - 1300}
        assert await balances(store) == {
            ("clearing", "cards", "EUR"): FIRST + 1300,
            ("receivable", account, "EUR"): MONTH - 1300,
            ("revenue", "", "EUR"): -2100 - 3100,
            ("tax", "standard", "EUR"): -420 - 620,
        }
        await check_books(store)
    finally:
        await store.close()
        shutil.rmtree(folder)


OF_ONE = (
    (MovementKind.CLEARED, "pi_1", FIRST),
    None,  # the provider says late that it failed
    (MovementKind.REFUNDED, "ch_1/700", 700),
    (MovementKind.DISPUTED, "du_1", FIRST - 700),
    (MovementKind.FEE, "du_1", 1500),
    (MovementKind.REINSTATED, "du_1", FIRST - 700),
    (MovementKind.FEE_RETURNED, "du_1", 500),
    (MovementKind.GIVEN_BACK, "re_1", 300),
    (MovementKind.BOUNCED, "re_1", 300),
)


@settings(
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(order=st.permutations(OF_ONE))
async def test_any_order_of_what_becomes_of_one_charge_ends_in_the_same_books(
    sqlite_template, tmp_path_factory, machine, order
):
    """Succeeded, failed late, refunded in vain, disputed, some of its fee back: each by itself."""
    folder = tmp_path_factory.mktemp("books")
    shutil.copy(sqlite_template, folder / "books.db")
    store = Store(f"sqlite:///{folder / 'books.db'}")
    try:
        office = make_office(store, machine)
        await office.publish()
        account = await office.join()
        async with store.read() as tx:
            tried = str(await tx.scalar(select(attempt.c.id)))
        for event in order:
            told, failures = [], []
            if event is None:
                refused = Refused(
                    charge="pi_1",
                    ref="pi_1",
                    amount=Money(FIRST, "EUR"),
                    attempt=tried,
                    code="insufficient_funds",
                    decline=Decline.SOFT,
                )
                failures = [Failure(provider="cards", refused=refused)]
            else:
                kind, ref, amount = event
                mark = tried if kind is MovementKind.CLEARED else ""
                moved = Moved(
                    charge="pi_1", ref=ref, amount=Money(amount, "EUR"), kind=kind, attempt=mark
                )
                told = [Told(account=account, number="100001", provider="cards", moved=moved)]
            async with store.begin() as tx:
                await hear(office.desk, tx, told, failures, office.now)
            await office.settle(account)
        assert await open_items(store) == {"INV-00000001": 700}
        assert await balances(store) == {
            ("clearing", "cards", "EUR"): FIRST - 700 - 1000,
            ("fees", "cards", "EUR"): 1000,
            ("receivable", account, "EUR"): 700,
            ("revenue", "", "EUR"): -2100,
            ("tax", "standard", "EUR"): -420,
        }
        assert [row[7] for row in await rows(store, attempt)] == ["cleared"]
        await check_books(store)
    finally:
        await store.close()
        shutil.rmtree(folder)


async def test_webhooks_in_any_order_end_alike(small_till: Till):
    """A payment, its dispute and its won end, heard backwards: the late ones wait for the first."""
    till = small_till
    account = await till.join()
    await till.behave("lost")
    await till.collect()
    intent = (await till.ask("payment_intents"))["data"][0]["id"]
    dispute = await till.simulator.aadmin("/tamper", {"op": "dispute", "payment_intent": intent})
    number = (dispute.get("result") or dispute)["id"]
    await till.simulator.aadmin(
        "/tamper", {"op": "close_dispute", "dispute": number, "status": "won"}
    )
    names = ("payment_intent.succeeded", "charge.dispute.created", "charge.dispute.closed")
    events = await till.events(*names)
    assert len(events) == 3
    received = [await till.hear(event) for event in events[::-1]]
    for one in received[:2]:
        taken = await till.take(one)
        assert taken.again == {one.event: timedelta(minutes=1)}
    await till.take(received[2])
    assert await open_items(till.office.store) == {}
    taken = await till.take(*received[:2])
    assert taken.again == {}
    assert await open_items(till.office.store) == {}
    assert [row[7] for row in await rows(till.office.store, attempt)] == ["cleared"]
    assert account


async def test_money_of_nobody_is_kept_and_shown(small_till: Till):
    """A payment that belongs to no account waits in a named state; money going back waits first."""
    till = small_till
    event = {
        "id": "evt_1",
        "type": "payment_intent.succeeded",
        "data": {
            "object": {
                "id": "pi_stranger",
                "amount_received": 500,
                "currency": "eur",
                "metadata": {"account": "nobody"},
            }
        },
    }
    await till.take(await till.hear(event))
    lost = {**event, "id": "evt_2", "type": "charge.dispute.created"}
    lost["data"] = {
        "object": {"id": "du_9", "payment_intent": "pi_9", "amount": 5, "currency": "eur"}
    }
    received = await till.hear(lost)
    assert (await till.take(received)).again
    till.office.machine.forward(timedelta(days=4))
    assert (await till.take(received)).again == {}
    broken = {**event, "id": "evt_3", "data": {"object": {"id": "pi_2", "amount_received": "5"}}}
    await till.take(await till.hear(broken))
    async with till.office.store.read() as tx:
        found = await tx.rows(select(provider_event).order_by(provider_event.c.event_id))
    assert [(row.event_id, row.state) for row in found] == [
        ("evt_1", EventState.UNMATCHED.value),
        ("evt_2", EventState.UNMATCHED.value),
        ("evt_3", EventState.REFUSED.value),
    ]
    assert "belongs to no account" in found[0].reason
    assert await balances(till.office.store) == {}


async def test_money_of_nobody_is_taken_up_again_when_somebody_says_so(till: Till):
    """What was set aside is read again, once each time; what is taken up stays as it is."""
    event = {
        "id": "evt_1",
        "type": "payment_intent.succeeded",
        "data": {
            "object": {
                "id": "pi_1",
                "amount_received": 500,
                "currency": "eur",
                "metadata": {"account": "100001"},
            }
        },
    }
    received = await till.hear(event)
    await till.take(received)
    account = await till.join()
    till.office.forward(days=2)
    for count in (1, 0):
        async with till.office.store.begin() as tx:
            assert await release(till.office.desk, tx, [received.event]) == count
        assert await till.marked("intake") == [received.event]
        await till.take(received)
    async with till.office.store.read() as tx:
        (moved,) = await tx.rows(select(movement))
        days = await tx.rows(select(posting.c.posted_on).where(posting.c.id == moved.id))
    assert (moved.account_id, moved.amount_minor) == (account, 500)
    assert [row.posted_on for row in days] == [date(2026, 3, 11)]
    assert list((await open_items(till.office.store)).values()) == [2520 - 500]


async def test_a_message_outlives_its_provider(small_till: Till):
    """An event whose provider is not set up here is kept and taken when the provider is back."""
    till = small_till
    await till.join()
    await till.behave("lost")
    await till.collect()
    (event,) = await till.events("payment_intent.succeeded")
    received = await till.hear(event)
    providers = dict(till.office.desk.providers)
    till.office.desk.providers.clear()  # type: ignore[attr-defined]
    assert (await till.take(received)).again == {received.event: timedelta(minutes=1)}
    till.office.desk.providers.update(providers)  # type: ignore[attr-defined]
    assert (await till.take(received)).again == {}
    assert await open_items(till.office.store) == {}


async def test_forged_and_stale_messages_have_no_effect(small_till: Till):
    """A wrong signature, an old or future time, or no event is refused and leaves nothing."""
    till = small_till
    at = int(till.office.machine.now.timestamp())
    body = b'{"id": "evt_1", "type": "payment_intent.succeeded"}'
    good = signature(body, at)
    forged = {
        "none": "",
        "garbled": "t=x,v1=y",
        "no time": good.partition(",")[2],
        "two times": f"t=1,{good}",
        "other body": signature(body + b" ", at),
        "other secret": signature(body, at, "whsec_other"),
        "old": signature(body, at - 301),
        "future": signature(body, at + 302),
        "only v0": good.replace("v1=", "v0="),
        "too long": good + ",v1=" + "a" * 5000,
    }
    for why, header in forged.items():
        with pytest.raises(Forbidden):
            prove(till.office.desk, "cards", {"stripe-signature": header}, body)
        assert await rows(till.office.store, provider_event) == [], why
    for body in (b"", b"[]", b"{", b'{"id": 5}', b'{"id": "evt_\\u0000"}', b"[" * 100_000):
        with pytest.raises(Invalid):
            prove(till.office.desk, "cards", {"stripe-signature": signature(body, at)}, body)
    with pytest.raises(NotFound):
        prove(till.office.desk, "nobody", {}, b"")


async def test_rotated_secrets_and_marks_are_accepted(small_till: Till):
    """While a secret is rotated the old and the new one count, as does one good mark of many."""
    till = small_till
    at = int(till.office.machine.now.timestamp())
    body = b'{"id": "evt_1", "type": "customer.created"}'
    old = signature(body, at, "whsec_of_an_older_one")
    headers = {"stripe-signature": old.replace("v1=", f"v1={'0' * 64},v1=")}
    async with till.office.store.begin() as tx:
        (message,) = prove(till.office.desk, "cards", headers, body)
        assert [one.is_new for one in await receive(till.office.desk, tx, [message] * 3)] == [
            True,
            False,
            False,
        ]


async def test_a_page_is_made_for_all_that_is_owed(small_till: Till):
    """The provider's page asks for the sum of the open invoices and its payment closes them."""
    till = small_till
    account = await till.join()
    await till.behave("decline:insufficient_funds")
    await till.office.live([account], datetime(2026, 4, 2, tzinfo=UTC))
    async with till.office.store.begin() as tx:
        order = await pay_order(till.office.desk, tx, "100001")
    assert order.amount == Money(FIRST + MONTH, "EUR")
    page = await till.office.desk.providers["cards"].checkout(order)
    await till.behave("ok")
    await till.submit(page.url, {"card": "ok"})
    await till.hear_all("payment_intent.succeeded", "checkout.session.completed")
    assert await open_items(till.office.store) == {}
    async with till.office.store.begin() as tx:
        with pytest.raises(Invalid, match="owes nothing"):
            await pay_order(till.office.desk, tx, "100001")
