"""Where files lie that nobody keeps: in memory where there is room, as most of a test is writing.

What is asked of a disk alone, that it holds what was synced when the power fails, no test can see.
"""

import os
import re
import tempfile
from pathlib import Path

CHOICE_ENVIRONMENT = "TMPDIR"
MEMORY = Path("/dev/shm")  # noqa: S108 - whatever is made there has a name of its own
MEMINFO = Path("/proc/meminfo")
ROOM_BYTES_MIN = 3 * 1024**3  # a whole run needs a third of it


def settle() -> None:
    """Have this process and all it starts write where that costs least, unless a person chose."""
    if CHOICE_ENVIRONMENT not in os.environ and has_room(MEMORY, MEMINFO):
        os.environ[CHOICE_ENVIRONMENT] = tempfile.tempdir = str(MEMORY)


def has_room(folder: Path, meminfo: Path) -> bool:
    """Tell whether a folder in memory may hold a run: programs start there, and there is room."""
    try:
        found = os.statvfs(folder)
        free = re.search(r"^MemAvailable: +(\d+) kB$", meminfo.read_text("utf-8"), re.MULTILINE)
    except OSError:
        return False
    is_open = os.access(folder, os.W_OK | os.X_OK) and not found.f_flag & os.ST_NOEXEC
    room = min(found.f_bavail * found.f_frsize, int(free[1]) * 1024 if free else 0)
    return is_open and room >= ROOM_BYTES_MIN
