"""The suite as a test class: subclass it, name a harness, done. Needs pytest, imports none.

Every check is an async method; the run needs a plugin for those, such as pytest-asyncio in auto
mode.
"""

from __future__ import annotations

from billing.payments.conformance.charging import Charging
from billing.payments.conformance.keeping import Keeping
from billing.payments.conformance.refunding import Refunding
from billing.payments.conformance.telling import Telling


class ProviderSuite(Charging, Refunding, Telling, Keeping):
    """All checks against the other side of `harness`, which is started once for the class."""

    @classmethod
    def setup_class(cls) -> None:
        """Start the other side."""
        cls.harness.start()

    @classmethod
    def teardown_class(cls) -> None:
        """Stop it."""
        cls.harness.stop()
