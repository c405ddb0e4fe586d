"""What every payment provider must do, shown on each installed kind against its simulator.

A kind without a harness fails: whoever adds a provider adds a harness here and nothing else.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from billing.flows.providers import configure, open_providers
from billing.payments.model import Decline, MethodTold, Moved, MovementKind, Refused
from billing.payments.provider import (
    Charged,
    ChargeOrder,
    CheckoutOrder,
    Declined,
    Described,
    EventPage,
    GivenBack,
    Missing,
    Processing,
    Provider,
    RefundOrder,
    SetupOrder,
)
from billing.payments.registry import kinds, open_provider, provider_class
from runtime.http import HttpDoor
from runtime.networks import LOOPBACK
from runtime.secrets import Sealer, new_master_key, parse_keys
from runtime.store import Store
from terms.errors import (
    Forbidden,
    Invalid,
    NotFound,
    Permanent,
    TargetError,
    Throttled,
    Unauthorized,
    Unreachable,
)
from terms.ids import AttemptId
from terms.money import Money
from tests.fixtures.till import DEADLINE_S, KEY, SECRET, Till, open_till, signature
from tests.simulators.process import RunningSimulator


class Harness(ABC):
    """What the tests need to know of one kind."""

    options: Mapping[str, Any]
    event: bytes

    def __init__(self, till: Till) -> None:
        self.till = till

    @abstractmethod
    def headers(self, body: bytes, at: datetime) -> dict[str, str]:
        """Sign a message as the provider does."""

    @abstractmethod
    async def order(self, attempt: str, amount: int = 1990) -> ChargeOrder:
        """Make an order for a payer whom the provider knows."""

    @abstractmethod
    async def behave(self, *behaviours: str) -> None:
        """Let the next charges be ok, soft, hard, processing or lost."""

    @abstractmethod
    async def fault(self, name: str) -> None:
        """Let the next request end so: unreachable, throttled, unauthorized."""

    @abstractmethod
    async def events(self) -> list[bytes]:
        """Return the bodies of all messages so far, oldest first."""

    @abstractmethod
    async def taken(self) -> list[int]:
        """Return the amounts that were really taken."""


class StripeHarness(Harness):
    """Stripe, against its simulator."""

    event = b'{"id": "evt_1", "type": "customer.created", "data": {"object": {}}}'
    words: ClassVar = {
        "ok": "ok",
        "lost": "lost",
        "processing": "processing",
        "soft": "decline:insufficient_funds",
        "hard": "decline:stolen_card",
    }

    def __init__(self, till: Till) -> None:
        super().__init__(till)
        self.options = {
            "base_url": till.simulator.url,
            "secret_key": KEY,
            "webhook_secrets": [SECRET],
            "deadline_s": DEADLINE_S,
        }

    def headers(self, body: bytes, at: datetime) -> dict[str, str]:
        """Sign a message as the provider does."""
        return {"stripe-signature": signature(body, int(at.timestamp()))}

    async def order(self, attempt: str, amount: int = 1990) -> ChargeOrder:
        """Make an order for a payer whom the provider knows."""
        method = await self.till.customer()
        return ChargeOrder(
            attempt=AttemptId(attempt),
            account="100001",
            customer=method.customer,
            method=method.method,
            amount=Money(amount, "EUR"),
            text="INV-1",
        )

    async def behave(self, *behaviours: str) -> None:
        """Let the next charges be ok, soft, hard, processing or lost."""
        await self.till.behave(*(self.words[one] for one in behaviours))

    async def fault(self, name: str) -> None:
        """Let the next request end so."""
        spec = {"unreachable": "reset", "throttled": "throttled:7"}.get(name, name)
        await self.till.faults(f"{spec}:count=1")

    async def events(self) -> list[bytes]:
        """Return the bodies of all messages so far, oldest first."""
        found = (await self.till.ask("events?limit=100"))["data"][::-1]
        return [json.dumps(event).encode() for event in found]

    async def taken(self) -> list[int]:
        """Return the amounts that were really taken."""
        found = (await self.till.ask("payment_intents?limit=100"))["data"]
        return [one["amount_received"] for one in found if one["status"] == "succeeded"]


HARNESSES: dict[str, type[Harness]] = {"stripe": StripeHarness}
NOW = datetime.now(UTC)


def test_every_kind_has_a_harness():
    """No kind of provider is installed that these tests do not look at."""
    assert set(kinds()) == set(HARNESSES)


@pytest.fixture(params=kinds())
async def harness(request, small_office, simulator: RunningSimulator) -> AsyncIterator[Harness]:
    """Return the harness of each kind."""
    async with open_till(small_office, simulator) as till:
        yield HARNESSES[request.param](till)


@pytest.fixture
async def provider(request, harness: Harness) -> AsyncIterator[Provider]:
    """Return the provider under test."""
    kind = next(name for name, cls in HARNESSES.items() if isinstance(harness, cls))
    door = HttpDoor(networks=LOOPBACK, deadline_s=DEADLINE_S)
    yield open_provider(kind, name="cards", options=harness.options, http=door)
    await door.aclose()


async def test_it_is_a_provider(provider: Provider):
    """It offers the whole port."""
    assert isinstance(provider, Provider)


async def test_only_fresh_messages_of_its_own_are_believed(harness: Harness, provider: Provider):
    """The raw body is proven, within the tolerance both ways, and the event's id is told."""
    body = harness.event
    good = harness.headers(body, NOW)
    assert provider.verify(good, body, NOW)
    for minutes in (-4, 4):
        assert provider.verify(good, body, NOW + timedelta(minutes=minutes))
    for wrong, told, at in (
        (body + b" ", good, NOW),
        (body, {}, NOW),
        (body, good, NOW + timedelta(minutes=6)),
        (body, good, NOW - timedelta(minutes=6)),
    ):
        with pytest.raises(Forbidden):
            provider.verify(told, wrong, at)
    for junk in (b"", b"null", b"[1]", b'"x"', b"{}", b"\xff\xfe", b"[" * 50_000):
        with pytest.raises(Invalid):
            provider.verify(harness.headers(junk, NOW), junk, NOW)


