"""The library behind our door: what it sends, how often, and what is made of odd answers."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from billing.payments.provider import ChargeOrder
from billing.payments.registry import open_provider
from terms.errors import Permanent, TargetError, Throttled, Unauthorized, Unreachable
from terms.http import Answer
from terms.ids import AttemptId
from terms.money import Money

SECRET = "sk_test_very_secret"
SIGNING = "whsec_of_the_operator"
ORDER = ChargeOrder(
    attempt=AttemptId("A-1"),
    account="100001",
    customer="cus_1",
    method="pm_1",
    amount=Money(1990, "EUR"),
    text="INV-1",
)


class Wire:
    """A door at which one answer waits for every request."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.answer = Answer(status=status, body=body, headers=headers or {})
        self.sent: list[tuple[str, str, Mapping[str, str], bytes | None]] = []

    async def call(self, method: str, url: str, **rest: Any) -> Answer:
        """Note a request and answer it."""
        self.sent.append((method, url, rest["headers"], rest["body"]))
        return self.answer

    async def resolve(self, host: str, **_: Any) -> str:
        """Find nobody."""
        raise AssertionError(f"nobody looks {host} up")


async def charge(wire: Wire) -> Any:
    """Charge over a wire."""
    options = {"secret_key": SECRET, "webhook_secrets": [SIGNING]}
    return await open_provider("stripe", name="cards", options=options, http=wire).charge(ORDER)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b"<html>", Unreachable),
        (200, b"null", Unreachable),
        (200, b"[1]", Unreachable),
        (200, b'"pi"', Unreachable),
        (200, b"\xff\xfe", Unreachable),
        (200, b"[" * 50_000, Unreachable),
        (200, b'{"object": ["x"]}', Unreachable),
        (200, b'{"object": "list", "data": 5}', Unreachable),
        (302, b"{}", Unreachable),
        (400, b'{"error": {"code": "parameter_unknown"}}', Permanent),
        (400, b'{"error": {"code": "rate_limit"}}', Throttled),
        (400, b"{}", Permanent),
        (400, b"<html>", Permanent),
        (401, b"<html>", Unauthorized),
        (403, b'{"error": {}}', Unauthorized),
        (429, b"<html>", Throttled),
        (500, b'{"error": {"type": "api_error"}}', Unreachable),
        (503, b"<html>", Unreachable),
    ],
)
async def test_odd_answers_have_their_class(status: int, body: bytes, error: type[TargetError]):
    """Each is asked for once, whatever came, and no error shows the key or the answer."""
    wire = Wire(status, body)
    with pytest.raises(error) as raised:
        await charge(wire)
    assert type(raised.value) is error
    assert len(wire.sent) == 1
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None or raised.value.__suppress_context__


async def test_only_what_is_needed_is_sent(capfd, caplog):
    """The key, the version, the form: nothing about the machine; nothing is logged or warned of."""
    caplog.set_level(logging.DEBUG)
    done = {"id": "pi_1", "status": "succeeded", "amount_received": 1990, "currency": "eur"}
    wire = Wire(200, json.dumps(done).encode(), {"stripe-notice": "buy more", "request-id": "r"})
    await charge(wire)
    await charge(wire)
    ((method, url, headers, body), _) = wire.sent
    assert (method, url) == ("POST", "https://api.stripe.com/v1/payment_intents")
    assert {name.lower() for name in headers} == {
        *("authorization", "content-type", "idempotency-key", "stripe-version"),
    }
    assert headers["Idempotency-Key"] == "A-1"
    assert headers["Stripe-Version"] == "2025-03-31.basil"
    assert b"off_session=true" in (body or b"")
    assert wire.sent[0][3] == wire.sent[1][3]
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_the_library_is_loaded_where_it_is_needed_alone():
    """The command line and the server are there without it; then it writes no log of its own."""
    program = (
        "import sys, app.cli, app.wiring\n"
        "from billing.payments.registry import kinds, provider_class\n"
        "assert 'stripe' in kinds() and 'stripe' not in sys.modules\n"
        "provider_class('stripe')\n"
        "assert 'requests' not in sys.modules\n"
        "from stripe import _util\n"
        "_util.log_debug('body', body='of a payer')\n"
        "print('stripe' in sys.modules)"
    )
    command, chatty = [sys.executable, "-c", program], {**os.environ, "STRIPE_LOG": "debug"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=chatty)
    assert (done.stdout.strip(), done.stderr) == ("True", "")
