"""SQLite counts every byte it allocates under one lock for all threads, unless it is told not to.

Built without lookaside memory, as Debian's is, it takes that lock at nearly every step: connections
in threads of their own wait for each other, and two are slower than one. Nobody here wants the
count. (SQLITE_CONFIG_MEMSTATUS; sqlite.org/compile.html recommends to build it without.)
"""

from __future__ import annotations

import _sqlite3
import ctypes
import sys
from functools import cache

MEMSTATUS = 9
MEMORY_USED = 0
OK = 0


@cache
def stop_counting() -> bool:
    """Have SQLite count no more in this process; tells whether it does not.

    Only where no connection is open, as SQLite has to begin anew for it.
    """
    if (
        sys.platform != "linux"
    ):  # elsewhere a function of many kinds of arguments is called otherwise
        return False
    try:
        sqlite = ctypes.CDLL(_sqlite3.__file__)
        if _used(sqlite) or sqlite.sqlite3_shutdown() != OK:
            return False
        stopped: int = sqlite.sqlite3_config(ctypes.c_int(MEMSTATUS), ctypes.c_int(0))
        started: int = sqlite.sqlite3_initialize()
    except (OSError, AttributeError):  # it is inside of something else, and does not show its names
        return False
    return stopped == OK and started == OK


def _used(sqlite: ctypes.CDLL) -> int:
    """Return how many bytes SQLite holds."""
    now, most = ctypes.c_int(), ctypes.c_int()
    sqlite.sqlite3_status(MEMORY_USED, ctypes.byref(now), ctypes.byref(most), 0)
    return now.value
