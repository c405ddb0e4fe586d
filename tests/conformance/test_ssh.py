"""The SSH adapter passes the whole suite at a rack of boxes."""

from typing import ClassVar

from gateway.adapters.conformance import AdapterSuite, Harness
from tests.conformance.harness_ssh import SshHarness


class TestSsh(AdapterSuite):
    """Boxes whose host keys are pinned."""

    harness: ClassVar[Harness] = SshHarness()
