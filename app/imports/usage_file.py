"""Files of usage records: CSV with a header, or a JSON object in each line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from app.desk.metering import Row
from billing.usage.model import FIELDS
from terms.errors import Invalid

LINE_CHARS_MAX = 4_000
_JSON = (".jsonl", ".ndjson", ".json")


def rows(path: Path) -> Iterator[Row]:
    """Read a file line by line, however long it is. Raises Invalid for one that is none."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _json(file) if path.suffix.lower() in _JSON else _csv(file)
    except UnicodeDecodeError:
        raise Invalid("file", f"{path.name} is not written in UTF-8") from None
    except OSError as error:
        raise Invalid("file", f"{path}: {error.strerror}") from None


def _csv(file: Any) -> Iterator[Row]:
    reader = csv.reader(file, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if sorted(header) != sorted(FIELDS):
            raise Invalid("file", f"the first line has to be {','.join(FIELDS)}, in any order")
        for cells in reader:
            if cells and len(cells) != len(header):
                yield reader.line_num, f"has {len(cells)} cells, not {len(header)}"
            elif cells:
                yield reader.line_num, dict(zip(header, map(str.strip, cells), strict=True))
    except csv.Error as error:
        raise Invalid("file", f"line {reader.line_num}: {error}") from None


def _json(file: Any) -> Iterator[Row]:
    for number, line in enumerate(file, 1):
        if len(line) > LINE_CHARS_MAX:
            yield number, f"is longer than {LINE_CHARS_MAX} characters"
        elif line.strip():
            yield number, _object(line)


def _object(line: str) -> dict[str, Any] | str:
    """Read one object; numbers stay as they are written, so that none is ever a float."""
    try:
        found = json.loads(line, parse_float=_exact, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return "is no JSON object"
    return found if isinstance(found, dict) else "is no JSON object"


def _exact(text: str) -> str:
    return f"{Decimal(text):f}" if len(text) <= LINE_CHARS_MAX and "e" not in text.lower() else text


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)
