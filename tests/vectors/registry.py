"""Which function maps which vectors: by area, and by the fields that are given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from tests.vectors.reading import SENSELESS, Malformed, Unsupported, Vector

Found = Mapping[str, Any]
Mapper = Callable[[Vector], Found]

_MAPPERS: dict[str, list[tuple[list[str], Mapper]]] = defaultdict(list)


def maps(area: str, inputs: str = "") -> Callable[[Mapper], Mapper]:
    """Have a function map the vectors of an area that give exactly these fields."""

    def register(mapper: Mapper) -> Mapper:
        _MAPPERS[area].append((inputs.split(), mapper))
        return mapper

    return register


def mapped(vector: Vector) -> Found:
    """Ask the product what a vector asks. Raises Unsupported for what nobody maps, Malformed."""
    if vector.area not in _MAPPERS:
        raise Unsupported(f"no area {vector.area}")
    for inputs, mapper in _MAPPERS[vector.area]:
        if vector.given.has(inputs):
            return _asked(mapper, vector)
    raise Unsupported(f"no such inputs in {vector.area}: {' '.join(sorted(vector.given.values))}")


def _asked(mapper: Mapper, vector: Vector) -> Found:
    """Let a mapper ask; what the product refuses, the vector should not have given."""
    try:
        return mapper(vector)
    except Malformed:
        raise
    except SENSELESS as error:
        raise Malformed(vector.given.place, f"{type(error).__name__}: {error}") from error
