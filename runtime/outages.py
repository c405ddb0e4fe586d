"""What does not come through just now, told once when it begins and once when it is over.

For everything that is done again and again by itself. A lost database is one outage, however many
loops meet it; any other failure is told with its trace, once until its loop has come through.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping

from runtime.retry import is_away, is_lost
from runtime.telemetry import get_log

# A loop that has not failed again for so long is no longer failed by the database.
FORGOTTEN_AFTER_S = 60.0
REASON_CHARS_MAX = 200

log = get_log()


class Outages:
    """Those of one process; each loop tells what became of every step under a name of its own."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        # Since when the database is lost, and when it last failed each loop that asks it again.
        self._lost_at_s: float | None = None
        self._lost: dict[str, float] = {}
        self._broken_at_s: dict[str, float] = {}
        # Of what is ours to mend, which class of error it is.
        self._bugs: dict[str, str] = {}

    @property
    def bugs(self) -> Mapping[str, str]:
        """Tell which loops fail just now by a fault of ours, each with the class of its error."""
        return dict(self._bugs)

    @property
    def is_lost(self) -> bool:
        """Whether the database is lost, as far as anybody knows."""
        return self._lost_at_s is not None

    def failed(self, loop: str, error: Exception) -> None:
        """Note that a step came to nothing; told where that is news."""
        now_s = self._now_s()
        if not is_away(error) and not is_lost(error):
            self._bugs[loop] = type(error).__name__
        if is_lost(error):
            if self._lost_at_s is None:
                self._lost_at_s = now_s
                log.warning("database.down", loop=loop, reason=_reason(error))
            self._lost[loop] = now_s
            return
        self._lost.pop(loop, None)
        if loop not in self._broken_at_s:
            self._broken_at_s[loop] = now_s
            # Whoever is merely away has no trace worth reading.
            trace = None if is_away(error) else error
            log.error("loop.down", loop=loop, reason=_reason(error), exc_info=trace)

    def passed(self, loop: str) -> None:
        """Note that a step that asked the database came through; told where that is news."""
        self._bugs.pop(loop, None)
        broken_at_s = self._broken_at_s.pop(loop, None)
        if broken_at_s is not None:
            log.warning("loop.up", loop=loop, after_s=round(self._now_s() - broken_at_s, 1))
        self._lost.pop(loop, None)
        if self._lost_at_s is not None:
            self._look_for_the_end(self._lost_at_s)

    def rests(self, loop: str) -> None:
        """Note that a loop asks the database no more for now: it keeps no outage open."""
        self._lost.pop(loop, None)

    def ended(self, loop: str) -> None:
        """Forget a loop that goes on no longer in this process."""
        self.rests(loop)
        self._bugs.pop(loop, None)
        self._broken_at_s.pop(loop, None)

    async def outlive(self, loop: str, step: Awaitable[object]) -> bool:
        """Do one step and tell whether it came through; no failure leaves this."""
        try:
            await step
        except Exception as error:  # noqa: BLE001 - told by `failed`
            self.failed(loop, error)
            return False
        self.passed(loop)
        return True

    def _look_for_the_end(self, lost_at_s: float) -> None:
        """Tell that the database is back, where one has it and nobody is failed by it any more."""
        now_s = self._now_s()
        self._lost = {
            name: at_s for name, at_s in self._lost.items() if now_s - at_s < FORGOTTEN_AFTER_S
        }
        if not self._lost:
            self._lost_at_s = None
            log.warning("database.up", after_s=round(now_s - lost_at_s, 1))


def _reason(error: Exception) -> str:
    """Say in one line what went wrong."""
    lines = str(getattr(error, "orig", None) or error).splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"[:REASON_CHARS_MAX]
