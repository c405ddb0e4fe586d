"""The payment provider's API: customers, cards, intents, refunds, lists, errors."""

import json

import pytest

from tests.simulators.http import FORM, ProviderClient, basic, call
from tests.simulators.process import RunningSimulator


def tamper(provider: RunningSimulator, **operation: object) -> object:
    """Do an admin operation."""
    return provider.admin("/tamper", operation)["result"]


def test_a_key_is_needed(provider: RunningSimulator) -> None:
    """Without a test key, or with another one, the answer is 401."""
    for headers in ({}, {"Authorization": "Bearer sk_live_1"}, basic("nobody", "")):
        answer = call(provider.url, "GET", "/v1/customers", None, headers)
        assert answer.status == 401
        assert answer.json["error"]["type"] == "invalid_request_error"
    answer = call(provider.url, "GET", "/v1/customers", None, basic("sk_test_x", ""))
    assert answer.status == 200


def test_customer(shop: ProviderClient) -> None:
    """A customer is created, changed, found by e-mail and deleted."""
    made = shop.made("customers", email="a@example.org", name="Ann", metadata__account="A-1")
    assert made["id"].startswith("cus_")
    assert (made["object"], made["livemode"], made["metadata"]) == (
        "customer",
        False,
        {"account": "A-1"},
    )
    path = f"customers/{made['id']}"
    changed = shop.made(path, metadata__account="", metadata__zone="north", name="Eve")
    assert (changed["metadata"], changed["name"]) == ({"zone": "north"}, "Eve")
    assert shop.get(path).json == changed
    assert shop.get("customers", email="a@example.org").json["data"] == [changed]
    assert shop.get("customers", email="b@example.org").json["data"] == []
    headers = {"Authorization": "Bearer sk_test_1"}
    assert call(shop.url, "DELETE", f"/v1/{path}", None, headers).json["deleted"] is True
    assert shop.get("customers").json["data"] == []
    assert shop.post(path, name="x").status == 404


def test_cards(shop: ProviderClient) -> None:
    """Test tokens and test numbers become cards that are attached and listed."""
    customer, method = shop.customer()
    shown = shop.get(f"payment_methods/{method}").json
    assert (shown["customer"], shown["card"]["brand"], shown["card"]["last4"]) == (
        customer,
        "visa",
        "4242",
    )
    assert "_token" not in shown
    number = {"type": "card", "card__number": "4000 0000 0000 9995"}
    other = shop.made("payment_methods", **number)
    assert (other["customer"], other["card"]["last4"]) == (None, "9995")
    shop.made(f"payment_methods/{other['id']}/attach", customer=customer)
    listed = shop.get(f"customers/{customer}/payment_methods").json["data"]
    assert [m["id"] for m in listed] == [other["id"], method]
    assert shop.made(f"payment_methods/{method}/detach")["customer"] is None
    assert len(shop.get("payment_methods", customer=customer).json["data"]) == 1


def test_default_card(shop: ProviderClient) -> None:
    """A customer may name a default card, at creation too."""
    made = shop.made("customers", invoice_settings__default_payment_method="pm_card_visa")
    default = made["invoice_settings"]["default_payment_method"]
    assert shop.get(f"payment_methods/{default}").json["customer"] == made["id"]


def test_charge(shop: ProviderClient) -> None:
    """A confirmed intent charges the card in whole minor units."""
    customer, method = shop.customer()
    intent = shop.charge(customer, method, metadata__attempt="t-1").json
    assert (intent["status"], intent["amount"], intent["amount_received"]) == (
        "succeeded",
        1990,
        1990,
    )
    assert (intent["currency"], intent["metadata"]) == ("eur", {"attempt": "t-1"})
    charge = shop.get(f"charges/{intent['latest_charge']}").json
    assert (charge["paid"], charge["amount"], charge["payment_intent"]) == (
        True,
        1990,
        intent["id"],
    )
    assert shop.get(f"payment_intents/{intent['id']}").json == intent
    assert shop.get("charges", payment_intent=intent["id"]).json["data"] == [charge]


def test_currency_is_kept_in_lower_case(shop: ProviderClient) -> None:
    """Currencies are told in lower case."""
    assert shop.made("payment_intents", amount=1, currency="EUR")["currency"] == "eur"


