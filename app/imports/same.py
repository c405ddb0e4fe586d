"""Rows that were imported before: the same again is left out, a changed one is a problem.

What was sold or agreed is changed by its own command, where somebody says from when and why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from app.imports import memory
from app.imports.check import Known
from app.imports.folder import Folder
from app.imports.problems import Problems
from app.imports.sheet import Sheet, canonical
from app.imports.sheets import BOXES, PRICES, SUBSCRIBERS, TAXES
from runtime.store import Tx

R = TypeVar("R", bound=Any)

_MEND = {
    "taxes.csv": "add a row with a later effective_from",
    "prices.csv": "add a row with a later effective_from",
    "subscribers.csv": "what was agreed is changed by `boxoffice change`",
    "boxes.csv": "a box changes hands by the boxes commands of the API",
}


def key_of(sheet: Sheet[Any], row: Any) -> str:
    """Give what makes a row unique, as text."""
    return "@".join(str(getattr(row, name)) for name in sheet.key)


def cells_of(sheet: Sheet[Any], row: Any) -> dict[str, str]:
    """Give the cells of a row as canonical text."""
    return canonical({name: getattr(row, name) for name in sheet.names})


async def leave_known(
    tx: Tx, folder: Folder, known: Known, problems: Problems, unchanged: dict[str, int]
) -> None:
    """Take rows out that were imported before, and note those that say something else now."""
    _check_business(folder, await memory.remembered(tx, "operator.toml"), problems)

    async def fresh(
        sheet: Sheet[R], rows: Sequence[R], exists: Callable[[R], str] = lambda _row: ""
    ) -> list[R]:
        before = await memory.remembered(tx, sheet.file) if rows else {}
        return _fresh(sheet, rows, before, exists, problems, unchanged)

    folder.taxes = await fresh(TAXES, folder.taxes)
    folder.prices = await fresh(PRICES, folder.prices)
    folder.subscribers = await fresh(
        SUBSCRIBERS,
        folder.subscribers,
        lambda row: "is signed up already" if row.contract in known.contracts else "",
    )
    folder.boxes = await fresh(
        BOXES,
        folder.boxes,
        lambda row: "is known already" if row.serial in known.serials else "",
    )


def _fresh(
    sheet: Sheet[R],
    rows: Sequence[R],
    before: memory.Rows,
    exists: Callable[[R], str],
    problems: Problems,
    unchanged: dict[str, int],
) -> list[R]:
    new = []
    for row in rows:
        key = key_of(sheet, row)
        if key not in before:
            if why := exists(row):
                problems.add(sheet.file, f"{key} {why}", row=row.line, field=sheet.key[0])
            else:
                new.append(row)
            continue
        changed = memory.changes(before[key], cells_of(sheet, row))
        if changed:
            why = f"changed since it was imported: {'; '.join(changed)}; {_MEND[sheet.file]}"
            problems.add(sheet.file, why, row=row.line, field=changed[0].partition(" ")[0])
        else:
            unchanged[sheet.file] = unchanged.get(sheet.file, 0) + 1
    return new


def _check_business(folder: Folder, before: memory.Rows, problems: Problems) -> None:
    was = before.get("operator")
    if was is None or folder.operator is None:
        return
    now: Mapping[str, str] = folder.operator.business.model_dump()
    for name in ("currency", "zone"):
        if was.get(name) != now[name]:
            why = f"was '{was.get(name)}' at the first import and cannot change"
            problems.add("operator.toml", why, field=f"operator.{name}")
