"""Webhooks: real deliveries, signatures checked here independently, repetition and disorder."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.http import ProviderClient, call
from tests.simulators.process import RunningSimulator, start_simulator

SECRET = "whsec_0123456789"


class Receiver:
    """Takes deliveries and answers with the statuses it was told, the last one for ever."""

    def __init__(self) -> None:
        self.statuses = [200]
        self.taken: list[tuple[dict[str, str], bytes, float]] = []
        self._arrived = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with outer._arrived:
                    outer.taken.append((dict(self.headers), body, time.time()))
                    more = len(outer.statuses) > 1
                    status = outer.statuses.pop(0) if more else outer.statuses[0]
                    outer._arrived.notify_all()
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}/hooks/payments/stripe"

    def wait(self, count: int) -> list[Any]:
        """Wait for so many deliveries and tell their events."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.taken) >= count, timeout=30)
            return [json.loads(body) for _, body, _ in self.taken]

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def receiver(provider: RunningSimulator) -> Iterator[Receiver]:
    """Run a receiver that gets payment_intent.* events alone."""
    running = Receiver()
    running.start()
    types = ["payment_intent.succeeded", "payment_intent.payment_failed"]
    hook = {"op": "webhook", "url": running.url, "secret": SECRET, "enabled_events": types}
    provider.admin("/tamper", hook)
    yield running
    running.stop()


def expected_mark(secret: str, stamp: str, body: bytes) -> str:
    """Compute the signature as Stripe's documentation describes it."""
    signed = stamp.encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def outgoing(provider: RunningSimulator, count: int) -> list[dict[str, Any]]:
    """Wait for so many journalled deliveries."""
    while len(entries := provider.journal(face="outgoing")) < count:
        time.sleep(0.02)
    return entries


def test_signature(shop: ProviderClient, receiver: Receiver) -> None:
    """A delivery is signed over time and raw body with the endpoint's secret."""
    intent = shop.charge(*shop.customer()).json
    (event,) = receiver.wait(1)
    headers, body, arrived = receiver.taken[0]
    assert event["type"] == "payment_intent.succeeded"
    assert event["data"]["object"]["id"] == intent["id"]
    parts = dict(part.split("=", 1) for part in headers["Stripe-Signature"].split(","))
    assert parts.keys() == {"t", "v1"}
    assert hmac.compare_digest(parts["v1"], expected_mark(SECRET, parts["t"], body))
    assert parts["v1"] != expected_mark("whsec_other", parts["t"], body)
    assert abs(int(parts["t"]) - arrived) < 5
    assert headers["Content-Type"] == "application/json; charset=utf-8"


def test_deliveries_are_journalled(
    provider: RunningSimulator, shop: ProviderClient, receiver: Receiver
) -> None:
    """The journal tells the status and when the last byte of a delivery was sent."""
    before_ns = time.time_ns()
    intent = shop.charge(*shop.customer(), metadata__attempt="t-1").json
    (entry,) = outgoing(provider, 1)
    after = entry["after"]
    assert (entry["subject"], entry["call"]) == (intent["id"], f"POST {receiver.url}")
    assert (after["status"], after["attempt"], after["type"]) == (
        200,
        1,
        "payment_intent.succeeded",
    )
    assert after["metadata"] == {"attempt": "t-1"}
    assert before_ns < after["sent_ns"] <= after["answered_ns"] <= entry["at_ns"] <= time.time_ns()


def test_failed_charge(shop: ProviderClient, receiver: Receiver) -> None:
    """A declined charge is told with its reason."""
    shop.charge(*shop.customer("pm_card_chargeDeclinedInsufficientFunds"))
    (event,) = receiver.wait(1)
    assert event["type"] == "payment_intent.payment_failed"
    error = event["data"]["object"]["last_payment_error"]
    assert error["decline_code"] == "insufficient_funds"


def test_every_kind_of_event(provider: RunningSimulator, shop: ProviderClient) -> None:
    """Refunds, disputes and their ends are told too."""
    receiver = Receiver()
    receiver.start()
    try:
        hook = {"op": "webhook", "url": receiver.url, "secret": SECRET}
        provider.admin("/tamper", hook)
        intent = shop.charge(*shop.customer()).json
        shop.made("refunds", payment_intent=intent["id"], amount=1)
        operation = {"op": "dispute", "payment_intent": intent["id"]}
        dispute = provider.admin("/tamper", operation)["result"]["id"]
        provider.admin("/tamper", {"op": "close_dispute", "dispute": dispute, "status": "lost"})
        events = receiver.wait(7)
    finally:
        receiver.stop()
    assert {event["type"] for event in events} == {
        "charge.succeeded",
        "payment_intent.succeeded",
        "refund.created",
        "charge.refunded",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.closed",
    }


