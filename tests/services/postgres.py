"""One PostgreSQL for a whole test run, shared by its processes; a fresh database per test."""

import asyncio
import fcntl
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg

from tests.services.binaries import Binaries, find_postgres
from tests.services.keeper import is_alive

URL_ENVIRONMENT = "BOXOFFICE_TEST_POSTGRES_URL"
RUN_ENVIRONMENT = "BOXOFFICE_TEST_RUN"
START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 20.0
ROOT = Path(__file__).resolve().parents[2]
# Since 15 a copy goes page by page through the log unless told otherwise: five times the work.
FILE_COPY_SINCE = 15

T = TypeVar("T")
# The keeper ends with the run, not with the process that happens to start it: nobody is its parent.
DETACHED = ["sh", "-c", 'log=$1; shift; "$@" >"$log" 2>&1 & echo $!', "sh"]


def describe() -> str:
    """Say where PostgreSQL would come from, for the head of the test report."""
    given = os.environ.get(URL_ENVIRONMENT)
    if given:
        return f"{urlsplit(given).hostname} (from {URL_ENVIRONMENT})"
    found = find_postgres()
    return f"{found.folder} ({found.origin})" if found else "none"


def open_run() -> Path:
    """Make the folder through which the processes of one test run find each other."""
    folder = Path(tempfile.mkdtemp(prefix="boxoffice-run-"))
    os.environ[RUN_ENVIRONMENT] = f"{os.getpid()}:{folder}"
    return folder


def close_run(folder: Path) -> None:
    """Stop what the run has started."""
    pid_file = folder / "keeper.pid"
    if pid_file.exists():
        _end(int(pid_file.read_text("utf-8")), folder / "postgres.url")
    rmtree(folder, ignore_errors=True)


def _end(keeper_pid: int, announced: Path) -> None:
    """Ask the keeper to end and wait; it removes the cluster itself."""
    with suppress(ProcessLookupError):
        os.kill(keeper_pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_DEADLINE_S
    while is_alive(keeper_pid) and announced.exists() and time.monotonic() < deadline:
        time.sleep(0.02)


def once_in_a_run(name: str, make: Callable[[], str]) -> str:
    """Return what one process of a run has made for all of them; the first one to ask makes it."""
    folder = _run()[1]
    made = folder / f"{name}.url"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if made.exists():
            return made.read_text("utf-8")
        url = make()
        if not made.exists():
            made.write_text(url, "utf-8")
        return url


def shared_url(binaries: Binaries) -> str:
    """Return the address of the run's cluster."""
    return once_in_a_run("postgres", lambda: _start_keeper(binaries))


def _run() -> tuple[str, Path]:
    """Tell who opened the run, and its folder."""
    owner, _, name = os.environ[RUN_ENVIRONMENT].partition(":")
    return owner, Path(name)


def _start_keeper(binaries: Binaries) -> str:
    owner, folder = _run()
    command = [sys.executable, "-m", "tests.services.keeper", binaries.installation, folder, owner]
    log = folder / "keeper.log"
    started = subprocess.run(
        [*DETACHED, *(str(word) for word in (log, *command))],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
        check=True,
    )
    keeper_pid = int(started.stdout)
    (folder / "keeper.pid").write_text(str(keeper_pid), "utf-8")
    deadline = time.monotonic() + START_DEADLINE_S
    announced = folder / "postgres.url"
    while not announced.exists():
        if not is_alive(keeper_pid) or time.monotonic() > deadline:
            message = f"the test PostgreSQL did not start: {log.read_text('utf-8', 'replace')}"
            raise RuntimeError(message)
        time.sleep(0.02)
    return announced.read_text("utf-8")


class Server:
    """Makes and drops databases over one connection, from tests of either colour.

    The connection lives on a loop in a thread of its own, so no test's event loop is touched.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._numbers = itertools.count(1)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._connection = self._do(asyncpg.connect(url))
        is_told = self._connection.get_server_version().major >= FILE_COPY_SINCE
        self._how = " STRATEGY file_copy" if is_told else ""

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(START_DEADLINE_S)

    def execute(self, statement: str) -> None:
        """Run one statement in the administration database."""
        self._do(self._connection.execute(statement))

    def create(self, template: str = "template1") -> str:
        """Make a database from a template (a name or an address) and return its address."""
        source = urlsplit(template).path.lstrip("/") or template
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"{self._how}')
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected."""
        name = urlsplit(url).path.lstrip("/")
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def close(self) -> None:
        """Close the connection and end the thread."""
        self._do(self._connection.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