async def test_what_concerns_no_money_tells_nothing(harness: Harness, provider: Provider):
    """An event about something else is no error and no tiding."""
    assert list(provider.parse(harness.event)) == []


async def test_a_charge_happens_once(harness: Harness, provider: Provider):
    """However often an attempt is asked for, the money is taken once and found by a look-up."""
    order = await harness.order("A-1")
    assert await provider.look_up(order) == Missing()
    first = await provider.charge(order)
    assert isinstance(first, Charged)
    assert first.amount == order.amount
    assert await provider.charge(order) == first
    assert await provider.look_up(replace(order, asked_at=NOW)) == first
    assert await provider.look_up(replace(order, attempt=AttemptId("A-2"))) == Missing()
    assert await harness.taken() == [1990]


@pytest.mark.parametrize(
    ("owed", "paid"),
    [
        (Money(500, "JPY"), Money(500, "JPY")),
        (Money(5, "ISK"), Money(5, "ISK")),
        (Money(5124, "KWD"), Money(5130, "KWD")),
    ],
)
async def test_no_currency_is_taken_for_another(
    harness: Harness, provider: Provider, owed: Money, paid: Money
):
    """Whatever decimals a provider gives a currency, the answer, the look-up and the message agree.

    Where it takes less fine amounts than are owed, the whole of what is owed is paid.
    """
    order = replace(await harness.order("A-1"), amount=owed)
    charged = await provider.charge(order)
    assert isinstance(charged, Charged)
    assert charged.amount == paid
    assert await provider.look_up(order) == charged
    told = [one for body in await harness.events() for one in provider.parse(body)]
    assert [one.amount for one in told if isinstance(one, Moved)] == [paid]
    page = CheckoutOrder(
        provider="cards", account="100001", customer="", amount=owed, text="INV-1", return_url=""
    )
    assert await provider.checkout(page)


