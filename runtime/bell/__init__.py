"""The bell says "there may be work of this kind". It carries no work and may be lost.

Whoever waits looks at the database afterwards, so a missed ring costs time and nothing else. It
comes in two makes: within one process, and through Redis between many (`runtime.bell.redis`).
"""

from runtime.bell.local import LocalBell
from runtime.bell.port import Bell

__all__ = ["Bell", "LocalBell"]
