"""What is written for one, written for many that differ from it in nothing but names.

The one has tokens for names, which occur nowhere else: in what is written for it the names of each
other are put in their places. Its rows are as the driver wants them, and so are their copies.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from re import compile as pattern
from typing import Any

from runtime.store.later import Later, Rows, Statement
from runtime.store.lease import Values
from runtime.store.unit import Tx

# From the private use area of Unicode (section 23.5): no text of ours or of others has them.
_OPEN, _CLOSE = "\ue000", "\ue001"
_INSIDE = pattern(f"({_OPEN}[^{_CLOSE}]*{_CLOSE})")

Names = tuple[Any, ...]


def token(who: int, place: int) -> str:
    """Make the name of a stand-in that has the names of others at a place."""
    return f"{_OPEN}{who}.{place}{_CLOSE}"


class Unlike(Exception):
    """Something is written that is no row, so that it cannot be written again with other names."""


class Copier:
    """Copies the rows of a stand-in. `places` says for each of its names where others have theirs.

    Raises Unlike where more than rows was written for it.
    """

    def __init__(self, puts: Iterable[Statement | Rows], places: Mapping[Any, int]) -> None:
        self._places = places
        self._fixed: dict[tuple[type, Any], int] = {}
        self._made: list[Callable[[Names], str]] = []
        self._tables: list[tuple[Rows, list[list[tuple[str, int]]]]] = []
        for put in puts:
            if isinstance(put, Statement):
                raise Unlike
            self._tables.append((put, [list(map(self._source, row)) for row in put.rows]))
        named = max(places.values()) + 1
        sizes = {"name": 0, "made": named, "fixed": named + len(self._made)}
        self._picks: list[tuple[Rows, list[Callable[[Names], Values]]]] = [
            (put, [itemgetter(*(sizes[kind] + n for kind, n in row)) for row in rows])
            for put, rows in self._tables
        ]

    def copies(self, everybody: Sequence[Names]) -> list[Rows]:
        """Return the rows of everybody, in the order of the tables."""
        made, fixed = self._made, tuple([value for _, value in self._fixed])
        pools = [(*names, *[make(names) for make in made], *fixed) for names in everybody]
        return [
            Rows(
                table=put.table,
                names=put.names,
                conflict=put.conflict,
                rows=[pick(pool) for pool in pools for pick in picks],
            )
            for put, picks in self._picks
        ]

    def _source(self, value: Any) -> tuple[str, int]:
        """Say where a value of a copy comes from."""
        if isinstance(value, str) and _OPEN in value and value not in self._places:
            self._made.append(self._maker(value))
            return "made", len(self._made) - 1
        place = self._places.get(value)
        if place is not None:
            return "name", place
        return "fixed", self._fixed.setdefault((type(value), value), len(self._fixed))

    def _maker(self, text: str) -> Callable[[Names], str]:
        """Make what puts names inside a text."""
        pieces = [self._places.get(piece, piece) for piece in _INSIDE.split(text)]

        def make(names: Names) -> str:
            return "".join([names[one] if isinstance(one, int) else one for one in pieces])

        return make


async def collected(tx: Tx, write: Callable[[Tx], Awaitable[None]]) -> list[Statement | Rows]:
    """Return what would be written in a transaction, which rings for it all the same."""
    later = Later(tx.dialect, tx.engine)
    aside = Tx(later)
    await write(aside)
    await aside.end()
    tx.ring(aside.rings)
    return later.puts


def together(puts: Iterable[Statement | Rows]) -> list[Statement | Rows]:
    """Bring the rows of one place together, where the first of them are."""
    found: list[Statement | Rows] = []
    places: dict[Any, Rows] = {}
    for put in puts:
        before = places.get(put.place) if isinstance(put, Rows) else None
        if isinstance(put, Rows) and before is not None:
            before.rows.extend(put.rows)
        else:
            found.append(put)
            if isinstance(put, Rows):
                places[put.place] = put
    return found
