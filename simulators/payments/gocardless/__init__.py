"""A collector of bank debits that speaks the shape of GoCardless's public HTTP API.

Customers, bank accounts, mandates, payments, refunds, billing requests with their hosted page,
events and signed webhooks. Money takes days there: what banks answer is said by the admin face.
"""

from collections.abc import Mapping
from typing import Any

from simulators.payments.gocardless.simulator import Gocardless
from simulators.server import Front
from simulators.simulator import Faces, Stage


def make(stage: Stage, state: Mapping[str, Any]) -> Faces:
    """Make the collector in the state of a file."""
    return Front(stage, Gocardless(stage, state))
