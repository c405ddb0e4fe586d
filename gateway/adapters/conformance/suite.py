"""The suite as a test class: subclass it, name a harness, done. Needs pytest, imports none.

Every check of the book becomes an async method `test_<name>`; the run needs a plugin for those,
such as pytest-asyncio in auto mode.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from gateway.adapters.conformance import edges, faults, limits, metering, states
from gateway.adapters.conformance.book import CHECKS, Check
from gateway.adapters.conformance.harness import Harness

SOURCES = (states, limits, faults, edges, metering)


class AdapterSuite:
    """All checks against the target of `harness`, which is started once for the class."""

    harness: ClassVar[Harness]

    @classmethod
    def setup_class(cls) -> None:
        """Start the target."""
        cls.harness.start()

    @classmethod
    def teardown_class(cls) -> None:
        """Stop the target."""
        cls.harness.stop()


def _method(one: Check) -> Callable[[Any], Awaitable[None]]:
    async def test(self: AdapterSuite) -> None:
        await one.run(self.harness)

    test.__doc__ = one.says
    test.__name__ = f"test_{one.name}"
    test.__qualname__ = f"AdapterSuite.{test.__name__}"
    return test


for _check in CHECKS.values():
    setattr(AdapterSuite, f"test_{_check.name}", _method(_check))