async def test_declines_have_their_class(harness: Harness, provider: Provider):
    """A refusal says whether the same method may be tried again; a look-up says the same."""
    for name, decline in (("soft", Decline.SOFT), ("hard", Decline.HARD)):
        order = await harness.order(f"A-{name}")
        await harness.behave(name)
        found = await provider.charge(order)
        assert isinstance(found, Declined)
        assert (found.decline, bool(found.code)) == (decline, True)
        assert await provider.look_up(order) == found
    assert await harness.taken() == []


async def test_a_payer_the_provider_does_not_know(harness: Harness, provider: Provider):
    """A method that does not exist is a hard decline of the payer, not a fault of ours."""
    order = replace(await harness.order("A-1"), method="pm_nobody")
    found = await provider.charge(order)
    assert isinstance(found, Declined)
    assert found.decline is Decline.HARD


async def test_a_charge_may_be_decided_later(harness: Harness, provider: Provider):
    """A provider that needs time says so, and a look-up says so as well."""
    order = await harness.order("A-1")
    await harness.behave("processing")
    assert isinstance(await provider.charge(order), Processing)
    assert isinstance(await provider.look_up(order), Processing)


async def test_a_lost_answer_is_unreachable_and_then_found(harness: Harness, provider: Provider):
    """When the answer is lost nobody claims to know; the look-up finds the money."""
    order = await harness.order("A-1")
    await harness.behave("lost")
    with pytest.raises(Unreachable):
        await provider.charge(order)
    assert isinstance(await provider.look_up(order), Charged)
    assert await harness.taken() == [1990]


@pytest.mark.parametrize(
    ("name", "error"),
    [("unreachable", Unreachable), ("throttled", Throttled), ("unauthorized", Unauthorized)],
)
async def test_faults_have_their_class(
    harness: Harness, provider: Provider, name: str, error: type[TargetError]
):
    """Every verb raises the exact class for a fault and names no secret."""
    order = await harness.order("A-1")
    page = CheckoutOrder(
        provider="cards",
        account="100001",
        customer="",
        amount=order.amount,
        text="INV-1",
        return_url="",
    )
    back = RefundOrder(refund="R-1", charge="pi_1", amount=order.amount)
    left = SetupOrder(provider="cards", account="100001", customer="", return_url="")
    for verb in (
        *(provider.charge(order), provider.look_up(order), provider.checkout(page)),
        *(provider.refund(back), provider.look_up_refund(back), provider.events_after("")),
        *(provider.setup(left), provider.describe("pm_1"), provider.forget("pm_1")),
    ):
        await harness.fault(name)
        with pytest.raises(error) as raised:
            await verb
        assert KEY not in str(raised.value)
        if isinstance(raised.value, Throttled):
            assert raised.value.retry_after_s == 7.0


async def test_events_tell_of_the_charge(harness: Harness, provider: Provider):
    """The messages of a charge and of a decline carry our marks back, and their amounts."""
    good, bad = await harness.order("A-1"), await harness.order("A-2", 777)
    await harness.behave("ok")
    charged = await provider.charge(good)
    await harness.behave("soft")
    await provider.charge(bad)
    told = [one for body in await harness.events() for one in provider.parse(body)]
    cleared = [one for one in told if isinstance(one, Moved)]
    refused = [one for one in told if isinstance(one, Refused)]
    assert isinstance(charged, Charged)
    assert [(one.kind, one.charge, one.attempt, one.account, one.amount) for one in cleared] == [
        (MovementKind.CLEARED, charged.charge, "A-1", "100001", good.amount)
    ]
    assert [(one.attempt, one.decline, one.amount) for one in refused] == [
        ("A-2", Decline.SOFT, Money(777, "EUR"))
    ]


