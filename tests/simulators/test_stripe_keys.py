"""Idempotency keys: one effect per key, the same answer for every repetition."""

import concurrent.futures

import pytest

from tests.simulators.http import ProviderClient
from tests.simulators.process import RunningSimulator, start_simulator


def intents(shop: ProviderClient) -> int:
    """Count the intents there are."""
    return len(shop.get("payment_intents", limit=100).json["data"])


def test_same_key_same_answer(shop: ProviderClient) -> None:
    """A repetition gets the first answer, marked as replayed, and charges nothing."""
    customer, method = shop.customer()
    first = shop.charge(customer, method, "key-1")
    second = shop.charge(customer, method, "key-1")
    assert second.body == first.body
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert intents(shop) == 1


def test_a_decline_is_replayed_too(provider: RunningSimulator, shop: ProviderClient) -> None:
    """A declined charge stays declined under its key, whatever the card does later."""
    customer, method = shop.customer()
    behaviours = ["decline:insufficient_funds", "ok"]
    provider.admin("/tamper", {"op": "card", "customer": customer, "behaviours": behaviours})
    assert shop.charge(customer, method, "key-1").status == 402
    assert shop.charge(customer, method, "key-1").status == 402
    assert shop.charge(customer, method, "key-2").status == 200


def test_same_key_other_parameters(shop: ProviderClient) -> None:
    """The same key with other parameters, or on another path, is an idempotency error."""
    customer, method = shop.customer()
    shop.charge(customer, method, "key-1")
    for answer in (shop.charge(customer, method, "key-1", amount=5), shop.post("refunds", "key-1")):
        assert (answer.status, answer.json["error"]["type"]) == (400, "idempotency_error")
    assert intents(shop) == 1


def test_nothing_is_kept_of_wrong_parameters(shop: ProviderClient) -> None:
    """A request that never began to act leaves its key free."""
    customer, method = shop.customer()
    assert shop.charge(customer, method, "key-1", amount=0).status == 400
    assert shop.charge(customer, method, "key-1").status == 200


def test_a_key_too_long(shop: ProviderClient) -> None:
    """A key of more than 255 characters is refused."""
    assert shop.post("customers", "k" * 255, name="x").status == 200
    assert shop.post("customers", "k" * 256, name="x").status == 400


def test_keys_end_after_a_day(provider: RunningSimulator, shop: ProviderClient) -> None:
    """After 24 hours a key is as good as new."""
    first = shop.made("customers", "key-1", name="x")["id"]
    provider.admin("/faults", {"spec": "skew:24h"})
    assert shop.made("customers", "key-1", name="x")["id"] != first


def test_key_in_use() -> None:
    """While the first request is under way the key is refused with 409; it charges once."""
    with start_simulator("stripe", "--latency-ms", "400") as slow:
        shop = ProviderClient(url=slow.url)
        customer, method = shop.customer()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            wishes = [pool.submit(shop.charge, customer, method, "key-1") for _ in range(4)]
            answers = [wish.result() for wish in wishes]
        statuses = sorted(answer.status for answer in answers)
        assert statuses == [200, 409, 409, 409]
        refused = next(a for a in answers if a.status == 409)
        assert refused.json["error"]["code"] == "idempotency_key_in_use"
        assert intents(shop) == 1


@pytest.mark.parametrize("fault", ["lost", "half"])
def test_a_lost_answer_is_had_by_its_key(
    provider: RunningSimulator, shop: ProviderClient, fault: str
) -> None:
    """Whoever lost the answer gets it with the same key, without a second charge."""
    customer, method = shop.customer()
    provider.admin("/faults", {"spec": f"{fault}:count=1:match=POST payment_intents"})
    with pytest.raises(Exception, match=r"reset|IncompleteRead"):
        shop.charge(customer, method, "key-1")
    assert shop.charge(customer, method, "key-1").json["status"] == "succeeded"
    assert intents(shop) == 1