@pytest.mark.parametrize(
    ("currency", "good", "bad"), [("kwd", 5120, 5124), ("isk", 500, 550), ("ugx", 500, 5)]
)
def test_an_amount_fits_its_currency(
    shop: ProviderClient, currency: str, good: int, bad: int
) -> None:
    """Of thousandths the last digit is 0; of what has no decimals any more the last two are."""
    answer = shop.post("payment_intents", amount=bad, currency=currency)
    assert (answer.status, answer.json["error"]["param"]) == (400, "amount")
    customer, method = shop.customer()
    intent = shop.made(
        "payment_intents", amount=good, currency=currency, customer=customer, payment_method=method
    )
    shop.made(f"payment_intents/{intent['id']}/confirm")
    answer = shop.post("refunds", payment_intent=intent["id"], amount=1)
    assert (answer.status, answer.json["error"]["param"]) == (400, "amount")
    item = "line_items__0__price_data__"
    page = {
        "mode": "payment",
        "success_url": "http://127.0.0.1/",
        f"{item}currency": currency,
        f"{item}unit_amount": bad,
        f"{item}product_data__name": "INV-1",
    }
    assert shop.post("checkout/sessions", **page).status == 400
    assert shop.post("checkout/sessions", **page | {f"{item}unit_amount": good}).status == 200


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("chargeCustomerFail", "card_declined", "generic_decline"),
        ("chargeDeclined", "card_declined", "generic_decline"),
        ("chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("chargeDeclinedProcessingError", "processing_error", "processing_error"),
        ("authenticationRequired", "authentication_required", "authentication_required"),
    ],
)
def test_declines(shop: ProviderClient, card: str, code: str, decline_code: str) -> None:
    """A declined card is 402 with its code, and the intent can be tried with another card."""
    customer, method = shop.customer(f"pm_card_{card}")
    answer = shop.charge(customer, method)
    error = answer.json["error"]
    assert (answer.status, error["type"]) == (402, "card_error")
    assert (error["code"], error["decline_code"]) == (code, decline_code)
    intent = shop.get(f"payment_intents/{error['payment_intent']['id']}").json
    assert (intent["status"], intent["amount_received"]) == ("requires_payment_method", 0)
    assert intent["last_payment_error"]["decline_code"] == decline_code
    assert shop.get(f"charges/{error['charge']}").json["paid"] is False
    confirm = f"payment_intents/{intent['id']}/confirm"
    assert shop.made(confirm, payment_method="pm_card_visa")["status"] == "succeeded"


def test_two_steps(shop: ProviderClient) -> None:
    """An intent can be created, confirmed and then no longer cancelled."""
    intent = shop.made("payment_intents", amount=500, currency="eur")
    assert intent["status"] == "requires_payment_method"
    path = f"payment_intents/{intent['id']}"
    assert shop.post(f"{path}/confirm").json["error"]["code"] == "payment_intent_unexpected_state"
    assert shop.made(f"{path}/confirm", payment_method="pm_card_visa")["status"] == "succeeded"
    for verb in ("confirm", "cancel"):
        assert shop.post(f"{path}/{verb}").status == 400
    other = shop.made("payment_intents", amount=5, currency="eur", payment_method="pm_card_visa")
    assert other["status"] == "requires_confirmation"
    assert shop.made(f"payment_intents/{other['id']}/cancel")["status"] == "canceled"
    assert shop.made(path, metadata__note="paid")["metadata"] == {"note": "paid"}


def test_look_up_by_metadata(shop: ProviderClient) -> None:
    """An intent whose answer was lost is found by its metadata or by its customer."""
    customer, method = shop.customer()
    for number in range(3):
        shop.charge(customer, method, metadata__attempt=f"t-{number}")
    query = "metadata['attempt']:'t-1' AND status:\"succeeded\""
    found = shop.get("payment_intents/search", query=query).json
    assert found["object"] == "search_result"
    assert [intent["metadata"]["attempt"] for intent in found["data"]] == ["t-1"]
    listed = shop.get("payment_intents", customer=customer).json["data"]
    assert [intent["metadata"]["attempt"] for intent in listed] == ["t-2", "t-1", "t-0"]
    assert shop.get("payment_intents", customer="cus_x").json["data"] == []
    assert shop.get("payment_intents/search", query="nonsense").status == 400


def test_pages(shop: ProviderClient) -> None:
    """Lists come in pages, newest first, forwards and backwards."""
    ids = [shop.made("customers", name=str(number))["id"] for number in range(5)][::-1]
    first = shop.get("customers", limit=2).json
    assert [c["id"] for c in first["data"]] == ids[:2]
    assert (first["object"], first["has_more"]) == ("list", True)
    last = shop.get("customers", limit=3, starting_after=ids[1]).json
    assert ([c["id"] for c in last["data"]], last["has_more"]) == (ids[2:], False)
    back = shop.get("customers", limit=2, ending_before=ids[3]).json
    assert ([c["id"] for c in back["data"]], back["has_more"]) == (ids[1:3], True)
    assert shop.get("customers", limit=101).status == 400
    assert shop.get("customers", starting_after="cus_x").status == 400
    assert shop.get("customers", created__gt=4_000_000_000).json["data"] == []


