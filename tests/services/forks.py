"""Starts our own programs as forks of one process that has loaded them: most of a start is loading.

Each is a process of its own, to be killed, frozen and waited for like any other. A program is named
as the packaging standard names an entry point, `module:function`.
"""

import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from runtime import crash

ROOT = Path(__file__).resolve().parents[2]
FDS = 4  # the order, what the program says, what it complains, and how it ended
NUMBER_BYTES = 8


class Fork:
    """A program at work, used like a `Popen` whose standard output is a pipe."""

    def __init__(self, pid: int, stdout: IO[bytes], fate: socket.socket) -> None:
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None
        self._fate = fate

    def poll(self) -> int | None:
        """Tell the exit code; None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait so many seconds for the exit code. Raises TimeoutExpired."""
        if self.returncode is None:
            self._fate.settimeout(timeout)
            try:
                self.returncode = _read_number(self._fate)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0) from None
            self._fate.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.send_signal(signal.SIGKILL)


class Loaded:
    """The process that has loaded programs: it begins with the first and ends with the tests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._door: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(
        self,
        program: str,
        words: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path = ROOT,
        stderr: IO[Any] | None = None,
        needs: Sequence[str] = (),
    ) -> Fork:
        """Start a program with these words; `needs` are the modules it would load late."""
        order = {
            "program": program,
            "needs": needs,
            "words": [program, *words],
            "folder": str(folder),
            "environment": dict(environment),
        }
        ours, fate = socket.socketpair()
        reads, says = os.pipe()
        with tempfile.TemporaryFile() as paper, fate:
            paper.write(json.dumps(order).encode())
            paper.flush()
            complains = stderr.fileno() if stderr is not None else 2
            with self._lock:
                door = self._open()
                socket.send_fds(door, [b"!"], [paper.fileno(), says, complains, fate.fileno()])
        os.close(says)
        return Fork(_read_number(ours), os.fdopen(reads, "rb"), ours)

    def run(
        self,
        program: str,
        words: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path = ROOT,
        needs: Sequence[str] = (),
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end."""
        with tempfile.TemporaryFile() as errors:
            fork = self.start(
                program,
                words,
                environment=environment,
                folder=folder,
                stderr=errors,
                needs=needs,
            )
            with fork.stdout:
                output = fork.stdout.read().decode()
            code = fork.wait()
            errors.seek(0)
            return subprocess.CompletedProcess(words, code, output, errors.read().decode())

    def close(self) -> None:
        """Let it go; what it has started goes on."""
        if self._door is not None and self._process is not None:
            self._door.close()
            self._process.wait()

    def _open(self) -> socket.socket:
        if self._door is None:
            self._door, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "tests.services.forks", str(theirs.fileno())],
                    cwd=ROOT,
                    stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                )
        return self._door


loaded = Loaded()


def _read_number(fate: socket.socket) -> int:
    read = fate.recv(NUMBER_BYTES, socket.MSG_WAITALL)
    if len(read) < NUMBER_BYTES:
        raise RuntimeError("the process behind all programs is gone")
    return int.from_bytes(read, sys.byteorder, signed=True)


def _write_number(fate: int, number: int) -> None:
    os.write(fate, number.to_bytes(NUMBER_BYTES, sys.byteorder, signed=True))


def _serve(door: socket.socket) -> dict[str, Any] | None:
    """Fork for each order. Returns None at the end, and in each fork the order it was made for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries the watchers
    gc.disable()
    while True:
        asked, fds, _, _ = socket.recv_fds(door, 1, FDS)
        if not asked:
            return None
        with os.fdopen(fds[0], "rb") as paper:
            paper.seek(0)
            order: dict[str, Any] = json.load(paper)
        for name in (order["program"].partition(":")[0], *order["needs"]):
            importlib.import_module(name)
        # What is loaded stays: nobody looks for garbage in it, neither at work nor when it ends.
        gc.freeze()
        if os.fork() == 0:
            door.close()
            _watch(*fds[1:])
            return order
        for fd in fds[1:]:
            os.close(fd)


def _watch(says: int, complains: int, fate: int) -> None:
    """Fork the program itself, which alone returns from here; tell its pid and how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.close(fate)
        os.dup2(says, 1)
        os.dup2(complains, 2)
        os.close(says)
        os.close(complains)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return
    for fd in (1, 2, says, complains):
        os.close(fd)
    _write_number(fate, pid)
    _, status = os.waitpid(pid, 0)
    _write_number(fate, os.waitstatus_to_exitcode(status))
    os._exit(0)


def _run(order: dict[str, Any]) -> Any:
    """Be the program that was asked for."""
    gc.enable()
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    sys.argv = order["words"]
    importlib.reload(crash)  # it has looked at the environment when it was loaded
    module, _, function = order["program"].partition(":")
    return getattr(sys.modules[module], function)()


if __name__ == "__main__":
    order = _serve(socket.socket(fileno=int(sys.argv[1])))
    if order is not None:
        sys.exit(_run(order))
