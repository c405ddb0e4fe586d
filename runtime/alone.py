"""One process at a time: a lock on a file, which the kernel lets go of when its holder dies.

The file stays, with nothing in it that counts once the lock is free.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from os import getpid
from pathlib import Path


class NotAlone(Exception):
    """Another process holds the lock; `pid` is its id, or None where it has just come."""

    def __init__(self, pid: int | None) -> None:
        super().__init__(f"held by process {pid}")
        self.pid = pid


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Hold the lock until the block is left. Raises NotAlone, at once."""
    # Neither emptied nor made anew on opening: another process may hold it.
    with lock.open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            pid = file.read().strip()
            raise NotAlone(int(pid) if pid.isdigit() else None) from None
        file.truncate(0)
        file.write(f"{getpid()}\n")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
