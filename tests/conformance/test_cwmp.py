"""The CWMP adapter passes the whole suite, with boxes that are rung and call."""

from typing import ClassVar

from gateway.adapters.conformance import AdapterSuite, Harness
from tests.conformance.harness_cwmp import CwmpHarness


class TestCwmp(AdapterSuite):
    """A fleet of reference boxes."""

    harness: ClassVar[Harness] = CwmpHarness()
