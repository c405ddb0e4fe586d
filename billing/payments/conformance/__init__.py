"""The conformance suite of payment providers, shipped so that every author can run it.

Write a Harness and an empty subclass of ProviderSuite; see docs/howto/provider.md.
"""

from billing.payments.conformance.harness import FAULTS, RETRY_AFTER_S, Harness, Payer
from billing.payments.conformance.suite import ProviderSuite
from billing.payments.conformance.trial import Trial, trial

__all__ = ["FAULTS", "RETRY_AFTER_S", "Harness", "Payer", "ProviderSuite", "Trial", "trial"]
