"""Runs the product in a folder, beside simulators, by what `boxoffice` calls.

It may be killed and started again on the same address; it is asked by its HTTP API alone.
"""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from tests.services.forks import Fork, loaded

BOXOFFICE = Path(sys.executable).with_name("boxoffice")
PROGRAM = "app.cli:main"
# What `boxoffice` loads only when it knows what it is asked, and its commands.
NEEDS = (
    *("app.cli.root", "app.serving", "app.imports.load", "app.cli.trouble"),
    *("billing.payments.providers.stripe.provider", "gateway.adapters.middleware.ministra"),
    *("prometheus_client", "tests.flows.app.built"),
)
LOOK_EVERY_S = 0.05
WITHIN_S = 60.0  # on a machine with better things to do
STOP_S = 30.0
# Short leases, so that what a dead process held is free again soon.
QUICK = {
    "BOXOFFICE_LEASE_S": "2",
    "BOXOFFICE_HEARTBEAT_S": "0.5",
    "BOXOFFICE_CALL_DEADLINE_S": "1.5",
    "BOXOFFICE_SWEEP_S": "0.2",
}


class Refused(Exception):
    """The product answered with another status than 2xx."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"HTTP {status}: {body[:500]}")
        self.status = status


class Product:
    """A data folder and the process that works in it, if one runs."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.log = folder / "serve.log"
        self.url = f"http://127.0.0.1:{_free_port()}"
        self._settings = settings
        self._process: Fork | None = None
        folder.mkdir(exist_ok=True)

    def another(self) -> "Product":
        """Make one more process of the same product, on an address of its own."""
        return Product(self.folder, **self._settings)

    @property
    def database(self) -> Path:
        """The file that holds everything."""
        return self.folder / "boxoffice.db"

    @property
    def pid(self) -> int:
        """The id of the running process."""
        return self._running().pid

    def start(self, *words: str, **settings: str) -> None:
        """Start `boxoffice serve` and wait until it takes requests, or is at work."""
        port = self.url.rpartition(":")[2]
        with self.log.open("ab") as log:
            self._process = loaded.start(
                PROGRAM,
                ["serve", "--json", "--port", port, *words],
                environment=self._environment(settings),
                folder=self.folder,
                stderr=log,
                needs=NEEDS,
            )
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"it ended with {self._process.wait()}: {self.told()[-2000:]}")
        assert json.loads(line)["event"] == "ready"

    def run(self, *arguments: str | Path, **environment: str) -> Any:
        """Run one command to its end and return what it told with --json."""
        done = loaded.run(
            PROGRAM,
            [*map(str, arguments), "--json"],
            environment=self._environment(environment),
            folder=self.folder,
            needs=NEEDS,
        )
        if done.returncode:
            raise RuntimeError(f"{arguments}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def stop(self) -> int:
        """Ask the process to end and tell its exit code."""
        process = self._running()
        process.send_signal(signal.SIGTERM)
        return self._ended(process, STOP_S)

    def killed(self, within_s: float = WITHIN_S) -> int:
        """Wait for a process that kills itself, and tell its exit code."""
        return self._ended(self._running(), within_s)

    def kill(self) -> None:
        """End the process as a power cut would."""
        process = self._running()
        process.kill()
        self._ended(process, STOP_S)

    def freeze(self) -> None:
        """Let the process sleep without knowing it."""
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._running().send_signal(signal.SIGCONT)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Call the HTTP API with the token of the data folder. Raises Refused."""
        token = (self.folder / "api-token").read_text("utf-8").strip()
        request = Request(
            f"{self.url}/api/v1/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            method=method,
        )
        try:
            with urlopen(request, timeout=WITHIN_S) as answer:
                return json.load(answer)
        except HTTPError as error:
            with error:
                raise Refused(error.code, error.read().decode(errors="replace")) from None

    def enter(self) -> str:
        """Have an owner sign in; return what their browser sends as its cookies from then on."""
        made = self.run("user", "add", "owner", "--role", "owner", "--generate")
        place = urlsplit(self.url).netloc
        form = urlencode({"name": "owner", "password": made["password"]})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.url}
        connection = HTTPConnection(place, timeout=WITHIN_S)
        connection.request("POST", "/sign-in", form, headers)
        answer = connection.getresponse()
        answer.read()
        cookies = [one.partition(";")[0] for one in answer.headers.get_all("Set-Cookie", [])]
        connection.close()
        return "; ".join(cookies)

    def rest(self) -> None:
        """Wait until nothing is due and nothing in hand."""
        ends_at = time.monotonic() + WITHIN_S
        while not (work := self.ask("GET", "work"))["idle"]:
            assert time.monotonic() < ends_at, f"no rest: {work}"
            time.sleep(LOOK_EVERY_S)

    def told(self) -> str:
        """Return everything its processes have logged so far."""
        return self.log.read_text("utf-8", errors="replace") if self.log.exists() else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is None:
            return
        if error is not None:
            print(self.told()[-4000:])  # noqa: T201 - pytest shows it with the failure
            self.kill()
            return
        code = self.stop()
        assert code == 0, f"it ended with {code}: {self.told()[-2000:]}"

    def _running(self) -> Fork:
        assert self._process is not None, "it does not run"
        return self._process

    def _ended(self, process: Fork, within_s: float) -> int:
        try:
            return process.wait(within_s)
        finally:
            process.kill()  # where it did not end in time
            process.wait()
            process.stdout.close()
            self._process = None

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        kept = {name: text for name, text in os.environ.items() if not name.startswith("BOXOFFICE")}
        return {
            **kept,
            "BOXOFFICE_DATA_DIR": str(self.folder),
            "BOXOFFICE_ALLOW_TIME_TRAVEL": "true",
            "BOXOFFICE_ACS_PORT": "0",
            **self._settings,
            **more,
        }


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
