"""A draft of the catalogue: checked like an import, compared with what is published, published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.imports.folder import Folder, find_files, read_folder
from app.imports.load import NothingTakenError, outcome, take_in
from app.imports.problems import Problem, Problems
from app.imports.tables import FILE, SHEETS, read_tables
from app.wiring import House
from billing.catalog.difference import Difference, differences
from billing.reads import catalog, loyalty, promotions
from runtime.store import Tx
from terms.errors import Invalid

CATALOGUE = (FILE, *(sheet.file for sheet in SHEETS.values()), "routes.csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """A difference, and how many households have what it is about now."""

    difference: Difference
    households: int

    def __str__(self) -> str:
        count = self.households
        if not count:
            return str(self.difference)
        return f"{self.difference} ({count} household{'s' if count > 1 else ''})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """What a draft comes to: published as an edition, or not; what is wrong with it."""

    edition: int | None = None
    changes: Sequence[Affected] = ()
    problems: Sequence[Problem] = field(default_factory=tuple)

    @property
    def is_good(self) -> bool:
        """Whether it may be published."""
        return not self.problems


def read_draft(paths: Sequence[Path], problems: Problems) -> Folder:
    """Read a catalogue from files. Raises Invalid for any other file, and for wrong paths."""
    files = {}
    for name, path in find_files(paths).items():
        if name in CATALOGUE:
            files[name] = path
        elif path in paths:
            raise Invalid(str(path), f"no part of a catalogue: these are {', '.join(CATALOGUE)}")
    return read_folder(files, {}, problems)


def told_draft(told: Mapping[str, Any], problems: Problems) -> Folder:
    """Read a catalogue that a caller tells in tables."""
    folder = Folder()
    if (draft := read_tables(told, problems)) is not None:
        folder.take(draft)
    return folder


async def publish_draft(
    house: House, tx: Tx, folder: Folder, problems: Problems, actor: str
) -> Drafted:
    """Publish a draft inside a transaction.

    Where it has problems nothing may be kept of the transaction.
    """
    try:
        taken = await take_in(house, tx, folder, problems, actor, strict=True)
    except NothingTakenError:
        return Drafted(problems=outcome(folder, problems, None).problems)
    return Drafted(edition=await catalog.edition(tx), changes=await affected(tx, taken.changes))


async def check_draft(house: House, folder: Folder, problems: Problems, actor: str) -> Drafted:
    """Tell what publishing a draft would come to, by doing it in a transaction that never is."""
    async with house.store.rehearse() as tx:
        return await publish_draft(house, tx, folder, problems, actor)


async def affected(tx: Tx, found: Sequence[Difference]) -> list[Affected]:
    """Count for each difference the households that have what it is about."""
    held = await catalog.held(tx)
    had = await promotions.holders(tx)
    counts = {
        "prices": held,
        "promotions": {(code, ""): n for code, n in had.items()},
        "loyalty": {("loyalty", ""): await loyalty.members(tx)},
    }
    return [
        Affected(difference=one, households=counts.get(one.table, {}).get((one.key, one.where), 0))
        for one in found
    ]


async def compare(tx: Tx, before: str, after: str) -> list[Affected]:
    """Compare two versions, by edition or name; the last but one with what is published now.

    Raises NotFound.
    """
    if before:
        older = (await catalog.version(tx, before)).document
    else:
        known = await catalog.versions(tx)
        older = known[1].document if len(known) > 1 else {}
    newer = (await catalog.version(tx, after)).document if after else await catalog.document(tx)
    return await affected(tx, differences(older, newer))
