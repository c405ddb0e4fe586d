"""The wall clock of a simulated system, which a fault may set wrong.

The journal never uses it: effects are stamped with the machine's own time.
"""

import time
from datetime import UTC, datetime, timedelta


class SkewedClock:
    """The machine's time, moved by `skew_s` seconds."""

    def __init__(self) -> None:
        self.skew_s = 0.0

    def seconds(self) -> float:
        """Tell the simulated system's seconds since 1970."""
        return time.time() + self.skew_s

    def now(self) -> datetime:
        """Tell the simulated system's time as an aware UTC datetime."""
        return datetime.now(UTC) + timedelta(seconds=self.skew_s)

    def sql_now(self) -> str:
        """Tell the time as a MySQL DATETIME text."""
        return self.now().strftime("%Y-%m-%d %H:%M:%S")
