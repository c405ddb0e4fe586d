"""Named points at which a test may kill the process, to prove that nothing is lost there.

`BOXOFFICE_CRASH_AT=POINT` kills it the first time POINT is reached, as a power cut would;
`BOXOFFICE_CRASH_LOG=FILE` gets the point's name first, so that a test knows it was reached.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path

from terms.errors import Invalid

POINTS = (
    "after_intake",
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


def chosen(environment: Mapping[str, str]) -> str:
    """Return the point that is asked for, or nothing. Raises Invalid for an unknown one."""
    point = environment.get(AT, "")
    if point and point not in POINTS:
        raise Invalid(AT, f"no such point; there are {', '.join(POINTS)}")
    return point


_chosen = chosen(os.environ)


def reach(point: str) -> None:
    """Say that this point is reached; the process ends here if it was chosen."""
    if point == _chosen:
        _die(point, os.environ)


def _die(point: str, environment: Mapping[str, str]) -> None:
    path = environment.get(LOG)
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{point}\n")
            file.flush()
            os.fsync(file.fileno())
    os.kill(os.getpid(), signal.SIGKILL)
