"""SQLite does without its count of bytes, and only where nobody uses it while that is said."""

import subprocess
import sys

COUNTED = """
import sqlite3
from runtime.store.allocations import stop_counting
held = sqlite3.connect(":memory:") if {held} else None
print(stop_counting())
with sqlite3.connect(":memory:") as database:
    print(database.execute("SELECT 6 * 7").fetchone()[0])
"""


def told(*, held: bool) -> list[str]:
    """Stop counting in a process of its own, while a connection is held or not."""
    command = [sys.executable, "-c", COUNTED.format(held=held)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def test_it_counts_no_more_and_works_on():
    """On Linux, where nobody has a connection."""
    assert told(held=False) == [str(sys.platform == "linux"), "42"]


def test_who_has_a_connection_keeps_it():
    """SQLite would have to begin anew under it."""
    assert told(held=True) == ["False", "42"]
