"""Hosted checkout: a session, its page, and the payment made there."""

from typing import Any

import pytest

from tests.simulators.http import FORM, Answer, ProviderClient, call
from tests.simulators.process import RunningSimulator

THANKS = "http://127.0.0.1:1/thanks?session={CHECKOUT_SESSION_ID}"


def session(shop: ProviderClient, **more: object) -> Any:
    """Open a session over 2 x 9.95 EUR."""
    line = "line_items__0__"
    wish: dict[str, object] = {
        "mode": "payment",
        f"{line}quantity": 2,
        f"{line}price_data__currency": "eur",
        f"{line}price_data__unit_amount": 995,
        f"{line}price_data__product_data__name": "Invoice <7>",
        "success_url": THANKS,
        "metadata__invoice": "2027-0007",
        "payment_intent_data__metadata__attempt": "t-7",
    }
    return shop.made("checkout/sessions", None, **{**wish, **more})


def visit(url: str, form: str | None = None) -> Answer:
    """Look at the page, or send its form."""
    base, _, path = url.partition("/c/pay/")
    headers = {} if form is None else {"Content-Type": FORM}
    return call(base, "GET" if form is None else "POST", f"/c/pay/{path}", form, headers)


def test_page_shows_the_amount(shop: ProviderClient) -> None:
    """The page of a session shows what is to be paid, without a key."""
    opened = session(shop)
    assert (opened["amount_total"], opened["currency"], opened["status"]) == (1990, "eur", "open")
    assert (opened["payment_status"], opened["payment_intent"]) == ("unpaid", None)
    page = visit(opened["url"])
    assert page.status == 200
    assert 'data-amount="1990" data-currency="eur"' in page.text
    assert "<form" in page.text


@pytest.mark.parametrize("card", ["ok", "4242 4242 4242 4242", "pm_card_visa", ""])
def test_paying(shop: ProviderClient, card: str) -> None:
    """A good card completes the session and leads back to the shop."""
    opened = session(shop)
    answer = visit(opened["url"], f"card={card}")
    assert answer.status == 303
    assert answer.headers["Location"] == THANKS.replace("{CHECKOUT_SESSION_ID}", opened["id"])
    done = shop.get(f"checkout/sessions/{opened['id']}").json
    assert (done["status"], done["payment_status"]) == ("complete", "paid")
    intent = shop.get(f"payment_intents/{done['payment_intent']}").json
    assert (intent["status"], intent["amount"]) == ("succeeded", 1990)
    assert intent["metadata"] == {"attempt": "t-7"}
    (event,) = shop.get("events", type="checkout.session.completed").json["data"]
    assert event["data"]["object"] == done
    assert event["data"]["object"]["metadata"] == {"invoice": "2027-0007"}


def test_paying_twice_charges_once(provider: RunningSimulator, shop: ProviderClient) -> None:
    """A form that is sent again leads back too, but nothing more is charged."""
    opened = session(shop)
    assert [visit(opened["url"], "card=ok").status for _ in range(2)] == [303, 303]
    assert len(shop.get("payment_intents").json["data"]) == 1
    assert "Already paid" in visit(opened["url"]).text
    assert [e["changed"] for e in provider.journal()[-2:]] == [True, False]


def test_declined_and_tried_again(shop: ProviderClient) -> None:
    """A declined card leaves the session open for another one."""
    opened = session(shop)
    for card in ("declined", "4000000000009995"):
        answer = visit(opened["url"], f"card={card}")
        assert answer.status == 402
        assert "Your card" in answer.text
    assert shop.get(f"checkout/sessions/{opened['id']}").json["payment_status"] == "unpaid"
    assert visit(opened["url"], "card=ok").status == 303


def test_unknown_card(shop: ProviderClient) -> None:
    """A card that is none is told on the page, and nothing is charged."""
    opened = session(shop)
    assert visit(opened["url"], "card=1234").status == 402
    assert shop.get("payment_intents").json["data"] == []


def test_customers_own_card(provider: RunningSimulator, shop: ProviderClient) -> None:
    """Without a card the customer's own one is charged, as the admin decided for him."""
    customer, _ = shop.customer()
    operation = {"op": "card", "customer": customer, "behaviours": ["decline:lost_card", "ok"]}
    provider.admin("/tamper", operation)
    opened = session(shop, customer=customer)
    assert [visit(opened["url"], "").status for _ in range(2)] == [402, 303]
    assert shop.get("payment_intents", customer=customer).json["data"][0]["status"] == "succeeded"


def test_card_kept_for_later(shop: ProviderClient) -> None:
    """A card used with setup_future_usage=off_session belongs to the customer afterwards."""
    customer = shop.made("customers")["id"]
    usage = {"payment_intent_data__setup_future_usage": "off_session"}
    visit(session(shop, customer=customer, **usage)["url"], "card=5555555555554444")
    (method,) = shop.get("payment_methods", customer=customer).json["data"]
    assert method["card"]["brand"] == "mastercard"
    assert shop.charge(customer, method["id"]).status == 200


def test_processing_is_told_later(provider: RunningSimulator, shop: ProviderClient) -> None:
    """A payment that is processing completes the session unpaid and is decided later."""
    provider.admin("/tamper", {"op": "card", "behaviour": "processing"})
    opened = session(shop)
    assert visit(opened["url"], "card=ok").status == 303
    done = shop.get(f"checkout/sessions/{opened['id']}").json
    assert (done["status"], done["payment_status"]) == ("complete", "unpaid")
    operation = {"op": "settle", "payment_intent": done["payment_intent"], "behaviour": "ok"}
    provider.admin("/tamper", operation)
    assert shop.get(f"checkout/sessions/{opened['id']}").json["payment_status"] == "paid"
    kind = "checkout.session.async_payment_succeeded"
    assert len(shop.get("events", type=kind).json["data"]) == 1


def test_sessions_end(provider: RunningSimulator, shop: ProviderClient) -> None:
    """A session ends when it is expired, or after a day, and takes no money then."""
    first, second = session(shop), session(shop)
    assert shop.made(f"checkout/sessions/{first['id']}/expire")["status"] == "expired"
    assert shop.post(f"checkout/sessions/{first['id']}/expire").status == 400
    provider.admin("/faults", {"spec": "skew:25h"})
    for opened in (first, second):
        assert visit(opened["url"], "card=ok").status == 410
    assert shop.get("payment_intents").json["data"] == []


def test_unknown_session(provider: RunningSimulator) -> None:
    """An unknown link is 404."""
    assert visit(f"{provider.url}/c/pay/cs_test_nosuch").status == 404


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"mode": "subscription"}, "mode"),
        ({"amount": 5}, "amount"),
        ({"success_url": ""}, "success_url"),
        ({"customer": "cus_x"}, "customer"),
        (
            {"line_items__0__price_data__unit_amount": "1.5"},
            "line_items[0][price_data][unit_amount]",
        ),
    ],
)
def test_wrong_sessions(shop: ProviderClient, change: dict[str, object], param: str) -> None:
    """A session with a wrong parameter is refused with its name."""
    with pytest.raises(AssertionError) as caught:
        session(shop, **change)
    assert f'"param":"{param}"' in str(caught.value)