def test_refunds(shop: ProviderClient) -> None:
    """A charge is given back in parts, never more than was taken."""
    intent = shop.charge(*shop.customer()).json
    refund = shop.made("refunds", payment_intent=intent["id"], amount=990)
    assert (refund["status"], refund["amount"], refund["charge"]) == (
        "succeeded",
        990,
        intent["latest_charge"],
    )
    assert shop.post("refunds", payment_intent=intent["id"], amount=1001).status == 400
    assert shop.made("refunds", charge=intent["latest_charge"])["amount"] == 1000
    error = shop.post("refunds", payment_intent=intent["id"]).json["error"]
    assert error["code"] == "charge_already_refunded"
    charge = shop.get(f"charges/{intent['latest_charge']}").json
    assert (charge["amount_refunded"], charge["refunded"]) == (1990, True)
    assert len(shop.get("refunds", payment_intent=intent["id"]).json["data"]) == 2
    assert shop.get(f"refunds/{refund['id']}").json == refund


def test_nothing_to_refund(shop: ProviderClient) -> None:
    """An intent that was not paid cannot be refunded."""
    intent = shop.made("payment_intents", amount=500, currency="eur")
    assert shop.post("refunds", payment_intent=intent["id"]).status == 400
    assert shop.post("refunds").json["error"]["code"] == "parameter_missing"


@pytest.mark.parametrize(
    ("path", "parameters", "param", "code"),
    [
        ("payment_intents", {"currency": "eur"}, "amount", "parameter_missing"),
        ("payment_intents", {"amount": 5}, "currency", "parameter_missing"),
        (
            "payment_intents",
            {"amount": "1.5", "currency": "eur"},
            "amount",
            "parameter_invalid_integer",
        ),
        (
            "payment_intents",
            {"amount": -5, "currency": "eur"},
            "amount",
            "parameter_invalid_integer",
        ),
        (
            "payment_intents",
            {"amount": 0, "currency": "eur"},
            "amount",
            "parameter_invalid_integer",
        ),
        ("payment_intents", {"amount": 10**9, "currency": "eur"}, "amount", "amount_too_large"),
        ("payment_intents", {"amuont": 5}, "amuont", "parameter_unknown"),
        (
            "payment_intents",
            {"amount": 5, "currency": "eur", "customer": "cus_x"},
            "customer",
            "resource_missing",
        ),
        (
            "payment_intents",
            {"amount": 5, "currency": "eur", "payment_method": "pm_x"},
            "payment_method",
            "resource_missing",
        ),
        ("refunds", {"payment_intent": "pi_x"}, "payment_intent", "resource_missing"),
    ],
)
def test_wrong_parameters(
    shop: ProviderClient, path: str, parameters: dict[str, object], param: str, code: str
) -> None:
    """A wrong parameter is named with a code, and nothing is made."""
    answer = shop.post(path, None, **parameters)
    error = answer.json["error"]
    assert (answer.status, error["param"], error["code"]) == (400, param, code)
    assert error["type"] == "invalid_request_error"
    assert shop.get("payment_intents").json["data"] == []


def test_somebody_elses_card(shop: ProviderClient) -> None:
    """A card of one customer cannot be charged for another, nor attached to him."""
    _, method = shop.customer()
    other, _ = shop.customer()
    assert shop.charge(other, method).status == 400
    assert shop.post(f"payment_methods/{method}/attach", customer=other).status == 400


@pytest.mark.parametrize("path", ["customers/cus_x", "payment_intents/pi_x", "events/evt_x"])
def test_unknown_objects(shop: ProviderClient, path: str) -> None:
    """An unknown id in a path is 404."""
    answer = shop.get(path)
    assert (answer.status, answer.json["error"]["code"]) == (404, "resource_missing")


def test_unknown_path(shop: ProviderClient) -> None:
    """A path the API does not have is 404."""
    assert shop.get("nosuch").status == 404
    assert shop.post("events").status == 404


