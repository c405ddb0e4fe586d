"""The story: whole on other files, broken where it is spoiled, and gone without a trace."""

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener, urlopen

import pytest

from demo.steps import STEPS
from tests.demo.telling import ROOT, TERRACE, command, tell

pytestmark = pytest.mark.timeout(180)
# A renewal that was paid cannot be mended: it is spoiled in a story of its own.
RENEWAL = 3
MENDED = [step for step in range(1, len(STEPS) + 1) if step != RENEWAL]
COMMANDS = 3  # of the product: all else goes by its pages and its API
SIMULATORS = ["cwmp", "portal", "provider"]
# And what one sign-in takes for its while: 64 MiB of Argon2id.
PRODUCT_MB_MAX = 150 + 64
MARK = "STORY_TEST_MARK"
PROCESSES = len(("demo", "serve", "portal", "provider", "mail", "ssh", "snmp", "cwmp"))
ENDS_ON = "2041-05-12"
JOURNAL = "/journal?limit=1"
ADMINS = ("portal", "provider", "cwmp", "mail")
PATHS = {"console": "/", "mail catcher": "/", **{f"{name} admin": JOURNAL for name in ADMINS}}


def test_another_operators_story_is_proven():
    """Other prices, names, counts, money, zone and days: every step of that story is proven too."""
    told = tell("--operator", TERRACE)
    assert told.code == 0, told.said
    assert told.proven == [True] * len(STEPS)
    assert told.report["operator"] == "Terrace Cable"
    assert len(told.report["commands"]) == COMMANDS
    assert (told.report["product_peak_mb"] or 0) <= PRODUCT_MB_MAX
    for proof in told.report["proofs"]:
        assert proof["findings"]
        assert proof["state"]
        assert sorted(proof["journal"]) == told.report["simulators"] == SIMULATORS
        assert min(proof["journal"].values()) > 0


def test_a_renewal_that_does_not_fail_is_not_proven():
    """Cards that are good after all cannot be made bad again: the story ends there."""
    told = tell("--operator", TERRACE, "--break", str(RENEWAL), "--mend")
    assert told.code == 1, told.said
    assert told.proven == [True] * (RENEWAL - 1) + [False], told.said


def test_a_folder_in_use_is_refused(tmp_path):
    """The story does not begin on somebody's data."""
    (tmp_path / "boxoffice.db").write_bytes(b"precious")
    told = tell("--data-dir", tmp_path)
    assert told.code == 1
    assert "is not empty" in told.said
    assert [path.name for path in tmp_path.iterdir()] == ["boxoffice.db"]


def test_an_operator_that_is_none_is_one_sentence(tmp_path):
    """A folder that is missing, or is no operator's, is named without the number of an error."""
    (tmp_path / "file").touch()
    for words, told in (
        (("--operator", tmp_path / "nosuch"), f"there is no folder {tmp_path}/nosuch"),
        (("--operator", tmp_path), "is no operator's folder: operator.toml is missing"),
        (("--data-dir", tmp_path / "file"), f"{tmp_path}/file: file exists"),
    ):
        ended = tell(*words)
        assert ended.code == 1
        assert told in " ".join(ended.said.split())
        assert "Errno" not in ended.said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_demonstration(number, tmp_path):
    """Interrupted, ended or killed: product and simulators end with it."""
    with running(tmp_path, "--once") as demo:
        _until(lambda: len(_marked(tmp_path)) >= PROCESSES)
        demo.send_signal(number)
        demo.wait(30)
    assert demo.returncode != 0
    _until(lambda: not _marked(tmp_path))


def test_spoiled_steps_are_not_proven_and_everything_stays_up(tmp_path):
    """Where the world is not as the story says a step fails, and just there; mended it goes on.

    After the story, a spoiled one too, all stays up at the addresses printed until Ctrl-C.
    """
    spoils = [word for step in MENDED for word in ("--break", str(step))]
    with running(tmp_path, "--operator", TERRACE, *spoils, "--mend") as demo:
        told, said = _addresses(demo)
        verdicts = re.findall(r"^ +(NOT PROVEN|proven) in [\d.]+ s$", said, re.MULTILINE)
        proven = [verdict == "proven" for verdict in verdicts]
        assert proven == [step not in MENDED for step in range(1, len(STEPS) + 1)], said
        assert f"1 of {len(STEPS)} steps proven" in said
        token = Path(told["api token file"]).read_text("utf-8").strip()
        ask = Request(told["api"] + "clock", headers={"Authorization": f"Bearer {token}"})
        with urlopen(ask, timeout=20) as answer:
            assert json.load(answer)["business_now"].startswith(ENDS_ON)
        for name, path in PATHS.items():
            with urlopen(told[name].rstrip("/") + path, timeout=20) as answer:
                assert answer.status == 200
        name, _, password = told["owner"].partition(":")[0].partition(", password ")
        door = told["console"].replace("/console/", "/sign-in")
        form = urlencode({"name": name, "password": password}).encode()
        knock = Request(door, form, {"Origin": door.removesuffix("/sign-in")}, method="POST")
        with pytest.raises(HTTPError) as led, build_opener(Stay).open(knock, timeout=20):
            pass
        assert (led.value.code, led.value.headers["Location"]) == (303, "/console/")
        led.value.close()
        demo.send_signal(signal.SIGINT)
        demo.wait(30)
    assert demo.returncode == 1
    _until(lambda: not _marked(tmp_path))


def test_the_product_does_not_know_the_demonstration():
    """No word of the product names the demonstration, but for the command that starts it."""
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for room in ("terms", "runtime", "billing", "gateway", "messages", "app")
        for path in sorted((ROOT / room).rglob("*"))
        if path.suffix in {".py", ".toml", ".html", ".js"}
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if re.search(r"(?i)\b(demo\w*|harbour)\b", line)
    ]
    assert {place.partition(":")[0] for place in found} <= {"app/cli/programs.py"}, found


class Stay(HTTPRedirectHandler):
    """Follows nothing."""

    def redirect_request(self, *_told):
        """Leave it at the answer."""


@contextlib.contextmanager
def running(folder, *arguments):
    """Run the demonstration beside the test; all its processes carry the folder as their mark."""
    demo = subprocess.Popen(
        command(*arguments, "--data-dir", folder / "house"),
        cwd=ROOT,
        env={**os.environ, MARK: str(folder)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield demo
    finally:
        demo.kill()
        demo.communicate()


def _addresses(demo):
    """Read what it says until it stays up: the addresses by name, and all of it."""
    told, said = {}, []
    for line in demo.stdout:
        said.append(line)
        name, _, address = line.strip().partition("  ")
        told[name] = address.strip()
        if line.startswith("Everything stays up"):
            break
    return told, "".join(said)


def _marked(folder: Path) -> list[int]:
    """List the processes that carry the mark in their environment."""
    if not Path("/proc/self").is_dir():
        pytest.skip("processes are found by /proc, which this system does not have")
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # it has ended meanwhile, or is somebody else's
            if f"{MARK}={folder}".encode() in environment.read_bytes().split(b"\0"):
                found.append(int(environment.parent.name))
    return found


def _until(holds, deadline_s=40.0):
    """Wait for something to hold."""
    ends_at = time.monotonic() + deadline_s
    while not holds():
        assert time.monotonic() < ends_at, "it does not come to hold"
        time.sleep(0.05)
