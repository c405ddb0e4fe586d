"""Messages of a payment provider, signed as Stripe's public scheme says (t=, v1= over the body)."""

from __future__ import annotations

import hashlib
import hmac
import json
import time

SECRET = "whsec_of_the_canary"


def cleared(
    contract: str, amount_minor: int, *, event: str = "evt_1", charge: str = "pi_1"
) -> bytes:
    """Make the body of an event: a payment of an account has cleared."""
    intent = {
        "id": charge,
        "object": "payment_intent",
        "amount": amount_minor,
        "amount_received": amount_minor,
        "currency": "eur",
        "metadata": {"account": contract},
        "status": "succeeded",
    }
    document = {
        "id": event,
        "object": "event",
        "type": "payment_intent.succeeded",
        "data": {"object": intent},
    }
    return json.dumps(document, indent=1).encode()


def signed(body: bytes, *, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    """Sign a body as of now, or of another time."""
    moment = int(time.time() if at is None else at)
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={moment},v1={digest}", "Content-Type": "application/json"}
