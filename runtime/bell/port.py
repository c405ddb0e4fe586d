"""What every make of bell does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class Bell(Protocol):
    """One door for every make of bell."""

    @property
    def is_up(self) -> bool:
        """Whether a ring reaches everybody now; where not, they find the work a little later."""
        ...

    def begin(self) -> None:
        """Listen from now on; whoever rings or waits does so by that."""
        ...

    def ring(self, kinds: Iterable[str]) -> None:
        """Wake whoever waits for one of these kinds. Never blocks, never fails."""
        ...

    def ring_all(self) -> None:
        """Wake everybody."""
        ...

    async def wait(self, kind: str, within_s: float) -> bool:
        """Wait for a ring of that kind; False when the time is over first.

        A ring between two waits is not lost: the next wait returns at once.
        """
        ...

    async def close(self) -> None:
        """Send what was rung, if it goes quickly, and ring no more."""
        ...
