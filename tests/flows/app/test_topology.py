"""The services of docker-compose.yml as processes: what the file says, with addresses put in.

PostgreSQL and Redis are the tests' own; the images' users, file systems and networks are not here.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from runtime.secrets import new_master_key
from tests.fixtures.composed import Composed, composed
from tests.flows.app.district import free_port
from tests.flows.app.operation import Operation, until
from tests.flows.app.operator import (
    PROVIDER,
    WEBHOOK_SECRET,
    secrets,
    write_operator,
    write_portal,
    write_provider,
)
from tests.flows.app.product import BOXOFFICE, QUICK, Product
from tests.simulators.process import start_simulator

pytestmark = pytest.mark.timeout(240)  # it starts many processes

HOUSEHOLDS = range(1, 7)
KILLED = -signal.SIGKILL
LOOK_S = 5.0


class Container:
    """One service as a process, with the environment and the command that the file gives it."""

    def __init__(self, name: str, compose: Composed, own: Mapping[str, str], folder: Path) -> None:
        service = compose.services[name]
        self.log = folder / f"{name}.log"
        self.stop_s = float(service["stop_grace_period"].removesuffix("s"))
        self.environment = {**compose.environment(name), **own, "PATH": "/usr/bin:/bin"}
        self._command = [str(BOXOFFICE), *compose.command(name)]
        self._path = re.findall(r"127\.0\.0\.1:\d+(/\w+)", str(service["healthcheck"]))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or start it again."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, env=self.environment, stdout=log, stderr=log, cwd=self.log.parent
            )

    def get(self, path: str) -> tuple[int, str]:
        """Ask its listener for health; 0 where nobody answers."""
        address = f"http://127.0.0.1:{self.environment['BOXOFFICE_HEALTH_PORT']}{path}"
        try:
            with urlopen(address, timeout=LOOK_S) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except (URLError, OSError):
            return 0, ""

    def is_healthy(self) -> bool:
        """Whether its own health check is content; it has not ended."""
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        (path,) = self._path
        status, told = self.get(path)
        return status == 200 and not json.loads(told)["degraded"]

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and tell the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(self.stop_s)


class Topology:
    """Everything that the file starts, as many of each as it says."""

    def __init__(self, folder: Path, database_url: str, redis_url: str) -> None:
        self.compose = composed()
        self.folder = folder
        self.state = Product(folder / "state")
        self._port = self.state.url.rpartition(":")[2]
        self._redis_url = redis_url
        self._secrets = folder / "secrets"
        self._secrets.mkdir()
        for name, text in (("database_url", database_url), ("master_key", new_master_key())):
            (self._secrets / f"boxoffice_{name}").write_text(text, "utf-8")
        self.running: dict[str, list[Container]] = {}

    def own(self, data: Path) -> dict[str, str]:
        """Give what is different here: addresses, folders and how long a lease lasts."""
        return {
            **QUICK,
            "BOXOFFICE_SETTINGS_DIR": str(self._secrets),
            "BOXOFFICE_REDIS_URL": self._redis_url,
            "BOXOFFICE_DATA_DIR": str(data),
            "BOXOFFICE_HTTP_HOST": "127.0.0.1",
            "BOXOFFICE_HTTP_PORT": self._port,
            "BOXOFFICE_ACS_HOST": "127.0.0.1",
            "BOXOFFICE_ACS_PORT": str(free_port()),
            "BOXOFFICE_HEALTH_HOST": "127.0.0.1",
            "BOXOFFICE_HEALTH_PORT": str(free_port()),
        }

    def once(self, *words: str | Path, **more: str) -> None:
        """Run one command in the one-shot service, which keeps what it makes."""
        done = subprocess.run(
            [BOXOFFICE, *(words or self.compose.command("migrate"))],
            env={
                **self.compose.environment("migrate"),
                **self.own(self.state.folder),
                "PATH": "/usr/bin:/bin",
                **more,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def up(self) -> None:
        """Start all others, and wait until each is healthy."""
        for name in self.compose.ours.keys() - {"migrate"}:
            count = self.compose.services[name].get("deploy", {}).get("replicas", 1)
            for number in range(count):
                folder = self.folder / f"{name}-{number}"
                folder.mkdir()
                one = Container(name, self.compose, self.own(folder), folder)
                self.running.setdefault(name, []).append(one)
                one.start()
        self.wait()

    def wait(self) -> None:
        """Wait until each service is healthy."""
        for one in self.all():
            until(one.is_healthy, f"{one.log.stem} is healthy")

    def all(self) -> Sequence[Container]:
        """List everything that was started."""
        return [one for several in self.running.values() for one in several]


@pytest.fixture
def topology(tmp_path, fresh_postgres, redis_url) -> Iterator[Topology]:
    """Return what the file describes, nothing started yet; what runs in the end is ended."""
    made = Topology(tmp_path, fresh_postgres, redis_url)
    yield made
    for one in made.all():
        if one.process is not None:
            one.process.kill()
            one.process.wait()


@pytest.fixture
def operation(topology, tmp_path) -> Iterator[Operation]:
    """Return that at work, with an operator, a portal and a provider."""
    provider_state = write_provider(tmp_path / "provider.json")
    with (
        start_simulator("ministra", "--state", write_portal(tmp_path / "portal.json")) as portal,
        start_simulator("stripe", "--state", provider_state) as provider,
    ):
        topology.once()
        written = write_operator(tmp_path / "operator")
        topology.once("import", written, **secrets(portal.url, provider.url))
        hook = f"{topology.state.url}/hooks/payments/{PROVIDER}"
        provider.admin("/tamper", {"op": "webhook", "url": hook, "secret": WEBHOOK_SECRET})
        topology.up()
        yield Operation(topology.state, portal, provider, {})


def test_a_payment_becomes_a_picture_though_a_worker_is_killed(topology, operation):
    """With a worker killed on the way, each paid household is on, by one write, paid once.

    Started again it is healthy; each process tells its numbers; told to stop, all end in time.
    """
    operation.sign_up(HOUSEHOLDS)
    until(lambda: all(is_known(operation, n) for n in HOUSEHOLDS), "the portal knows everybody")
    operation.product.rest()
    mark = operation.mark()
    operation.portal.admin("/faults", {"spec": "slow:150ms"})
    for number in HOUSEHOLDS:
        operation.pay(number)
    until(lambda: any(operation.writes(n, mark) for n in HOUSEHOLDS), "somebody is at it")
    killed, survivor = topology.running["worker"]
    assert killed.end(signal.SIGKILL) == KILLED
    until(
        lambda: all(operation.at_portal(n)["status"] == 1 for n in HOUSEHOLDS),
        "every picture is on",
    )
    assert survivor.is_healthy()
    killed.start()
    topology.wait()
    operation.product.rest()
    for number in HOUSEHOLDS:
        written = operation.writes(number, mark)
        assert len({entry["call_id"] for entry in written}) == 1, written
        (charge,) = operation.charges(number)
        (payment,) = operation.view(number)["payments"]
        assert payment["amount"]["amount_minor"] == charge["amount"]
    check_numbers(topology)
    assert {one.end() for one in topology.all()} == {0}


def is_known(operation: Operation, number: int) -> bool:
    """Whether the portal has an account of the household; a row may wait while nothing is due.

    Paid before that, it is more than the one call that opens it: making it, filling it and opening
    it are each for another difference (tests/flows/gateway/test_outages.py).
    """
    try:
        return operation.at_portal(number)["status"] == 0
    except (HTTPError, ValueError):
        return False


def check_numbers(topology: Topology) -> None:
    """Each process tells its own numbers; the scheduler has timed the way to the picture."""

    def numbers(name: str) -> str:
        return "\n".join(one.get("/metrics")[1] for one in topology.running[name])

    timed = re.compile(r"^boxoffice_payment_proven_seconds_count [1-9]", re.MULTILINE)
    until(lambda: bool(timed.search(numbers("scheduler"))), "the way was timed")
    for name in topology.running:
        told = numbers(name)
        assert "process_resident_memory_bytes" in told
        assert 'boxoffice_ready{check="database"} 1.0' in told
        assert 'boxoffice_ready{check="redis"} 1.0' in told
    assert 'route="POST /hooks/payments/{provider}",status="200"' in numbers("web")
    assert 'boxoffice_provider_calls_total{outcome="page",provider="cards"}' in numbers("web")
    assert 'fate="done",target="north"' in numbers("worker")
