"""Crash points, in processes that really die."""

import ast
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.crash import POINTS, chosen, reach
from terms.errors import Invalid

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = "from runtime.crash import POINTS, reach\nfor p in POINTS: reach(p)\nprint('lived')"
SHIPPED = ("billing", "gateway", "messages", "app")


def run(**variables: str) -> subprocess.CompletedProcess[str]:
    """Run a process that reaches every point in order."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("point", POINTS)
def test_a_chosen_point_kills(point, tmp_path):
    """The process dies by SIGKILL at the chosen point, having written its name down."""
    said = tmp_path / "crashes"
    done = run(BOXOFFICE_CRASH_AT=point, BOXOFFICE_CRASH_LOG=str(said))
    assert done.returncode == -signal.SIGKILL
    assert "lived" not in done.stdout
    assert said.read_text("utf-8") == f"{point}\n"


def test_a_point_kills_the_manieth_time():
    """The third time of two does not come; the second does."""
    twice = PROGRAM.replace("in POINTS:", "in [*POINTS, *POINTS]:")
    for nth, code in ((2, -signal.SIGKILL), (3, 0)):
        command, point = [sys.executable, "-c", twice], f"after_settle:{nth}"
        done = subprocess.run(command, cwd=ROOT, env={"BOXOFFICE_CRASH_AT": point}, check=False)
        assert done.returncode == code


def test_without_a_choice_nothing_happens():
    """Every point is passed when none is chosen."""
    assert run().stdout == "lived\n"
    for point in POINTS:
        reach(point)


def test_an_unknown_point_is_refused_at_start():
    """A point that does not exist ends the process with a sentence that lists those that do."""
    with pytest.raises(Invalid):
        chosen({"BOXOFFICE_CRASH_AT": "after_settle:often"})
    done = run(BOXOFFICE_CRASH_AT="after_lunch")
    assert done.returncode == 1
    assert "BOXOFFICE_CRASH_AT: no such point; there are after_intake" in done.stderr
    with pytest.raises(Invalid):
        chosen({"BOXOFFICE_CRASH_AT": "after_lunch"})


def test_every_point_in_the_code_exists():
    """The product reaches no point that cannot be chosen."""
    files = [path for room in SHIPPED for path in sorted((ROOT / room).rglob("*.py"))]
    texts = (path.read_text("utf-8") for path in files)
    calls = [
        node
        for text in texts
        if "reach" in text
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and _name(node.func) == "reach"
    ]
    assert {ast.literal_eval(call.args[0]) for call in calls} <= set(POINTS)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