def test_rules_for_cards(provider: RunningSimulator, shop: ProviderClient) -> None:
    """An admin decides how a customer's cards behave, in turn, even before he exists."""
    behaviours = ["decline:insufficient_funds", "decline:lost_card", "ok"]
    tamper(provider, op="card", metadata={"account": "A-1"}, behaviours=behaviours)
    customer, method = shop.customer(metadata__account="A-1")
    seen = [shop.charge(customer, method) for _ in range(4)]
    codes = [a.json["error"]["decline_code"] if a.status == 402 else "paid" for a in seen]
    assert codes == ["insufficient_funds", "lost_card", "paid", "paid"]
    other, others = shop.customer(email="x@example.org")
    assert shop.charge(other, others).status == 200
    tamper(provider, op="card", email="x@example.org", behaviour="decline:do_not_honor")
    assert shop.charge(other, others).status == 402
    tamper(provider, op="clear_cards")
    assert shop.charge(other, others).status == 200


def test_rule_for_one_card(provider: RunningSimulator, shop: ProviderClient) -> None:
    """A rule may hold for one card, and one without a selector for everybody."""
    customer, method = shop.customer()
    second = shop.made("payment_methods/pm_card_mastercard/attach", customer=customer)["id"]
    tamper(provider, op="card", payment_method=method, behaviour="decline:expired_card")
    assert shop.charge(customer, method).json["error"]["code"] == "expired_card"
    assert shop.charge(customer, second).status == 200
    tamper(provider, op="card", behaviour="decline:generic_decline")
    assert shop.charge(customer, second).status == 402


def test_charged_but_the_answer_is_lost(provider: RunningSimulator, shop: ProviderClient) -> None:
    """With the behaviour `lost` the money is taken and the connection resets."""
    customer, method = shop.customer()
    tamper(provider, op="card", customer=customer, behaviour="lost")
    with pytest.raises(ConnectionResetError):
        shop.charge(customer, method, "key-1", metadata__attempt="t-9")
    found = shop.get("payment_intents/search", query="metadata['attempt']:'t-9'").json["data"]
    assert [intent["status"] for intent in found] == ["succeeded"]
    again = shop.charge(customer, method, "key-1", metadata__attempt="t-9")
    assert (again.status, again.json["id"]) == (200, found[0]["id"])
    assert len(shop.get("payment_intents").json["data"]) == 1


def test_processing(provider: RunningSimulator, shop: ProviderClient) -> None:
    """A charge may stay open until it is decided."""
    customer, method = shop.customer()
    tamper(provider, op="card", customer=customer, behaviour="processing")
    paid, failed = (shop.charge(customer, method).json for _ in range(2))
    assert (paid["status"], paid["amount_received"]) == ("processing", 0)
    tamper(provider, op="settle", payment_intent=paid["id"], behaviour="ok")
    tamper(provider, op="settle", payment_intent=failed["id"], behaviour="decline:lost_card")
    paid = shop.get(f"payment_intents/{paid['id']}").json
    assert (paid["status"], paid["amount_received"]) == ("succeeded", 1990)
    failed = shop.get(f"payment_intents/{failed['id']}").json
    assert failed["status"] == "requires_payment_method"
    assert failed["last_payment_error"]["decline_code"] == "lost_card"


def test_disputes(provider: RunningSimulator, shop: ProviderClient) -> None:
    """A charge is disputed, and the dispute closed."""
    intent = shop.charge(*shop.customer()).json
    dispute = tamper(provider, op="dispute", payment_intent=intent["id"])
    assert isinstance(dispute, dict)
    assert (dispute["amount"], dispute["status"]) == (1990, "needs_response")
    assert shop.get(f"charges/{intent['latest_charge']}").json["disputed"] is True
    tamper(provider, op="close_dispute", dispute=dispute["id"], status="won")
    assert shop.get(f"disputes/{dispute['id']}").json["status"] == "won"
    assert [d["id"] for d in shop.get("disputes").json["data"]] == [dispute["id"]]


def test_card_that_disputes(shop: ProviderClient) -> None:
    """One test card disputes every charge."""
    shop.charge(*shop.customer("pm_card_createDispute"))
    assert len(shop.get("disputes").json["data"]) == 1


