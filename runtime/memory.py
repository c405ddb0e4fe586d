"""How the process looks after its memory while it works, and how its threads take turns.

Python looks for unreachable cycles whenever a few hundred more objects live than before, and every
so often through all there are. What was loaded at the start stays for good, and a batch of work
keeps thousands of objects for a moment: looking that often costs a tenth of the processor.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys
from collections.abc import Iterator

# More than a batch keeps alive; at some 200 bytes each a few megabytes.
YOUNG_OBJECTS_MAX = 20_000
YOUNG_LOOKS_MAX = 10
MIDDLE_LOOKS_MAX = 10
# A thread that writes lets go of the interpreter for each statement. While the event loop is busy
# it waits so long to have it back, and everybody who writes waits with it.
SWITCH_S = 0.000_2


@contextlib.contextmanager
def unadorned(package: str) -> Iterator[None]:
    """Have others not find a package while they are imported, if nobody has imported it yet.

    Some colour what they tell, or make ready to call, with whatever they find: megabytes that a
    server never needs.
    """
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]


def settle_down() -> None:
    """Call once everything is loaded and before the work begins."""
    gc.collect()
    give_back()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS_MAX, YOUNG_LOOKS_MAX, MIDDLE_LOOKS_MAX)
    sys.setswitchinterval(SWITCH_S)


def give_back() -> None:
    """Give the system back what loading has left over, a tenth of it all.

    Only glibc can be told (malloc_trim(3)): its heap keeps what is freed in its middle.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
