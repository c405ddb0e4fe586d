"""What is wrong with the files of an import, in words for the person who wrote them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

PROBLEMS_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One wrong thing. `row` is the line in the file, 0 where the whole file is meant."""

    file: str
    row: int = 0
    field: str = ""
    why: str

    def __str__(self) -> str:
        where = self.file + (f", row {self.row}" if self.row else "")
        return f"{where}: {self.field}: {self.why}" if self.field else f"{where}: {self.why}"


@dataclass(slots=True)
class Problems:
    """Collects problems; those beyond the limit are counted only."""

    found: list[Problem] = field(default_factory=list)
    uncounted: int = 0

    def add(self, file: str, why: str, *, row: int = 0, field: str = "") -> None:
        """Note one problem."""
        if len(self.found) < PROBLEMS_MAX:
            self.found.append(Problem(file=file, row=row, field=field, why=why))
        else:
            self.uncounted += 1

    def __iter__(self) -> Iterator[Problem]:
        return iter(sorted(self.found))

    def __bool__(self) -> bool:
        return bool(self.found)

    def __len__(self) -> int:
        return len(self.found) + self.uncounted

    @property
    def of_files(self) -> list[Problem]:
        """Those that no row can be left out for: a file that cannot be read as what it is."""
        return [problem for problem in self if problem.row == 0]
