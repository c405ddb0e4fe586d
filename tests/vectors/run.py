"""Runs vectors and says of each: pass, fail, unsupported, or malformed if it cannot be read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.vectors.comparing import agrees, shown
from tests.vectors.reading import Malformed, Unsupported, Vector, vectors
from tests.vectors.registry import Found, mapped

FAMILIES = (
    "calendar",
    "changes",
    "commitments",
    "credit",
    "discounts",
    "dunning",
    "numbering",
    "payments",
    "proration",
    "rounding",
    "tax",
    "usage",
    "zones",
)
for family in FAMILIES:
    import_module(f"tests.vectors.{family}")

ANTI = "anti"
OURS = "ours"
GOOD, BAD, UNREADABLE = 0, 1, 2


class Outcome(StrEnum):
    """What is said of a vector."""

    PASS = "pass"
    FAIL = "fail"
    UNSUPPORTED = "unsupported"
    MALFORMED = "malformed"


@dataclass(frozen=True)
class Verdict:
    """What is said of one vector, and why."""

    outcome: Outcome
    id: str
    area: str
    why: str = ""

    def __str__(self) -> str:
        line = f"{self.outcome} {self.id} {self.area} {self.why}".rstrip()
        return "".join(sign if sign.isprintable() else "?" for sign in line)


def judged(vector: Vector) -> Verdict:
    """Ask the product what a vector asks, and compare."""
    try:
        found = mapped(vector)
        wrong = list(_disagreements(vector, found))
    except Unsupported as why:
        return Verdict(Outcome.UNSUPPORTED, vector.id, vector.area, str(why))
    except Malformed as why:
        return Verdict(Outcome.MALFORMED, vector.id, vector.area, str(why))
    outcome = Outcome.FAIL if wrong else Outcome.PASS
    return Verdict(outcome, vector.id, vector.area, "; ".join(wrong))


def _disagreements(vector: Vector, found: Found) -> Iterator[str]:
    """Tell what a result has that is not expected, or, of an anti vector, that must not be."""
    expected = vector.expected.values
    ours = OURS if OURS in expected else ""
    if vector.kind != ANTI:
        yield from _differences(vector, found)
    elif ours:
        if not _agree(vector, OURS, found[OURS]):
            yield f"{OURS}: {shown(found[OURS])}"
        for name in expected:
            if name != OURS and _agree(vector, name, found[OURS]):
                yield f"{name}: does what must not be done: {shown(found[OURS])}"
    elif not list(_differences(vector, found)):
        yield f"does what must not be done: {shown(found)}"


def _differences(vector: Vector, found: Found) -> Iterator[str]:
    for name, wanted in vector.expected.values.items():
        if name not in found:
            raise Unsupported(f"expected.{name} is not worked out")
        if not _agree(vector, name, found[name]):
            yield f"{name}: {shown(found[name])} and not {shown(wanted)}"


def _agree(vector: Vector, name: str, result: Any) -> bool:
    return vector.expected.read(name, lambda wanted: agrees(result, wanted))


def read(path: Path) -> Sequence[Vector]:
    """Read a file of vectors. Raises Malformed, OSError."""
    try:
        # Numbers with decimals stay the text they were written as: none becomes a binary fraction.
        document = json.loads(path.read_text("utf-8"), parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise Malformed(str(path), f"is no JSON: {error}") from error
    return vectors(document)


def main(paths: Sequence[Path]) -> int:
    """Run files and print a line for each vector, then totals; 0 where none fails."""
    if not paths:
        print("usage: python -m tests.vectors FILE...")  # noqa: T201 - what it is for
        return UNREADABLE
    try:
        verdicts = [judged(vector) for path in paths for vector in read(path)]
    except (Malformed, OSError) as why:
        print(f"malformed {why}")  # noqa: T201
        return UNREADABLE
    for verdict in verdicts:
        print(verdict)  # noqa: T201
    counts = Counter(verdict.outcome for verdict in verdicts)
    print(", ".join(f"{counts[each]} {each}" for each in Outcome))  # noqa: T201
    if counts[Outcome.MALFORMED]:
        return UNREADABLE
    return BAD if counts[Outcome.FAIL] else GOOD