async def test_money_going_back_names_its_charge(harness: Harness, provider: Provider):
    """Each refund is told, disputes and their won end tell the same amount, all of one charge."""
    charged = await provider.charge(await harness.order("A-1"))
    assert isinstance(charged, Charged)
    till = harness.till
    for amount in ("500", "300"):
        await till.ask("refunds", {"payment_intent": charged.charge, "amount": amount})
    dispute = await till.simulator.aadmin(
        "/tamper", {"op": "dispute", "payment_intent": charged.charge}
    )
    number = (dispute.get("result") or dispute)["id"]
    await till.simulator.aadmin(
        "/tamper", {"op": "close_dispute", "dispute": number, "status": "won", "fee_returned": 1500}
    )
    told = [one for body in await harness.events() for one in provider.parse(body)]
    moved = [one for one in told if isinstance(one, Moved)]
    assert {one.charge for one in moved} == {charged.charge}
    assert [(one.kind, one.amount.amount_minor) for one in moved] == [
        (MovementKind.CLEARED, 1990),
        (MovementKind.GIVEN_BACK, 500),
        (MovementKind.GIVEN_BACK, 300),
        (MovementKind.DISPUTED, 1190),
        (MovementKind.FEE, 1500),
        (MovementKind.FEE, 1500),
        (MovementKind.FEE_RETURNED, 1500),
        (MovementKind.REINSTATED, 1190),
    ]
    assert len({(one.ref, one.kind) for one in moved}) == len(moved) - 1


async def test_a_refund_happens_once(harness: Harness, provider: Provider):
    """However often it is asked for, money goes back once and is found; its message tells the same.

    What goes back beyond what came is refused, and so is a refund of what nobody knows.
    """
    charged = await provider.charge(await harness.order("A-1"))
    assert isinstance(charged, Charged)
    order = RefundOrder(refund="R-1", charge=charged.charge, amount=Money(500, "EUR"))
    assert await provider.look_up_refund(order) == Missing()
    first = await provider.refund(order)
    assert isinstance(first, GivenBack)
    assert first.moved.amount == order.amount
    assert await provider.refund(order) == first
    assert await provider.look_up_refund(order) == first
    more = replace(order, refund="R-2", amount=Money(300, "EUR"))
    second = await provider.refund(more)
    assert isinstance(second, GivenBack)
    assert second.moved.amount == Money(300, "EUR")
    told = [one for body in await harness.events() for one in provider.parse(body)]
    gone = [
        (one.charge, one.ref, one.amount)
        for one in told
        if isinstance(one, Moved) and one.kind is MovementKind.GIVEN_BACK
    ]
    assert gone == [(one.moved.charge, one.moved.ref, one.moved.amount) for one in (first, second)]
    for wrong in (
        replace(order, refund="R-3", amount=Money(1191, "EUR")),
        replace(order, refund="R-4", charge="pi_nobody"),
    ):
        assert isinstance(await provider.refund(wrong), Declined)


async def test_a_method_is_left_described_and_forgotten(harness: Harness, provider: Provider):
    """A page takes a method for whom it is made; it is known by its end, and can be forgotten."""
    order = SetupOrder(provider="cards", account="100001", customer="", return_url="")
    page = await provider.setup(replace(order, replaces="M-1"))
    await harness.till.submit(page, {"card": "4242424242424242"})
    told = [one for body in await harness.events() for one in provider.parse(body)]
    (left,) = [one for one in told if isinstance(one, MethodTold) and one.account]
    assert (left.account, left.replaces) == ("100001", "M-1")
    known = await provider.describe(left.ref)
    assert isinstance(known, Described)
    assert known.label
    assert known.expires_on
    charged = await provider.charge(
        replace(await harness.order("A-1"), customer=left.customer, method=left.ref)
    )
    assert isinstance(charged, Charged)
    for _ in range(2):
        await provider.forget(left.ref)
    assert await provider.describe(left.ref) == Missing()
    assert await provider.describe("pm_nobody") == Missing()


