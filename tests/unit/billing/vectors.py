"""Published vectors of billing, by id, from tests/facts (format billing-vectors/1)."""

import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[2] / "facts" / "billing-vectors.json"


@cache
def every() -> dict[str, dict[str, Any]]:
    """Return all vectors by id."""
    return {each["id"]: each for each in json.loads(FILE.read_text("utf-8"))["vectors"]}


def vector(key: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the inputs and the expected values of a vector."""
    found = every()[key]
    return found["inputs"], found["expected"]
