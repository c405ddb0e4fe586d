"""The conformance suite of adapters, shipped so that every author can run it.

Write a Harness and an empty subclass of AdapterSuite; see docs/howto/adapter.md.
"""

from gateway.adapters.conformance.book import CHECKS, Check
from gateway.adapters.conformance.harness import FAULTS, RETRY_AFTER_S, SLOW_S, Harness
from gateway.adapters.conformance.suite import AdapterSuite
from gateway.adapters.conformance.trial import Trial, trial

__all__ = [
    "CHECKS",
    "FAULTS",
    "RETRY_AFTER_S",
    "SLOW_S",
    "AdapterSuite",
    "Check",
    "Harness",
    "Trial",
    "trial",
]
