"""The Ministra adapter passes the whole suite, at an old and at a newer portal."""

from typing import ClassVar

from gateway.adapters.conformance import AdapterSuite, Harness
from tests.conformance.harness_ministra import MinistraHarness, MinistraPanel
from tests.conformance.named import described


class TestMinistra4(AdapterSuite):
    """A portal that answers subscription writes with "Unauthorized request." after applying."""

    harness: ClassVar[Harness] = MinistraHarness("4.9.35")


class TestMinistra5(AdapterSuite):
    """A portal that answers them properly."""

    harness: ClassVar[Harness] = MinistraHarness("5.1.1")


if real := described("ministra"):

    class TestRealMinistra(AdapterSuite):
        """The portal that CONFORMANCE_TARGET describes."""

        harness: ClassVar[Harness] = MinistraPanel(real)
