"""A payment provider that speaks the shape of Stripe's public HTTP API.

Customers, payment methods, payment intents, refunds, disputes, hosted checkout, events and signed
webhooks; test cards only.
"""

from collections.abc import Mapping
from typing import Any

from simulators.payments.stripe.simulator import Stripe
from simulators.server import Front
from simulators.simulator import Faces, Stage


def make(stage: Stage, state: Mapping[str, Any]) -> Faces:
    """Make the provider in the state of a file."""
    return Front(stage, Stripe(stage, state))
