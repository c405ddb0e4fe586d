"""`python -m simulators`: one JSON line, a clean end, clear words about wrong usage."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.forks import ROOT
from tests.simulators.http import call
from tests.simulators.process import start_simulator


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    command = [sys.executable, "-m", "simulators", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("kind", ["ministra", "stripe"])
def test_start_and_stop(kind: str) -> None:
    """A simulator prints where it listens, serves without a state file and ends with 0."""
    running = start_simulator(kind)
    assert call(running.admin_url, "GET", "/state").json["kind"] == kind
    assert call(running.url, "GET", "/").status in {401, 404}
    assert running.stop() == 0


def test_end_while_busy() -> None:
    """A call that is under way does not hold up the end."""
    running = start_simulator("ministra", "--latency-ms", "60000")
    with subprocess.Popen(
        [sys.executable, "-c", f"import urllib.request as u; u.urlopen('{running.url}/x')"],
        stderr=subprocess.DEVNULL,
    ) as caller:
        while not running.admin("/counters")["calls"]:
            pass
        assert running.stop() == 0
        assert caller.wait() != 0


def test_interrupt_ends_it_too() -> None:
    """Control-C is a clean end as well."""
    running = start_simulator("stripe")
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(10) == 0
    running.stop()


async def test_async_use() -> None:
    """A simulator can be used as an asynchronous context."""
    async with start_simulator("stripe") as running:
        assert (await running.aadmin("/state"))["kind"] == "stripe"
    assert running.process.returncode == 0


def test_ports_can_be_chosen() -> None:
    """A port that was free is taken when asked for."""
    with start_simulator("ministra") as first:
        port = first.url.rpartition(":")[2]
        for option in ("--port", "--admin-port"):
            done = run("ministra", option, port)
            told = f"simulators: cannot listen on 127.0.0.1:{port}: address already in use\n"
            assert (done.returncode, done.stdout, done.stderr) == (1, "", told)
    with start_simulator("ministra", "--port", port) as second:
        assert second.url == first.url


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nosuch",), 2, "invalid choice"),
        (("ministra", "--faults", "nosuch"), 1, "unknown fault 'nosuch'"),
        (("ministra", "--state", "/nowhere.json"), 1, "there is no file /nowhere.json"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], code: int, words: str) -> None:
    """Wrong usage is one sentence on stderr and nothing on stdout."""
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("kind", "state", "words"),
    [
        ("ministra", "{", "state.json"),
        ("ministra", "[]", "a JSON object is expected"),
        ("ministra", '{"accounts": [{"nosuch": 1}]}', "no field 'nosuch'"),
        ("ministra", '{"channels": [{"name": "x"}]}', "makes no sense"),
        ("stripe", '{"nosuch": 1}', "unknown key 'nosuch'"),
        ("stripe", '{"cards": [{"behaviour": "explode"}]}', "unknown behaviour 'explode'"),
        ("stripe", '{"webhooks": {"endpoints": [{}]}}', "makes no sense"),
    ],
)
def test_wrong_state(tmp_path: Path, kind: str, state: str, words: str) -> None:
    """A state file that makes no sense stops the start with its reason."""
    path = tmp_path / "state.json"
    path.write_text(state)
    done = run(kind, "--state", str(path))
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_accounts_in_the_state_file(tmp_path: Path) -> None:
    """A state file may hold accounts, and ask for many more."""
    tariff = {"id": 1, "external_id": "basic", "user_default": True, "packages": [{"id": 1}]}
    state = {
        "config": {"enable_api": True},
        "packages": [{"id": 1, "external_id": "base"}],
        "tariffs": [tariff],
        "accounts": [{"login": "ann", "account_number": "7", "stb_mac": "001a79000001"}],
        "fill": {"count": 50_000, "tariff_plan": "basic"},
    }
    path = tmp_path / "state.json"
    path.write_text(json.dumps(state))
    with start_simulator("ministra", "--state", path) as running:
        ann = running.admin("/state?login=ann")["accounts"][0]
        assert ann["stb_mac"] == "00:1A:79:00:00:01"
        answer = call(running.url, "GET", "/stalker_portal/api/v1/users/load50001")
        assert answer.json["results"]["tariff_plan"] == "basic"
