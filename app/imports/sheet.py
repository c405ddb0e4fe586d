"""One CSV file as rows of text: encoding, header, limits. What a row means is not known here."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from app import cards
from app.imports.cells import cleaned
from app.imports.problems import Problems

FILE_BYTES_MAX = 64 * 1024 * 1024
FILE_ROWS_MAX = 500_000

_OTHER_MARKS = {";": "semicolons", "\t": "tabs"}

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its name, the reader of its cells, and what an empty cell means.

    An empty cell of a column without `empty` is a problem; `may_be_missing` lets the header leave
    the column out altogether. The cells of one that `is_secret` are written nowhere in clear.
    """

    name: str
    read: Callable[[str], Any]
    empty: Any = ...
    may_be_missing: bool = False
    is_secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet(Generic[R]):
    """One kind of file: its columns, the value a row becomes, and what makes a row unique.

    Rows of other files name a row by the cells of its columns `named`.
    """

    file: str
    columns: tuple[Column, ...]
    make: Callable[..., R]
    key: tuple[str, ...]
    named: tuple[str, ...]
    names: tuple[str, ...] = field(init=False)
    open_names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(column.name for column in self.columns))
        shown = tuple(column.name for column in self.columns if not column.is_secret)
        object.__setattr__(self, "open_names", shown)


def read_sheet(sheet: Sheet[R], raw: bytes, problems: Problems) -> list[R]:
    """Read every good row of a file; the others are noted as problems."""
    text = _decoded(sheet.file, raw, problems)
    if text is None:
        return []
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        _, head = _next(lines)
        order = _header(sheet, head or [], problems)
        if order is None:
            return []
        rows = read_rows(sheet, _limited(order, lines), problems)
    except csv.Error as error:
        problems.add(sheet.file, f"not readable as CSV: {error}")
        return []
    except _TooManyError:
        problems.add(sheet.file, f"more than {FILE_ROWS_MAX} rows")
        return []
    return rows


def read_rows(
    sheet: Sheet[R], told: Iterable[tuple[int, list[Column], list[str]]], problems: Problems
) -> list[R]:
    """Read every good row of cells, each with its line and columns; note what is wrong."""
    rows: list[R] = []
    seen: dict[tuple[Any, ...], int] = {}
    for line, order, texts in told:
        row = _row(sheet, order, line, texts, problems)
        if row is not None and _is_new(sheet, row, line, seen, problems):
            rows.append(row)
    return rows


class _TooManyError(Exception):
    """More rows than a file may have."""


def _limited(order: list[Column], lines: Any) -> Iterator[tuple[int, list[Column], list[str]]]:
    for line, texts in _numbered(lines):
        if line > FILE_ROWS_MAX:
            raise _TooManyError
        yield line, order, texts


def _decoded(file: str, raw: bytes, problems: Problems) -> str | None:
    if len(raw) > FILE_BYTES_MAX:
        problems.add(file, f"larger than {FILE_BYTES_MAX // 1024 // 1024} MiB")
        return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problems.add(file, f"not UTF-8 in line {line}: save the file as UTF-8")
        return None
    if "\0" in text:
        problems.add(
            file, f"holds a NUL byte in line {text.count(chr(10), 0, text.index(chr(0))) + 1}"
        )
        return None
    return text


def _header(sheet: Sheet[R], cells: Sequence[str], problems: Problems) -> list[Column] | None:
    names = [cell.strip() for cell in cells]
    if not any(names):
        problems.add(sheet.file, "empty: the first line names the columns")
        return None
    for mark, word in _OTHER_MARKS.items():
        if len(names) == 1 and mark in names[0]:
            why = f"columns are separated by commas, not by {word} as in line 1"
            problems.add(sheet.file, why)
            return None
    wrong = False
    known = {column.name: column for column in sheet.columns}
    for name in dict.fromkeys(names):
        if name not in known:
            why = f"unknown column; known are {', '.join(sheet.names)}"
            problems.add(sheet.file, why, field=name or "(no name)")
            wrong = True
        elif names.count(name) > 1:
            problems.add(sheet.file, "named twice", field=name)
            wrong = True
    for column in sheet.columns:
        if column.name not in names and not column.may_be_missing:
            problems.add(sheet.file, "the column is missing", field=column.name)
            wrong = True
    return None if wrong else [known[name] for name in names]


def _numbered(lines: Any) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line they begin in; empty lines are passed over."""
    while True:
        line, cells = _next(lines)
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield line, cells


def _next(lines: Any) -> tuple[int, list[str] | None]:
    """Give the next row and the line it begins in. Raises csv.Error naming that line."""
    line = lines.line_num + 1
    try:
        return line, next(lines, None)
    except csv.Error as error:
        # An open quote swallows the lines behind it: where it was opened helps, the end does not.
        if "unexpected end of data" in str(error):
            raise csv.Error(f"a quote opened in row {line} is never closed") from None
        raise csv.Error(f"row {line}: {error}") from None


def _row(
    sheet: Sheet[R], order: list[Column], line: int, cells: list[str], problems: Problems
) -> R | None:
    if len(cells) != len(order):
        why = f"{len(cells)} cells where the header names {len(order)} columns"
        problems.add(sheet.file, why, row=line)
        _lose(sheet, order, cells, problems)
        return None
    values: dict[str, Any] = {c.name: c.empty for c in sheet.columns if c.may_be_missing}
    good = True
    for column, cell in zip(order, cells, strict=True):
        try:
            values[column.name] = _value(column, cell)
        except ValueError as error:
            problems.add(sheet.file, str(error), row=line, field=column.name)
            good = False
    if not good:
        _lose(sheet, order, cells, problems)
    return sheet.make(line=line, **values) if good else None


def _lose(sheet: Sheet[R], order: list[Column], cells: Sequence[str], problems: Problems) -> None:
    for column, cell in zip(order, cells, strict=False):
        if column.name in sheet.named:
            names = [part.strip() for part in cell.split(";")]
            problems.lose(sheet.file, column.name, [name for name in names if name])


def _value(column: Column, cell: str) -> Any:
    text = cleaned(cell)
    if why := "" if column.is_secret else cards.problem(column.name, text):
        raise ValueError(why)
    if text:
        return column.read(text)
    if column.empty is ...:
        raise ValueError("must not be empty")
    return column.empty


def _is_new(
    sheet: Sheet[R], row: R, line: int, seen: dict[tuple[Any, ...], int], problems: Problems
) -> bool:
    key = tuple(getattr(row, name) for name in sheet.key)
    first = seen.setdefault(key, line)
    if first != line:
        shown = ", ".join(str(part) for part in key if part != "")
        why = f"{shown} stands in row {first} already" if shown else f"row {first} is the only one"
        problems.add(sheet.file, why, row=line, field=sheet.key[0] if sheet.key else "")
    return first == line


def canonical(values: Mapping[str, Any]) -> dict[str, str]:
    """Give a row as text by column, the same for equal rows however they were written."""
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ";".join(sorted(str(part) for part in value))
    return str(value)
