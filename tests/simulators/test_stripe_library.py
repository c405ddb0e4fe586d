"""The payment provider as the provider's own library sees it: it must not tell the two apart."""

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.simulators.process import RunningSimulator

Library = stripe.StripeClient


@pytest.fixture
def library(provider: RunningSimulator) -> Iterator[Library]:
    """Return the library, pointed at the simulator."""
    transport = stripe.UrllibClient()
    yield stripe.StripeClient(
        "sk_test_1",
        base_addresses={"api": provider.url},
        max_network_retries=0,
        http_client=transport,
    )
    transport.close()


def customer(library: Library, card: str = "pm_card_visa") -> tuple[str, str]:
    """Make a customer with a card."""
    made = library.v1.customers.create({"name": "Ann", "metadata": {"account": "A-1"}})
    method = library.v1.payment_methods.attach(card, {"customer": made.id})
    return made.id, method.id


def charge(library: Library, card: str = "pm_card_visa", key: str = "K-1") -> stripe.PaymentIntent:
    """Charge a new customer off session."""
    owner, method = customer(library, card)
    return library.v1.payment_intents.create(
        {
            "amount": 1990,
            "currency": "eur",
            "customer": owner,
            "payment_method": method,
            "off_session": True,
            "confirm": True,
            "metadata": {"attempt": key},
        },
        {"idempotency_key": key},
    )


def test_a_charge_and_its_refund_are_objects_of_the_library(library: Library) -> None:
    """An intent, its charge, a refund and the events about them are read as such."""
    intent = charge(library)
    assert isinstance(intent, stripe.PaymentIntent)
    assert (intent.status, intent.amount_received) == ("succeeded", 1990)
    assert intent.metadata["attempt"] == "K-1"
    refund = library.v1.refunds.create({"payment_intent": intent.id, "amount": 500})
    assert isinstance(refund, stripe.Refund)
    paid = library.v1.charges.retrieve(str(intent.latest_charge))
    assert (paid.amount_refunded, paid.refunded) == (500, False)
    events = library.v1.events.list({"types": ["payment_intent.succeeded"]}).data
    assert [one.data.object["id"] for one in events] == [intent.id]


def test_refusals_are_errors_of_the_library(library: Library, provider: RunningSimulator) -> None:
    """A declined card, a wrong parameter, a key used twice, a foreign key, haste: each its own."""
    with pytest.raises(stripe.CardError) as declined:
        charge(library, "pm_card_chargeDeclinedInsufficientFunds")
    assert declined.value.code == "card_declined"
    assert declined.value.error is not None
    assert declined.value.error.decline_code == "insufficient_funds"
    charge(library, key="K-2")
    with pytest.raises(stripe.IdempotencyError):
        charge(library, key="K-2")
    with pytest.raises(stripe.InvalidRequestError) as wrong:
        library.v1.refunds.create({"payment_intent": "pi_nobody"})
    assert wrong.value.param == "payment_intent"
    stranger = stripe.StripeClient(
        "sk_live_1",
        base_addresses={"api": provider.url},
        max_network_retries=0,
        http_client=stripe.UrllibClient(),
    )
    with pytest.raises(stripe.AuthenticationError):
        stranger.v1.customers.list()
    provider.admin("/faults", {"spec": "throttled:7:count=1"})
    with pytest.raises(stripe.RateLimitError) as haste:
        library.v1.customers.list()
    assert haste.value.headers is not None
    assert haste.value.headers["retry-after"] == "7"


def test_lists_are_walked_by_the_library(library: Library) -> None:
    """Its walk over the pages of a list finds every object once, the newest first."""
    made = [library.v1.customers.create({"name": str(n)}).id for n in range(7)]
    walked = library.v1.customers.list({"limit": 3}).auto_paging_iter()
    assert [one.id for one in walked] == made[::-1]


def test_pages_and_disputes_are_objects_of_the_library(
    library: Library, provider: RunningSimulator
) -> None:
    """A page to pay on has an address; a dispute tells what the provider took and its fee."""
    price: Any = {"currency": "eur", "unit_amount": 500, "product_data": {"name": "INV-1"}}
    page = library.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": "https://shop.example/",
            "line_items": [{"quantity": 1, "price_data": price}],
        }
    )
    assert str(page.url).startswith("http")
    intent = charge(library)
    provider.admin("/tamper", {"op": "dispute", "payment_intent": intent.id})
    (dispute,) = library.v1.disputes.list().data
    (moved,) = dispute.balance_transactions
    assert (dispute.payment_intent, moved.amount, moved.fee) == (intent.id, -1990, 1500)
