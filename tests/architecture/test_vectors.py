"""The runner of published vectors maps, and calculates nothing."""

import pytest

from tests.architecture import source
from tests.architecture.arithmetic import arithmetic

RUNNER = list(source.modules(["tests/vectors"]))


def test_the_runner_calculates_nothing():
    """What a vector expects is worked out by the product, never beside it."""
    assert len(RUNNER) > 10
    assert source.report([one for module in RUNNER for one in arithmetic(module)]) == ""


@pytest.mark.parametrize(
    "line",
    [
        "x = a + b",
        "x = a * 2",
        "x = amount // 100",
        "x += 1",
        "x = -amount",
        "x = round(a)",
        "x = sum(parts)",
        "x = min(a, b)",
        "x = Fraction(1, 3)",
        "import math",
        "from decimal import Decimal",
        "from functools import reduce",
        "from operator import add",
        "from itertools import accumulate",
        "x = a.__add__(b)",
        "x = a.__rmul__(b)",
    ],
)
def test_arithmetic_is_seen(line: str):
    """However it is written, whoever calculates is found."""
    assert arithmetic(source.parse("tests.vectors.planted", line))


@pytest.mark.parametrize(
    "line",
    [
        "def f(x: int | None) -> int | str: ...",
        "x = values[-1]",
        "x = Fraction(word)",
        "x = total(parts, EUR)",
        "x = a < b",
    ],
)
def test_reading_and_asking_is_no_arithmetic(line: str):
    """Types, places, texts and questions to the product calculate nothing."""
    assert not arithmetic(source.parse("tests.vectors.planted", line))
