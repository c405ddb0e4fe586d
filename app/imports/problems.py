"""What is wrong with the files of an import, in words for the person who wrote them.

Causes are listed one by one, those first that others may lean on. A row that is wrong only
because of another row is no cause: it is named in one line with all of its file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

# Every file leans on those before it.
FILES = (
    "operator.toml",
    "catalogue.toml",
    "taxes.csv",
    "offerings.csv",
    "prices.csv",
    "promotions.csv",
    "loyalty.csv",
    "loyalty_tiers.csv",
    "routes.csv",
    "subscribers.csv",
    "models.csv",
    "boxes.csv",
)
PROBLEMS_MAX = 1_000  # of one file, so that no file crowds out the cause in another
_RANGES_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One wrong thing. `row` is the line in the file, 0 where the whole file is meant."""

    file: str
    row: int = 0
    field: str = ""
    why: str

    def __str__(self) -> str:
        word = "line" if self.file.endswith(".toml") else "row"
        where = self.file + (f", {word} {self.row}" if self.row else "")
        return f"{where}: {self.field}: {self.why}" if self.field else f"{where}: {self.why}"


@dataclass(slots=True)
class Problems:
    """Collects problems; those beyond the limit of their file are counted only."""

    found: dict[str, list[Problem]] = field(default_factory=dict)
    warnings: list[Problem] = field(default_factory=list)
    uncounted: int = 0
    _lost: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    _following: dict[str, list[int]] = field(default_factory=dict)

    def add(self, file: str, why: str, *, row: int = 0, field: str = "") -> None:
        """Note one problem."""
        held = self.found.setdefault(file, [])
        if len(held) < PROBLEMS_MAX:
            held.append(Problem(file=file, row=row, field=field, why=why))
        else:
            self.uncounted += 1

    def warn(self, file: str, why: str, *, row: int = 0, field: str = "") -> None:
        """Note what somebody should look at, though nothing is left out for it."""
        if len(self.warnings) < PROBLEMS_MAX:
            self.warnings.append(Problem(file=file, row=row, field=field, why=why))

    def add_following(self, file: str, row: int) -> None:
        """Note a row that is well in itself and leans on one that is not."""
        self._following.setdefault(file, []).append(row)

    def lose(self, file: str, column: str, names: Iterable[str]) -> None:
        """Note names that exist in a row which is left out: what uses them only follows."""
        self._lost.setdefault((file, column), set()).update(names)

    def lost(self, file: str, column: str) -> set[str]:
        """Give the names whose rows are left out."""
        return self._lost.get((file, column), set())

    def is_unreadable(self, file: str) -> bool:
        """Whether nothing is known of what a file says, so that any name may stand in it."""
        return any(problem.row == 0 for problem in self.found.get(file, ()))

    def __iter__(self) -> Iterator[Problem]:
        for file in sorted(self.found, key=_place):
            yield from sorted(self.found[file], key=lambda p: (p.row, p.field, p.why))

    def __bool__(self) -> bool:
        return bool(self.found)

    def __len__(self) -> int:
        return sum(map(len, self.found.values())) + self.uncounted

    @property
    def following(self) -> list[Problem]:
        """One line for each file with rows that only follow from the problems."""
        held = sorted(self._following.items(), key=lambda one: _place(one[0]))
        return [Problem(file=file, why=_follow(rows)) for file, rows in held]

    @property
    def of_files(self) -> list[Problem]:
        """Those that no row can be left out for: a file that cannot be read as what it is."""
        return [problem for problem in self if problem.row == 0]


def _place(file: str) -> int:
    return FILES.index(file) if file in FILES else len(FILES)


def _follow(rows: Sequence[int]) -> str:
    if len(rows) == 1:
        return f"and 1 more that follows from these: row {rows[0]}"
    return f"and {len(rows)} more that follow from these: rows {ranges(rows)}"


def ranges(rows: Sequence[int]) -> str:
    """Write 2, 3, 4, 7 as "2-4, 7"."""
    ranges: list[list[int]] = []
    for row in sorted(rows):
        if ranges and row == ranges[-1][1] + 1:
            ranges[-1][1] = row
        else:
            ranges.append([row, row])
    shown = [str(a) if a == b else f"{a}-{b}" for a, b in ranges[:_RANGES_MAX]]
    return ", ".join([*shown, *(["..."] if len(ranges) > _RANGES_MAX else [])])
