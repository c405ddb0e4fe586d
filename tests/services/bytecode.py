"""Has the workers of a run share what is compiled where nothing is: each begins with another part.

All of them load the same files in the same order, so each would compile nearly every one.
"""

import compileall
import contextlib
import importlib
import tomllib
from pathlib import Path

from hypothesis.strategies import characters

ROOT = Path(__file__).parents[2]


def share(n: int, workers: int) -> None:
    """Compile the n-th part of the product, and load the tests from their n-th part on."""
    if n == workers - 1:
        # Hypothesis tries out every character, for seconds, and writes down what it has found.
        characters(codec="utf-8").validate()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    rooms = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    for path in _files(rooms, "*.py")[n::workers]:
        compileall.compile_file(path, quiet=2)
    tests = _files(["tests"], "test_*.py")
    first = n * len(tests) // workers
    for path in tests[first:] + tests[:first]:
        # What cannot be loaded is told when it is collected.
        with contextlib.suppress(Exception):
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


def _files(rooms: list[str], pattern: str) -> list[Path]:
    return sorted(path for room in rooms for path in (ROOT / room).rglob(pattern))
