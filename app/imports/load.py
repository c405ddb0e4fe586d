"""One import from its files to the database: all or nothing, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from textwrap import shorten

from app.desk.auditing import note
from app.imports import known, write
from app.imports.check import check
from app.imports.effective import check_times
from app.imports.folder import Folder, find_files, read_folder
from app.imports.known import look
from app.imports.problems import Problem, Problems
from app.imports.same import leave_known
from app.imports.sheets import BOXES
from app.wiring import House
from billing.catalog.difference import Difference, differences
from billing.reads import catalog
from gateway.inventory import store as boxes
from runtime.store import Tx
from terms.errors import DomainError


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an import did. With `taken` False nothing was changed.

    `problems` are the causes, then a line for each file with rows that only follow from them;
    `problems_count` counts causes. `warnings` are worth a look and stop nothing.
    """

    taken: bool
    new: Mapping[str, int] = field(default_factory=dict)
    unchanged: Mapping[str, int] = field(default_factory=dict)
    problems: Sequence[Problem] = ()
    problems_count: int = 0
    warnings: Sequence[Problem] = ()


CHANGES_NOTED_MAX = 40
CHANGE_CHARS_MAX = 200
# Of these files only new rows are written; of the others all of them.
_SIFTED = frozenset({known.OPERATOR, "taxes.csv", "prices.csv", "subscribers.csv", "boxes.csv"})


class NothingTakenError(Exception):
    """Leaves the transaction without a trace: the problems are noted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """How many rows of which file are new, how many were known; what of the catalogue changed."""

    new: Mapping[str, int]
    unchanged: Mapping[str, int]
    changes: Sequence[Difference]


async def import_paths(
    house: House,
    paths: Sequence[Path],
    environment: Mapping[str, str],
    actor: str = write.ACTOR,
) -> Outcome:
    """Take everything, or nothing where there is any problem. Raises Invalid for wrong paths."""
    return await _import(house, find_files(paths), environment, actor, strict=True)


async def import_good_rows(
    house: House,
    paths: Sequence[Path],
    environment: Mapping[str, str],
    actor: str = write.ACTOR,
) -> Outcome:
    """Take what is well and leave what is not; a file that cannot be read stops all."""
    return await _import(house, find_files(paths), environment, actor, strict=False)


async def import_boxes(house: House, path: Path, actor: str = write.ACTOR) -> Outcome:
    """Take a purchase list: a boxes.csv of any name. All of it, or nothing."""
    return await _purchase(house, path, actor, strict=True)


async def import_good_boxes(house: House, path: Path, actor: str = write.ACTOR) -> Outcome:
    """Take the rows of a purchase list that are well and leave what is not."""
    return await _purchase(house, path, actor, strict=False)


async def _purchase(house: House, path: Path, actor: str, *, strict: bool) -> Outcome:
    """Take a purchase list; what is wrong with it is told under its own name."""
    problems = Problems()
    folder = read_folder({BOXES.file: path}, {}, problems)
    if not folder.boxes and not problems:
        problems.add(BOXES.file, "names no box: nothing stands below the names of the columns")
    outcome = await _take(house, folder, problems, actor, strict=strict)
    return replace(
        outcome,
        problems=[replace(each, file=path.name) for each in outcome.problems],
        warnings=[replace(each, file=path.name) for each in outcome.warnings],
    )


async def _import(
    house: House,
    files: Mapping[str, Path],
    environment: Mapping[str, str],
    actor: str,
    *,
    strict: bool,
) -> Outcome:
    problems = Problems()
    folder = read_folder(files, environment, problems)
    return await _take(house, folder, problems, actor, strict=strict)


async def _take(
    house: House, folder: Folder, problems: Problems, actor: str, *, strict: bool
) -> Outcome:
    try:
        async with house.store.begin() as tx:
            taken = await take_in(house, tx, folder, problems, actor, strict=strict)
    except NothingTakenError:
        return outcome(folder, problems, None)
    await house.refresh_providers()
    return outcome(folder, problems, taken)


async def take_in(
    house: House, tx: Tx, folder: Folder, problems: Problems, actor: str, *, strict: bool
) -> Taken:
    """Take a folder inside a transaction. Raises NothingTakenError; then it must not be kept."""
    unchanged = await _check_all(house, tx, folder, problems)
    _stop_at(problems, strict=strict)
    before = await catalog.document(tx)
    written = await _write(house, tx, folder, problems, actor)
    changes = differences(before, await catalog.document(tx))
    if written.get(known.OPERATOR) == 0:
        unchanged[known.OPERATOR] = 1
    new = {
        file: count if file in _SIFTED else count - unchanged.get(file, 0)
        for file, count in written.items()
    }
    await _note(house, tx, folder, new, changes, actor=actor)
    return Taken(new=new, unchanged=unchanged, changes=changes)


def outcome(folder: Folder, problems: Problems, taken: Taken | None) -> Outcome:
    """Tell what came of a folder, in the places of its own files."""
    told = [folder.placed(one) for one in (*problems, *problems.following)]
    return Outcome(
        taken=taken is not None,
        new=taken.new if taken else {},
        unchanged=taken.unchanged if taken else {},
        problems=tuple(told),
        problems_count=len(problems),
        warnings=tuple(problems.warnings),
    )


async def _note(
    house: House,
    tx: Tx,
    folder: Folder,
    new: Mapping[str, int],
    changes: Sequence[Difference],
    *,
    actor: str,
) -> None:
    """Write down who brought what, once; boxes and their moves are the import's own deeds."""
    told = [f"{file} {count}" for file, count in new.items() if count]
    if folder.described:
        told.append(f"how {len(folder.described)} boxes are reached")
    if told or changes:
        after = "; ".join(part for part in (", ".join(told), *_words(changes)) if part)
        await note(house, tx, actor=actor, action="import", subject="operator", after=after)


def _words(changes: Sequence[Difference]) -> Iterator[str]:
    """Tell what changed, the first of it in full: a history is read by people."""
    for n, one in enumerate(changes):
        if n == CHANGES_NOTED_MAX:
            yield f"and {len(changes) - n} changes more"
            return
        yield shorten(str(one), CHANGE_CHARS_MAX, placeholder="...")


def _stop_at(problems: Problems, *, strict: bool) -> None:
    if problems.of_files or (strict and problems):
        raise NothingTakenError


async def _check_all(house: House, tx: Tx, folder: Folder, problems: Problems) -> dict[str, int]:
    """Check everything; returns how many rows of which file were imported before."""
    found = await look(house, tx, folder, problems)
    check(folder, found, problems)

    async def listed(serials: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        ids = {box.id: box.serial for box in (await boxes.by_serial(tx, serials)).values()}
        told = await house.logins.listed(tx, ids)
        return {ids[id_]: secrets for id_, secrets in told.items()}

    unchanged = await leave_known(tx, folder, found, problems, listed)
    check_times(folder, found, problems)
    return unchanged


async def _write(
    house: House, tx: Tx, folder: Folder, problems: Problems, actor: str
) -> dict[str, int]:
    """Write the folder; what a flow still refuses is a problem like any other."""
    try:
        return await write.write(house, tx, folder, actor)
    except DomainError as error:
        problems.add(folder.files[0] if folder.files else known.OPERATOR, str(error))
        raise NothingTakenError from None