def test_repeated_until_taken(
    provider: RunningSimulator, shop: ProviderClient, receiver: Receiver
) -> None:
    """A delivery is repeated, freshly signed, until the receiver answers 2xx."""
    receiver.statuses = [500, 302, 204]
    shop.charge(*shop.customer())
    events = receiver.wait(3)
    assert len({event["id"] for event in events}) == 1
    entries = outgoing(provider, 3)
    assert [e["after"]["status"] for e in entries] == [500, 302, 204]
    assert [e["after"]["attempt"] for e in entries] == [1, 2, 3]
    for headers, body, _ in receiver.taken:
        parts = dict(part.split("=", 1) for part in headers["Stripe-Signature"].split(","))
        assert parts["v1"] == expected_mark(SECRET, parts["t"], body)
    (event,) = shop.get("events", type="payment_intent.succeeded").json["data"]
    assert event["pending_webhooks"] == 0


def test_repetition_is_bounded(tmp_path: Path) -> None:
    """After the last pause the provider gives up."""
    hooks = {
        "retry_ms": [10, 10],
        "endpoints": [{"url": "http://127.0.0.1:1/", "secret": SECRET, "enabled_events": ["*"]}],
    }
    path = tmp_path / "state.json"
    path.write_text(json.dumps({"webhooks": hooks, "api_keys": ["sk_test_1"]}))
    with start_simulator("stripe", "--state", path) as running:
        shop = ProviderClient(url=running.url)
        shop.charge(*shop.customer())
        entries = outgoing(running, 6)
        assert {e["after"]["status"] for e in entries} == {None}
        assert {e["after"]["why"] for e in entries} == {"ConnectionRefusedError"}
        assert {e["after"]["sent_ns"] for e in entries} == {None}
        # Nothing follows within ten times the pause.
        time.sleep(0.1)
        assert len(running.journal(face="outgoing")) == 6


def test_doubles(provider: RunningSimulator, shop: ProviderClient, receiver: Receiver) -> None:
    """A fault delivers one event several times."""
    provider.admin("/faults", {"spec": "webhook_duplicate:3"})
    shop.charge(*shop.customer())
    assert len({event["id"] for event in receiver.wait(3)}) == 1


def test_disorder(provider: RunningSimulator, shop: ProviderClient, receiver: Receiver) -> None:
    """A fault delivers events in the opposite order."""
    provider.admin("/faults", {"spec": "webhook_reorder:3"})
    customer, method = shop.customer()
    made = [shop.charge(customer, method).json["id"] for _ in range(3)]
    assert [event["data"]["object"]["id"] for event in receiver.wait(3)] == made[::-1]


def test_delay(provider: RunningSimulator, shop: ProviderClient, receiver: Receiver) -> None:
    """A fault delays a delivery."""
    provider.admin("/faults", {"spec": "webhook_delay:300ms"})
    started = time.time()
    shop.charge(*shop.customer())
    receiver.wait(1)
    assert receiver.taken[0][2] - started >= 0.3


def test_dropped(provider: RunningSimulator, shop: ProviderClient, receiver: Receiver) -> None:
    """A dropped delivery never comes, but its event can be looked up and sent again."""
    provider.admin("/faults", {"spec": "webhook_drop:count=1"})
    shop.charge(*shop.customer())
    (entry,) = outgoing(provider, 1)
    assert (entry["fault"], entry["after"]["status"]) == ("webhook_drop", None)
    assert receiver.taken == []
    event = shop.get("events", type="payment_intent.succeeded").json["data"][0]["id"]
    provider.admin("/tamper", {"op": "redeliver", "event": event, "copies": 20})
    assert {taken["id"] for taken in receiver.wait(20)} == {event}


def test_stale_signature(
    provider: RunningSimulator, shop: ProviderClient, receiver: Receiver
) -> None:
    """With the clock an hour behind the signature is right and old."""
    provider.admin("/faults", {"spec": "skew:-1h"})
    shop.charge(*shop.customer())
    receiver.wait(1)
    headers, body, arrived = receiver.taken[0]
    parts = dict(part.split("=", 1) for part in headers["Stripe-Signature"].split(","))
    assert abs(arrived - int(parts["t"]) - 3600) < 5
    assert parts["v1"] == expected_mark(SECRET, parts["t"], body)


def test_endpoints_of_the_api(provider: RunningSimulator, shop: ProviderClient) -> None:
    """An endpoint made through the API has a secret of its own and can be removed."""
    receiver = Receiver()
    receiver.start()
    try:
        wish = {"url": receiver.url, "enabled_events__": "payment_intent.succeeded"}
        made = shop.made("webhook_endpoints", **wish)
        assert made["secret"].startswith("whsec_")
        listed = shop.get("webhook_endpoints").json["data"]
        assert [(e["id"], "secret" in e) for e in listed] == [(made["id"], False)]
        shop.charge(*shop.customer())
        receiver.wait(1)
        headers, body, _ = receiver.taken[0]
        parts = dict(part.split("=", 1) for part in headers["Stripe-Signature"].split(","))
        assert parts["v1"] == expected_mark(made["secret"], parts["t"], body)
    finally:
        receiver.stop()
    path = f"/v1/webhook_endpoints/{made['id']}"
    headers = {"Authorization": "Bearer sk_test_1"}
    assert call(shop.url, "DELETE", path, None, headers).json["deleted"] is True
    assert call(shop.url, "DELETE", path, None, headers).status == 404
    assert provider.admin("/state")["webhook_endpoints"] == []
