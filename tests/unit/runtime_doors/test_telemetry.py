"""The log: one pipeline for everybody's lines, without secrets, that never stops the work."""

import io
import logging
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO, cast

import orjson
import pytest
import structlog

from runtime.telemetry import bound, configure, get_log, lines_lost, metrics

ROOT = Path(__file__).resolve().parents[3]
CANARY = "cAnArY-7731"


@pytest.fixture
def stream():
    """A place to log to; afterwards everything is as it was."""
    root = logging.getLogger()
    before = (structlog.get_config(), root.handlers, root.level, sys.excepthook)
    yield io.BytesIO()
    config, root.handlers, level, sys.excepthook = before
    structlog.configure(**config)
    root.setLevel(level)


def lines(stream: io.BytesIO) -> list[dict[str, object]]:
    """Everything that was logged."""
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json(stream):
    """A line tells its event, level, time in UTC and values."""
    configure(style="json", stream=stream)
    get_log().info("work.applied", kind="settle", attempts=2, done=True)
    [line] = lines(stream)
    assert str(line.pop("timestamp")).endswith("Z")
    assert line == {
        "event": "work.applied",
        "level": "info",
        "kind": "settle",
        "attempts": 2,
        "done": True,
    }


def test_ids_are_bound_for_a_block(stream):
    """Ids that are bound stand on every line of the block and on none behind it."""
    configure(style="json", stream=stream)
    with bound(service="S1"):
        get_log().info("one")
    get_log().info("two")
    assert [line.get("service") for line in lines(stream)] == ["S1", None]


@pytest.mark.parametrize(
    ("level", "heard"), [("debug", "diwe"), ("info", "iwe"), ("warning", "we"), ("error", "e")]
)
def test_the_level_is_kept(stream, level, heard):
    """Lines below the level are not written; a later configuration counts for older loggers."""
    log = get_log()
    log.info("before")
    configure(level=level, style="json", stream=stream)
    log.debug("d")
    log.info("i")
    log.warning("w")
    log.error("e")
    assert "".join(str(line["event"]) for line in lines(stream)) == heard


def fail() -> None:
    """Raise one error out of another, both with a secret."""
    empty: dict[str, str] = {}
    try:
        empty[f"Bearer {CANARY}"]
    except KeyError as error:
        raise ValueError(f"{{'secret': '{CANARY}'}}") from error


@pytest.mark.parametrize("style", ["json", "console"])
def test_secrets_do_not_get_out(stream, style):
    """Values, nested ones, bound ones, texts and tracebacks are redacted in every style."""
    configure(style=style, stream=stream)
    log = get_log()
    with bound(access_token=CANARY, url=f"http://u:{CANARY}@h/"):
        event = f"password={CANARY}"
        log.info(event, password=CANARY, nested={"a": [{"pin": CANARY}]})
        try:
            fail()
        except ValueError:
            log.exception("work.failed", card=4242424242424242)
    told = stream.getvalue().decode()
    assert "work.failed" in told
    assert "KeyError" in told
    assert CANARY not in told
    assert "4242" not in told


def test_libraries_are_heard_in_the_same_way(stream):
    """What a library says through the standard library comes redacted; its chatter does not."""
    configure(style="json", stream=stream)
    library = logging.getLogger("some.library")
    library.info("chatter")
    library.warning("lost http://u:%s@h/", CANARY)
    library.error("wrong %d", "format")
    library.log(35, "between")
    try:
        fail()
    except ValueError:
        library.exception("failed")
    told = lines(stream)
    assert [line["level"] for line in told] == ["warning", "error", "warning", "error"]
    assert told[0]["text"] == "lost http://[hidden]@h/"
    assert told[0]["logger"] == "some.library"
    assert "wrong" in str(told[1]["text"])
    assert "ValueError" in str(told[3]["exception"])
    assert CANARY not in stream.getvalue().decode()


@pytest.mark.parametrize("value", [1 << 70, float("nan"), "\ud800", b"\xff", {1: 2}, object()])
def test_any_value_makes_a_line(stream, value):
    """No value keeps a line from being written as JSON."""
    configure(style="json", stream=stream)
    get_log().info("odd", value=value)
    assert len(lines(stream)) == 1


class Full(io.RawIOBase):
    """A disk without room."""

    def writable(self) -> bool:
        """It looks writable."""
        return True

    def write(self, _data: object) -> int:
        """And is not."""
        raise OSError(28, "No space left on device")


def test_a_full_disk_does_not_stop_the_work(stream):
    """A line that cannot be written is lost and counted."""
    configure(style="json", stream=cast("BinaryIO", Full()))
    before = lost()
    get_log().info("lost")
    get_log().info("lost")
    configure(style="json", stream=stream)
    get_log().info("found")
    assert lost() == before + 2
    assert [line["event"] for line in lines(stream)] == ["found"]


def lost() -> float:
    """How many lines were lost so far."""
    name = f"{lines_lost.name}_total ".encode()
    [line] = [line for line in metrics().splitlines() if line.startswith(name)]
    return float(line.split()[1])


def run(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the product's that logs."""
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )


CRASH = f"""
import threading
from runtime.telemetry import configure
configure(style="json")
def fail(): raise RuntimeError("password={CANARY}")
thread = threading.Thread(target=fail)
thread.start(); thread.join()
fail()
"""


def test_the_last_words_of_a_crash_are_lines():
    """An error that nobody catches, in any thread, is logged as a redacted line."""
    done = run(CRASH)
    told = [orjson.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in told] == ["process.crashed"] * 2
    assert all("RuntimeError" in line["exception"] for line in told)
    assert CANARY not in done.stderr
    assert done.returncode == 1
    assert done.stdout == ""


def test_an_unconfigured_process_is_redacted_too():
    """Before anything is configured lines go to standard error, as JSON, without secrets."""
    done = run(f"from runtime.telemetry import get_log; get_log().info('x', token='{CANARY}')")
    assert orjson.loads(done.stderr)["token"] == "[hidden]"
    assert done.stdout == ""


def test_without_an_output_nothing_breaks():
    """A process whose standard error is closed still works."""
    done = run(
        "import sys; sys.stderr = None\n"
        "from runtime.telemetry import configure, get_log\n"
        "configure(); get_log().info('x'); print('lived')"
    )
    assert done.stdout == "lived\n"


def test_interrupting_is_no_crash():
    """Ctrl-C is left to Python."""
    done = run("from runtime.telemetry import configure; configure(); raise KeyboardInterrupt")
    assert "process.crashed" not in done.stderr
    assert "KeyboardInterrupt" in done.stderr