def test_inquiries(provider: RunningSimulator, shop: ProviderClient) -> None:
    """A bank asks about a charge: no money moves; that ends, or becomes a dispute."""
    intent = shop.charge(*shop.customer("pm_card_createDisputeInquiry")).json
    (asked,) = shop.get("disputes").json["data"]
    assert (asked["status"], asked["balance_transactions"]) == ("warning_needs_response", [])
    assert asked["is_charge_refundable"] is True
    assert shop.made("refunds", payment_intent=intent["id"], amount=1)["status"] == "succeeded"
    tamper(provider, op="close_dispute", dispute=asked["id"], status="warning_closed")
    assert shop.get(f"disputes/{asked['id']}").json["balance_transactions"] == []
    tamper(provider, op="escalate", dispute=asked["id"])
    found = shop.get(f"disputes/{asked['id']}").json
    assert (found["status"], found["is_charge_refundable"]) == ("needs_response", False)
    assert [one["amount"] for one in found["balance_transactions"]] == [-1990]
    refused = shop.post("refunds", payment_intent=intent["id"], amount=1)
    assert refused.json["error"]["code"] == "charge_disputed"
    told = [one["type"] for one in shop.get("events").json["data"]][::-1]
    assert [one.rpartition(".")[2] for one in told if "dispute" in one] == [
        "created",
        "closed",
        "updated",
        "funds_withdrawn",
    ]


def test_events_are_kept(provider: RunningSimulator, shop: ProviderClient) -> None:
    """Every event can be looked up, with the object as it was then."""
    customer, method = shop.customer()
    intent = shop.charge(customer, method, "key-7").json
    shop.made(f"payment_intents/{intent['id']}", metadata__late="1")
    listed = shop.get("events", type="payment_intent.succeeded").json["data"]
    assert [e["data"]["object"]["id"] for e in listed] == [intent["id"]]
    assert listed[0]["data"]["object"]["metadata"] == {}
    assert listed[0]["request"]["idempotency_key"] == "key-7"
    assert shop.get(f"events/{listed[0]['id']}").json == listed[0]
    types = [e["type"] for e in shop.get("events").json["data"]]
    assert types == ["payment_intent.succeeded", "charge.succeeded"]


def test_what_the_journal_says(provider: RunningSimulator, shop: ProviderClient) -> None:
    """Charges and refunds are journalled once each, refused ones as attempts."""
    customer, method = shop.customer()
    intent = shop.charge(customer, method, metadata__attempt="t-1").json
    shop.post("payment_intents", amount=0, currency="eur")
    shop.made("refunds", payment_intent=intent["id"])
    charged, refused, refunded = provider.journal()[-3:]
    assert (charged["call"], charged["subject"]) == ("POST /v1/payment_intents", intent["id"])
    assert charged["after"] == {
        "amount": 1990,
        "currency": "eur",
        "status": "succeeded",
        "customer": customer,
        "metadata": {"attempt": "t-1"},
        "amount_received": 1990,
    }
    assert (refused["changed"], refused["after"]) == (False, None)
    assert (refunded["after"]["amount"], refunded["changed"]) == (1990, True)
    assert provider.admin("/counters")["calls"]["POST payment_intents"] == 2
    state = provider.admin("/state?metadata.attempt=t-1")
    assert [i["id"] for i in state["payment_intents"]] == [intent["id"]]


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        ("unauthorized", 401, "invalid_request_error"),
        ("conflict", 409, "idempotency_error"),
        ("throttled:3", 429, "api_error"),
        ("refused:No", 400, "invalid_request_error"),
        ("error:503", 503, "api_error"),
    ],
)
def test_faults_in_the_providers_words(
    provider: RunningSimulator, shop: ProviderClient, fault: str, status: int, kind: str
) -> None:
    """Injected refusals have the shape of the API's errors, and nothing is charged."""
    provider.admin("/faults", {"spec": f"{fault}:match=POST payment_intents"})
    customer, method = shop.customer()
    answer = shop.charge(customer, method)
    assert (answer.status, answer.json["error"]["type"]) == (status, kind)
    assert shop.get("payment_intents").json["data"] == []


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "nosuch"},
        {"op": "card"},
        {"op": "card", "behaviour": "explode"},
        {"op": "settle", "payment_intent": "pi_x"},
        {"op": "dispute", "payment_intent": "pi_x"},
        {"op": "webhook", "url": "http://127.0.0.1:1/"},
    ],
)
def test_wrong_operations(provider: RunningSimulator, operation: dict[str, object]) -> None:
    """An admin operation that makes no sense is refused with a reason."""
    answer = call(provider.admin_url, "POST", "/tamper", json.dumps(operation))
    assert answer.status == 400
    assert answer.json["error"]


def test_forms_alone_are_read(shop: ProviderClient) -> None:
    """A JSON body is no parameter the API knows."""
    headers = {"Authorization": "Bearer sk_test_1", "Content-Type": FORM}
    answer = call(shop.url, "POST", "/v1/customers", '{"name": "x"}', headers)
    assert answer.json["error"]["code"] == "parameter_unknown"
