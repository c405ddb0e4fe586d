"""In which line of a TOML file a field stands that somebody has to mend."""

from __future__ import annotations

import re
from collections.abc import Mapping

_HEAD = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?")
_KEY = re.compile(r"\s*([0-9A-Za-z_.-]+)\s*=")


def lines_of(text: str) -> Mapping[str, int]:
    """Find the line of each table and each key, by its path: `targets.north.base_url`.

    The tables of an array are counted from 0: `dunning.steps.0`.
    """
    found: dict[str, int] = {}
    counts: dict[str, int] = {}
    table = ""
    for line, content in enumerate(text.splitlines(), 1):
        if head := _HEAD.fullmatch(content):
            table = head[2].replace('"', "")
            if head[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = f"{table}.{counts[table]}"
            found.setdefault(table, line)
        elif key := _KEY.match(content):
            found.setdefault(f"{table}.{key[1]}".lstrip("."), line)
    return found


def line_of(lines: Mapping[str, int], field: str) -> int:
    """Give the line of a field, or of the nearest table around it; 0 where neither is known."""
    while field and field not in lines:
        field = field.rpartition(".")[0]
    return lines.get(field, 0)
