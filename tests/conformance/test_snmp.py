"""The SNMP adapter passes the whole suite at a rack of boxes."""

from typing import ClassVar

from gateway.adapters.conformance import AdapterSuite, Harness
from tests.conformance.harness_snmp import SnmpHarness


class TestSnmp(AdapterSuite):
    """Boxes with keys of their own."""

    harness: ClassVar[Harness] = SnmpHarness()
