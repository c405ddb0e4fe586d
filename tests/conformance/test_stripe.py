"""The Stripe provider passes the whole suite."""

from typing import ClassVar

from billing.payments.conformance import Harness, ProviderSuite
from tests.conformance.harness_stripe import StripeHarness


class TestStripe(ProviderSuite):
    """The simulated provider."""

    harness: ClassVar[Harness] = StripeHarness()
