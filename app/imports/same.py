"""Rows that were imported before: the same again is left out, a changed one is a problem.

What was sold or agreed is changed by its own command, where somebody says from when and why.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

from app.imports import memory
from app.imports.check import Known
from app.imports.folder import Folder
from app.imports.loyalty_sheets import LOYALTY, LOYALTY_TIERS
from app.imports.problems import Problems
from app.imports.sheet import Sheet, canonical
from app.imports.sheets import (
    BOXES,
    MODELS,
    OFFERINGS,
    PRICES,
    PROMOTIONS,
    ROUTES,
    SUBSCRIBERS,
    TAXES,
    BoxRow,
)
from runtime.store import Tx

R = TypeVar("R", bound=Any)
Listed = Callable[[Sequence[str]], Awaitable[Mapping[str, Mapping[str, str]]]]

_MEND = {
    "taxes.csv": "add a row with a later effective_from",
    "prices.csv": "add a row with a later effective_from",
    "subscribers.csv": "what was agreed is changed by `boxoffice change`",
    "boxes.csv": "a box changes by `boxoffice device`, or the boxes calls of the API",
}


def key_of(sheet: Sheet[Any], row: Any) -> str:
    """Give what makes a row unique, as text."""
    parts = (str(getattr(row, name)) for name in sheet.key)
    return "@".join(part for part in parts if part)


def cells_of(sheet: Sheet[Any], row: Any) -> dict[str, str]:
    """Give the cells of a row as canonical text."""
    return canonical({name: getattr(row, name) for name in sheet.open_names})


async def leave_known(
    tx: Tx, folder: Folder, known: Known, problems: Problems, listed: Listed
) -> dict[str, int]:
    """Take rows out that were imported before, and note those that say something else now.

    `listed` tells the secrets that an earlier list had brought. Returns how many of which file were
    the same.
    """
    _check_business(folder, await memory.remembered(tx, "operator.toml"), problems)
    sieve = _Sieve(tx, problems)
    folder.taxes = await sieve.fresh(TAXES, folder.taxes, comes=known.today)
    folder.prices = await sieve.fresh(PRICES, folder.prices, comes=known.today)
    folder.subscribers = await sieve.fresh(
        SUBSCRIBERS,
        folder.subscribers,
        lambda row: "is signed up already" if row.contract in known.contracts else "",
    )
    boxes = folder.boxes
    folder.boxes = await sieve.fresh(
        BOXES, boxes, lambda row: "is known already" if row.serial in known.serials else ""
    )
    told = [row for row in boxes if row.secrets and row.serial in sieve.same]
    folder.described = sieve.with_other_secrets(told, await listed([row.serial for row in told]))
    # These may change: what was sold is watched over where it is published, routes go as a whole.
    await sieve.count_known(OFFERINGS, folder.offerings)
    await sieve.count_known(PROMOTIONS, folder.promotions)
    await sieve.count_known(LOYALTY, folder.loyalty or ())
    await sieve.count_known(LOYALTY_TIERS, folder.loyalty_tiers or ())
    await sieve.count_known(ROUTES, folder.routes)
    await sieve.count_known(MODELS, folder.models)
    return sieve.unchanged


class _Sieve:
    """Parts rows that are new from those known, and counts and complains on the way."""

    def __init__(self, tx: Tx, problems: Problems) -> None:
        self.tx = tx
        self.problems = problems
        self.unchanged: dict[str, int] = {}
        self.same: set[str] = set()

    async def fresh(
        self,
        sheet: Sheet[R],
        rows: Sequence[R],
        exists: Callable[[R], str] = lambda _row: "",
        comes: date | None = None,
    ) -> list[R]:
        """Give the rows that are new; `exists` says why one cannot be, from elsewhere.

        What is effective after the day it `comes` behind may say something else than before.
        """
        before = await memory.remembered(self.tx, sheet.file) if rows else {}
        new = []
        for row in rows:
            key = key_of(sheet, row)
            if key in before:
                may_change = comes is not None and row.effective_from > comes
                if not may_change or not memory.changes(before[key], cells_of(sheet, row)):
                    self._compare(sheet, row, before[key])
                else:
                    new.append(row)
            elif why := exists(row):
                self.problems.add(sheet.file, f"{key} {why}", row=row.line, field=sheet.key[0])
            else:
                new.append(row)
        return new

    def with_other_secrets(
        self, rows: Sequence[BoxRow], listed: Mapping[str, Mapping[str, str]]
    ) -> list[BoxRow]:
        """Give the boxes no list had brought secrets for; note where it had brought others."""
        new = []
        for row in rows:
            before = listed.get(row.serial) or {}
            names = sorted(set(row.secrets) | set(before))
            changed = [name for name in names if row.secrets.get(name) != before.get(name)]
            if not before:
                new.append(row)
            elif changed:
                why = f"{', '.join(changed)} changed since it was imported; {_MEND[BOXES.file]}"
                self.problems.add(BOXES.file, why, row=row.line, field=changed[0])
        return new

    async def count_known(self, sheet: Sheet[R], rows: Sequence[R]) -> None:
        """Count the rows that were imported before just so; all of them stay."""
        before = await memory.remembered(self.tx, sheet.file) if rows else {}
        same = [r for r in rows if before.get(key_of(sheet, r)) == cells_of(sheet, r)]
        if same:
            self.unchanged[sheet.file] = len(same)

    def _compare(self, sheet: Sheet[R], row: R, before: Mapping[str, str]) -> None:
        changed = memory.changes(before, cells_of(sheet, row))
        if not changed:
            self.same.add(key_of(sheet, row))
            self.unchanged[sheet.file] = self.unchanged.get(sheet.file, 0) + 1
            return
        why = f"changed since it was imported: {'; '.join(changed)}; {_MEND[sheet.file]}"
        field = changed[0].partition(" ")[0]
        self.problems.add(sheet.file, why, row=row.line, field=field)


def _check_business(folder: Folder, before: memory.Rows, problems: Problems) -> None:
    was = before.get("operator")
    if was is None or folder.operator is None:
        return
    now: Mapping[str, str] = folder.operator.business.model_dump()
    for name in ("currency", "zone"):
        if was.get(name) != now[name]:
            why = f"was '{was.get(name)}' at the first import and cannot change"
            problems.add("operator.toml", why, field=f"operator.{name}")
