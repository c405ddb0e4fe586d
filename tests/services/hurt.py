"""A PostgreSQL of a test's own, to be restarted, killed and frozen; what it confirmed it keeps."""

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.services.binaries import Binaries
from tests.services.keeper import SETTINGS, USER, prepare, start_somewhere

# Nobody pulls a plug here, so nothing needs to reach the disk; but it has to reach the system.
KEEPS = {
    **SETTINGS,
    "autovacuum": "on",
    "autovacuum_naptime": "1s",
    "max_connections": "120",
    "synchronous_commit": "on",
}
STOP_DEADLINE_S = 30.0


class PostgresServer:
    """One cluster and the server that runs on it, if one does."""

    def __init__(self, found: Binaries) -> None:
        self._cluster = prepare(found.installation, KEEPS)
        self._server: subprocess.Popen[bytes] | None = None
        self._port = 0

    def url(self, database: str = "postgres") -> str:
        """Return the address of a database of it."""
        return f"postgresql://{USER}:{self._cluster.password}@127.0.0.1:{self._port}/{database}"

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    def start(self) -> None:
        """Start it, on the same port as before."""
        if self._port:
            self._server = self._cluster.start(self._port)
        else:
            self._server, self._port = start_somewhere(self._cluster)

    def stop_immediately(self) -> None:
        """Let it drop everything, as `pg_ctl stop -m immediate` does."""
        server = self._running()
        server.send_signal(signal.SIGQUIT)
        server.wait(STOP_DEADLINE_S)
        self._server = None

    def freeze(self) -> None:
        """Let it hang, with all that belongs to it: it takes connections and answers nothing."""
        self._tell(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._tell(signal.SIGCONT)

    def _tell(self, what: signal.Signals) -> None:
        for pid in self._all():
            with suppress(ProcessLookupError):  # one that has ended since it was listed
                os.kill(pid, what)

    def _all(self) -> list[int]:
        parent = self._running().pid
        listed = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
        )
        rows = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
        return [parent, *(pid for pid, ppid in rows if ppid == parent)]

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._server is not None, "it does not run"
        return self._server

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self.thaw()
            self.stop_immediately()
        shutil.rmtree(Path(self._cluster.folder), ignore_errors=True)
