"""A catalogue told in tables, by a TOML file or a caller, as rows of the sheets it is made of.

There is one meaning of a cell, that of the sheets: what a table says is read as their text. An
amount is a text here too, so that no number is ever rounded on its way.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from app.imports import cells, loyalty_sheets, sheets
from app.imports.problems import Problem, Problems
from app.imports.sheet import FILE_BYTES_MAX, Column, Sheet, read_rows
from runtime.wording import kind_of

FILE = "catalogue.toml"
SHEETS: Mapping[str, Sheet[Any]] = {
    "taxes": sheets.TAXES,
    "offerings": sheets.OFFERINGS,
    "prices": sheets.PRICES,
    "promotions": sheets.PROMOTIONS,
    "loyalty": loyalty_sheets.LOYALTY,
    "loyalty_tiers": loyalty_sheets.LOYALTY_TIERS,
}
ROWS_MAX = 100_000
_HEAD = re.compile(rf"\s*\[\[\s*({'|'.join(SHEETS)})\s*\]\]\s*(#.*)?")
_KEY = re.compile(r"\s*([0-9A-Za-z_-]+)\s*=")
_COUNTED = frozenset({"trial_days", "periods", "limit", "limit_account", "ahead", "months"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A catalogue as somebody wishes it: the rows of its sheets, and what it is called.

    `places` tells where in the file a row and its fields stand; a caller has none.
    """

    file: str
    name: str = ""
    taxes: list[sheets.TaxRow] = field(default_factory=list)
    offerings: list[sheets.OfferingRow] = field(default_factory=list)
    prices: list[sheets.PriceRow] = field(default_factory=list)
    promotions: list[sheets.PromotionRow] = field(default_factory=list)
    loyalty: list[loyalty_sheets.LoyaltyRow] | None = None
    loyalty_tiers: list[loyalty_sheets.TierRow] | None = None
    places: Mapping[tuple[str, int, str], int] = field(default_factory=dict)

    def named(self, problem: Problem) -> Problem:
        """Tell a problem of a sheet as one of this draft."""
        table = problem.file.removesuffix(".csv")
        if problem.file == FILE or table not in SHEETS:
            return problem
        if not self.places:
            where = f"{table}.{problem.row - 1}" if problem.row else table
            told = f"{where}.{problem.field}" if problem.field else where
            return Problem(file=self.file, field=told, why=problem.why)
        line = self.places.get((table, problem.row, problem.field))
        line = line or self.places.get((table, problem.row, ""), 0)
        name = f"{table}.{problem.field}" if problem.field else table
        return Problem(file=self.file, row=line, field=name, why=problem.why)


def read_toml(raw: bytes, problems: Problems) -> Draft | None:
    """Read a catalogue file; what is wrong is noted for the sheet it is a row of."""
    if len(raw) > FILE_BYTES_MAX:
        problems.add(FILE, f"larger than {FILE_BYTES_MAX // 1024 // 1024} MiB")
        return None
    try:
        text = raw.decode("utf-8-sig")
        told = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problems.add(FILE, f"not UTF-8 in line {line}: save the file as UTF-8")
        return None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        problems.add(FILE, f"not readable as TOML: {error}")
        return None
    return read_tables(told, problems, file=FILE, places=_places(text))


def read_tables(
    told: Mapping[str, Any],
    problems: Problems,
    *,
    file: str = "",
    places: Mapping[tuple[str, int, str], int] | None = None,
) -> Draft | None:
    """Read tables by their names. A row is counted from 1 within its table."""
    before = len(problems)
    for name in sorted(set(told) - {"version", *SHEETS}):
        problems.add(file or FILE, f"unknown; known are version, {', '.join(SHEETS)}", field=name)
    name = told.get("version", "")
    try:
        name = cells.code(_text("version", name)) if name != "" else ""
    except ValueError as error:
        problems.add(file or FILE, str(error), field="version")
    for table in SHEETS:
        if not are_tables(told.get(table, [])):
            problems.add(file or FILE, f"must be tables: [[{table}]]", field=table)
    rows = {table: read_table(table, told[table], problems) for table in SHEETS if table in told}
    if len(problems) > before and any(one.row == 0 for one in problems):
        return None
    return Draft(file=file, name=name, places=places or {}, **rows)


def are_tables(told: Any) -> bool:
    """Whether something is tables of an array, or none."""
    return isinstance(told, list) and all(isinstance(row, dict) for row in told)


def read_table(table: str, told: Any, problems: Problems) -> list[Any]:
    """Read the rows of one table; what is no rows has none."""
    sheet = SHEETS[table]
    if not are_tables(told):
        return []
    if len(told) > ROWS_MAX:
        problems.add(sheet.file, f"more than {ROWS_MAX} rows")
        return []
    return read_rows(sheet, _told(sheet, told, problems), problems)


def _told(
    sheet: Sheet[Any], told: Sequence[Mapping[str, Any]], problems: Problems
) -> Iterator[tuple[int, list[Column], list[str]]]:
    known = {column.name: column for column in sheet.columns}
    days = {column.name for column in sheet.columns if column.read is cells.iso_date}
    for n, row in enumerate(told, 1):
        good = True
        texts = {column.name: "" for column in sheet.columns if not column.may_be_missing}
        for name, value in row.items():
            try:
                texts[_known(name, sheet)] = _text(name, value, is_day=name in days)
            except ValueError as error:
                problems.add(sheet.file, str(error), row=n, field=str(name))
                good = False
        if good:
            yield n, [known[name] for name in texts], list(texts.values())
        else:
            for name in (name for name in sheet.named if name in texts):
                problems.lose(sheet.file, name, texts[name].split(";"))


def _known(name: str, sheet: Sheet[Any]) -> str:
    if name not in sheet.names:
        raise ValueError(f"unknown; known are {', '.join(sheet.names)}")
    return name


def _text(name: str, value: Any, *, is_day: bool = False) -> str:
    """Write a value as the text of a cell. Raises ValueError for what is none."""
    if isinstance(value, str):
        return value
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if type(value) in {int, float} and name in _COUNTED:
        return str(value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        if any(";" in one for one in value):
            raise ValueError("holds a ';'")
        return ";".join(value)
    wanted = "a date like 2026-03-31" if is_day else "a text"
    raise ValueError(f"must be {wanted}, not {kind_of(value)}")


def _places(text: str) -> dict[tuple[str, int, str], int]:
    """Find the line of every row and of each of its fields."""
    found: dict[tuple[str, int, str], int] = {}
    counts: dict[str, int] = {}
    table = ""
    for line, content in enumerate(text.splitlines(), 1):
        if head := _HEAD.fullmatch(content):
            table = head[1]
            counts[table] = counts.get(table, 0) + 1
            found[table, counts[table], ""] = line
        elif content.lstrip().startswith("["):
            table = ""
        elif table and (key := _KEY.match(content)):
            found.setdefault((table, counts[table], key[1]), line)
    return found
