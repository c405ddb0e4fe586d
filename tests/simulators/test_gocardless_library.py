"""The collector as the provider's own library sees it: it must not tell the two apart."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import gocardless_pro
import pytest
from gocardless_pro import errors, webhooks
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from billing.payments.providers.gocardless.events import check_signature
from terms.errors import Forbidden
from tests.simulators.process import RunningSimulator, start_simulator

SECRET, OTHER = "our-secret", "another"


@pytest.fixture(scope="module")
def _collector_process() -> Iterator[RunningSimulator]:
    with start_simulator("gocardless") as running:
        yield running


@pytest.fixture
def collector(_collector_process: RunningSimulator) -> RunningSimulator:
    """Return a collector with nothing in it."""
    _collector_process.admin("/reset", {})
    return _collector_process


@pytest.fixture
def library(collector: RunningSimulator) -> Any:
    """Return the library, pointed at the simulator."""
    return gocardless_pro.Client(access_token="sandbox_1", base_url=collector.url)


def tamper(collector: RunningSimulator, **operation: object) -> Any:
    """Do an admin operation."""
    return collector.admin("/tamper", operation)["result"]


def order(mandate: str, amount: int = 1990) -> dict[str, Any]:
    """Word a payment."""
    links, marks = {"mandate": mandate}, {"attempt": "A-1"}
    return {"amount": amount, "currency": "EUR", "metadata": marks, "links": links}


def test_a_payment_its_refund_and_their_events_are_read(
    library: Any, collector: RunningSimulator
) -> None:
    """A payment is made once per key, confirmed by its bank, given back in parts."""
    mandate = tamper(collector, op="payer")["mandate"]
    assert library.mandates.get(mandate).scheme == "sepa_core"
    keyed = {"Idempotency-Key": "K-1"}
    made = library.payments.create(params=order(mandate), headers=keyed)
    assert (made.status, made.amount, made.metadata) == (
        "pending_submission",
        1990,
        {"attempt": "A-1"},
    )
    assert made.charge_date > datetime.now(UTC).date().isoformat()
    again = library.payments.create(params=order(mandate), headers=keyed)
    assert again.id == made.id
    tamper(collector, op="bank", payment=made.id, step="confirmed")
    assert library.payments.get(made.id).status == "confirmed"
    back = {"amount": 500, "total_amount_confirmation": 500, "links": {"payment": made.id}}
    refund = library.refunds.create(params=back)
    assert library.payments.get(made.id).amount_refunded == 500
    assert [one.id for one in library.refunds.list(params={"payment": made.id}).records] == [
        refund.id
    ]
    told = library.events.list(params={"payment": made.id}).records
    assert [one.action for one in told] == ["created", "confirmed", "created"]
    assert told[1].resource_metadata == {"attempt": "A-1"}


def test_refusals_are_errors_of_the_library(library: Any, collector: RunningSimulator) -> None:
    """What is wrong, in the wrong state, foreign or too hasty has a class of its own."""
    mandate = tamper(collector, op="payer")["mandate"]
    with pytest.raises(errors.ValidationFailedError):
        library.payments.create(params=order(mandate, 0))
    payment = library.payments.create(params=order(mandate)).id
    back = {"amount": 500, "total_amount_confirmation": 500, "links": {"payment": payment}}
    with pytest.raises(errors.InvalidStateError) as early:
        library.refunds.create(params=back)
    assert early.value.errors[0]["reason"] == "refund_payment_invalid_state"
    tamper(collector, op="bank", payment=payment, step="confirmed")
    with pytest.raises(errors.ValidationFailedError) as other:
        library.refunds.create(params={**back, "total_amount_confirmation": 400})
    assert other.value.errors[0]["reason"] == "total_amount_confirmation_invalid"
    assert library.mandates.cancel(mandate).status == "cancelled"
    with pytest.raises(errors.InvalidStateError) as gone:
        library.payments.create(params=order(mandate))
    assert gone.value.errors[0]["reason"] == "mandate_is_inactive"
    with pytest.raises(errors.InvalidApiUsageError):
        library.payments.get("PM0")
    stranger = gocardless_pro.Client(access_token="live_1", base_url=collector.url)
    with pytest.raises(errors.AuthenticationError):
        stranger.payments.list()
    collector.admin("/faults", {"spec": "throttled:7:count=1"})
    with pytest.raises(errors.RateLimitError):
        library.payments.list()


def test_lists_are_walked_by_the_library(library: Any, collector: RunningSimulator) -> None:
    """Its walk over the pages of a list finds every payment once, the newest first."""
    mandate = tamper(collector, op="payer")["mandate"]
    made = [library.payments.create(params=order(mandate, n)).id for n in range(1, 8)]
    walked = library.payments.all(params={"limit": 3, "mandate": mandate})
    assert [one.id for one in walked] == made[::-1]


def test_a_mandate_is_asked_for_as_documented(library: Any, collector: RunningSimulator) -> None:
    """A billing request and its flow give an address."""
    asked = library.billing_requests.create(params={"mandate_request": {"currency": "GBP"}})
    links = {"billing_request": asked.id}
    flow = library.billing_request_flows.create(
        params={"redirect_uri": "https://shop.example/", "links": links}
    )
    assert flow.authorisation_url.startswith(collector.url)


@given(
    st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=3),
    st.sampled_from([SECRET, OTHER]),
    st.sampled_from(["as it came", "written anew", "a blank more"]),
)
def test_we_believe_what_the_library_believes(told, secret, change):
    """A message signed by ours, by another's secret, changed, re-serialised: alike."""
    body = json.dumps({**told, "events": []}, indent=1)
    mark = hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
    came = {
        "as it came": body,
        "written anew": json.dumps(json.loads(body)),
        "a blank more": f"{body} ",
    }[change]
    try:
        webhooks.parse(came.encode(), SECRET, mark)
    except errors.InvalidSignatureError:
        with pytest.raises(Forbidden):
            check_signature(mark, came.encode(), [SecretStr("older"), SecretStr(SECRET)])
    else:
        check_signature(mark, came.encode(), [SecretStr("older"), SecretStr(SECRET)])
