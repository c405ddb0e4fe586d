"""The files of one import, read and checked each for itself. Nothing is written anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.imports import loyalty_sheets, operator, sheets, tables
from app.imports.lines import line_of, lines_of
from app.imports.operator import Operator, read_operator
from app.imports.problems import FILES, Problem, Problems
from app.imports.sheet import FILE_BYTES_MAX, read_sheet
from app.imports.tables import Draft
from terms.errors import Invalid


@dataclass(slots=True, kw_only=True)
class Folder:
    """Everything that was read. A file that was not given is empty."""

    files: tuple[str, ...] = ()
    operator: Operator | None = None
    taxes: list[sheets.TaxRow] = field(default_factory=list)
    offerings: list[sheets.OfferingRow] = field(default_factory=list)
    prices: list[sheets.PriceRow] = field(default_factory=list)
    promotions: list[sheets.PromotionRow] = field(default_factory=list)
    # Each is told as a whole: one without rows says that there is nothing, None says nothing.
    loyalty: list[loyalty_sheets.LoyaltyRow] | None = None
    loyalty_tiers: list[loyalty_sheets.TierRow] | None = None
    routes: list[sheets.RouteRow] = field(default_factory=list)
    subscribers: list[sheets.SubscriberRow] = field(default_factory=list)
    models: list[sheets.ModelRow] = field(default_factory=list)
    boxes: list[sheets.BoxRow] = field(default_factory=list)
    # Boxes known from an earlier import whose list brings secrets now: only these are taken.
    described: list[sheets.BoxRow] = field(default_factory=list)
    # Where in operator.toml each of its fields stands.
    lines: Mapping[str, int] = field(default_factory=dict)
    # The catalogue where it was told in tables instead of its sheets.
    draft: Draft | None = None

    @property
    def sheets(self) -> tuple[str, ...]:
        """The files whose rows are here, those of the catalogue too where tables tell them."""
        if self.draft is None:
            return self.files
        told = tuple(sheet.file for sheet in tables.SHEETS.values())
        return (*(file for file in self.files if file != tables.FILE), *told)

    def placed(self, problem: Problem) -> Problem:
        """Tell a problem in the place where whoever wrote the files finds it."""
        if problem.file == operator.FILE and not problem.row:
            return replace(problem, row=line_of(self.lines, problem.field))
        return problem if self.draft is None else self.draft.named(problem)

    def take(self, draft: Draft) -> None:
        """Take a draft for what the sheets of a catalogue would say."""
        self.draft = draft
        self.taxes, self.offerings = draft.taxes, draft.offerings
        self.prices, self.promotions = draft.prices, draft.promotions
        self.loyalty, self.loyalty_tiers = draft.loyalty, draft.loyalty_tiers


def find_files(paths: Iterable[Path]) -> dict[str, Path]:
    """Find the known files among files and folders. Raises Invalid where there is none."""
    found: dict[str, Path] = {}
    looked_in: list[str] = []
    for path in paths:
        looked_in.append(str(path))
        if path.is_dir():
            inside = {name: path / name for name in FILES if (path / name).is_file()}
            strays = sorted(p.name for p in path.glob("*.csv") if p.name not in FILES)
            if strays:
                raise Invalid(str(path), f"unknown file {strays[0]}; known are {', '.join(FILES)}")
        elif path.is_file():
            if path.name not in FILES:
                raise Invalid(str(path), f"unknown file; known are {', '.join(FILES)}")
            inside = {path.name: path}
        else:
            raise Invalid(str(path), "no such file or folder")
        for name, place in inside.items():
            if found.setdefault(name, place) != place:
                raise Invalid(str(place), f"{name} is given twice")
    if not found:
        raise Invalid(", ".join(looked_in), f"nothing to import: no file of {', '.join(FILES)}")
    return found


def read_folder(
    files: Mapping[str, Path], environment: Mapping[str, str], problems: Problems
) -> Folder:
    """Read every file; what is wrong in one never hides what is wrong in another."""
    raw = {name: _bytes(path, problems) for name, path in files.items()}
    folder = Folder(files=tuple(name for name in FILES if name in raw))
    if (toml := raw.get(operator.FILE)) is not None:
        folder.operator = read_operator(toml, environment, problems)
        folder.lines = lines_of(toml.decode("utf-8", "replace"))
    read = {
        sheet.file: read_sheet(sheet, content, problems)
        for sheet in sheets.SHEETS
        if (content := raw.get(sheet.file)) is not None
    }
    folder.taxes = read.get("taxes.csv", [])
    folder.offerings = read.get("offerings.csv", [])
    folder.prices = read.get("prices.csv", [])
    folder.promotions = read.get("promotions.csv", [])
    folder.loyalty = read.get("loyalty.csv")
    folder.loyalty_tiers = read.get("loyalty_tiers.csv")
    if (toml := raw.get(tables.FILE)) is not None:
        for sheet in tables.SHEETS.values():
            if sheet.file in raw:
                problems.add(tables.FILE, f"says what {sheet.file} says: leave one of them out")
        if (draft := tables.read_toml(toml, problems)) is not None:
            folder.take(draft)
    folder.routes = read.get("routes.csv", [])
    folder.subscribers = read.get("subscribers.csv", [])
    folder.models = read.get("models.csv", [])
    folder.boxes = read.get("boxes.csv", [])
    return folder


def _bytes(path: Path, problems: Problems) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        problems.add(path.name, f"cannot be read: {error.strerror}")
        return None
