"""Named points at which a test may kill the process, to prove that nothing is lost there.

`BOXOFFICE_CRASH_AT=POINT` kills it the first time POINT is reached, as a power cut would, and
`POINT:3` the third time; `BOXOFFICE_CRASH_LOG=FILE` gets the point's name first, so that a test
knows it was reached.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from itertools import count
from pathlib import Path

from terms.errors import Invalid

POINTS = (
    "after_intake",
    "before_settle",
    "after_decide",
    "after_settle",
    "after_compose",
    "after_claim",
    "after_begin",
    "after_call",
    "after_readback",
    "before_complete",
    "after_record",
    "after_send",
)
AT = "BOXOFFICE_CRASH_AT"
LOG = "BOXOFFICE_CRASH_LOG"


def chosen(environment: Mapping[str, str]) -> tuple[str, int]:
    """Return the point that is asked for, or nothing, and the manieth time it is meant.

    Raises Invalid for an unknown one.
    """
    point, _, nth = environment.get(AT, "").partition(":")
    if point and (point not in POINTS or not (nth or "1").isdecimal()):
        raise Invalid(AT, f"no such point; there are {', '.join(POINTS)}")
    return point, int(nth or 1)


_point, _nth = chosen(os.environ)
_times = count(1)


def reach(point: str) -> None:
    """Say that this point is reached; the process ends here if it was chosen."""
    if point == _point and next(_times) == _nth:
        _die(point, os.environ)


def _die(point: str, environment: Mapping[str, str]) -> None:
    path = environment.get(LOG)
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{point}\n")
            file.flush()
            os.fsync(file.fileno())
    os.kill(os.getpid(), signal.SIGKILL)