async def test_events_are_listed_behind_one_another(harness: Harness, provider: Provider):
    """What happened is listed oldest first, behind an event; one that is unknown is said so."""
    await provider.charge(await harness.order("A-1"))
    page = await provider.events_after("")
    assert isinstance(page, EventPage)
    assert [len(provider.parse(one.body)) for one in page.events] == [1]
    last = page.events[-1]
    assert await provider.events_after(last.id) == EventPage(events=[], has_more=False)
    await provider.charge(await harness.order("A-2"))
    behind = await provider.events_after(last.id)
    assert isinstance(behind, EventPage)
    assert len(behind.events) == 1
    assert behind.events[0].at >= last.at
    assert await provider.events_after("evt_nobody") == Missing()


async def test_tidings_that_cannot_be_read_are_refused(harness: Harness, provider: Provider):
    """An event about money whose amount, currency or id is broken is refused, not guessed."""
    charged = await provider.charge(await harness.order("A-1"))
    assert isinstance(charged, Charged)
    event = json.loads((await harness.events())[-1])
    assert event["type"] == "payment_intent.succeeded"
    for field, wrong in (
        ("amount_received", True),
        ("amount_received", 19.9),
        ("amount_received", "1990"),
        ("amount_received", -5),
        ("amount_received", 10**18),
        ("currency", "euro"),
        ("currency", None),
        ("id", ""),
        ("id", "pi_\u0000"),
        ("id", "x" * 200),
    ):
        broken = json.loads(json.dumps(event))
        broken["data"]["object"][field] = wrong
        with pytest.raises(Invalid):
            provider.parse(json.dumps(broken).encode())
    odd = json.loads(json.dumps(event))
    odd["data"]["object"]["metadata"] = {"attempt": "\u0000", "account": 5}
    (one,) = provider.parse(json.dumps(odd).encode())
    assert isinstance(one, Moved)
    assert (one.attempt, one.account) == ("", "")


async def test_a_page_to_pay_on(harness: Harness, provider: Provider):
    """A checkout order becomes the address of a page; one that cannot be made is refused."""
    page = CheckoutOrder(
        provider="cards",
        account="100001",
        customer="",
        amount=Money(1990, "EUR"),
        text="INV-1",
        return_url="https://shop.example/paid",
    )
    assert (await provider.checkout(page)).startswith("http")
    with pytest.raises(Permanent):
        await provider.checkout(replace(page, customer="cus_nobody"))


def test_unknown_kinds_and_wrong_options_are_named():
    """A kind that is not installed and an option that is wrong are said, never a secret."""
    with pytest.raises(NotFound, match="installed: stripe"):
        provider_class("none")
    secret = "sk_test_very_secret"
    for options in (
        {"secret_key": secret},
        {"secret_key": secret, "webhook_secrets": []},
        {"secret_key": secret, "webhook_secrets": ["x"], "base_url": "ftp://x"},
        {"secret_key": secret, "webhook_secrets": ["x"], "other": 1},
    ):
        with pytest.raises(Invalid, match=r"payments\.cards\.") as raised:
            open_provider("stripe", name="cards", options=options, http=None)  # type: ignore[arg-type]
        assert secret not in str(raised.value)
    made = open_provider(
        "stripe",
        name="cards",
        options={"secret_key": secret, "webhook_secrets": ["x"]},
        http=None,  # type: ignore[arg-type]
    )
    assert secret not in repr(vars(made))


async def test_providers_are_kept_sealed(store: Store):
    """Options lie sealed in the database, are opened by name, and the same again is no change."""
    sealer = Sealer(parse_keys(new_master_key()))
    options = {"secret_key": "sk_test_x", "webhook_secrets": ["whsec_x"]}
    async with store.begin() as tx:
        assert await configure(tx, sealer, "cards", "stripe", options)
        assert not await configure(tx, sealer, "cards", "stripe", options)
        assert await configure(tx, sealer, "cards", "stripe", {**options, "tolerance_s": 60})
        opened = await open_providers(tx, sealer, None)  # type: ignore[arg-type]
        kept = await tx.fetch("SELECT options FROM payment_provider")
    assert list(opened) == ["cards"]
    assert opened["cards"].options.tolerance_s == 60  # type: ignore[attr-defined]
    assert "sk_test_x" not in str(kept)
