"""The GoCardless provider passes the whole suite."""

from typing import ClassVar

from billing.payments.conformance import Harness, ProviderSuite
from tests.conformance.harness_gocardless import GocardlessHarness


class TestGocardless(ProviderSuite):
    """The simulated collector."""

    harness: ClassVar[Harness] = GocardlessHarness()
