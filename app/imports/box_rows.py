"""What can be wrong with a row of boxes.csv by itself, and what several of them have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from app.desk.places import Places
from app.imports.folder import Folder
from app.imports.problems import Problems, ranges
from app.imports.sheets import BoxRow, ModelRow
from gateway.inventory import models, secrets
from gateway.inventory.imprints import SecretOf
from gateway.inventory.model import WAREHOUSE
from gateway.inventory.models import BoxModel, Models
from gateway.inventory.serials import SerialCheck

Whys = list[tuple[str, str]]


def model_of(row: ModelRow) -> BoxModel:
    """Read a row of models.csv."""
    return BoxModel(
        model=row.model,
        maker=row.maker,
        serial_check=SerialCheck(row.serial_check),
        serial_prefix=row.serial_prefix,
        protocol=row.protocol,
    )


def spell(folder: Folder, known: Models) -> None:
    """Write the serials of a folder as labels do, by the models that are known with it."""
    told = {**known, **{row.model: model_of(row) for row in folder.models}}
    folder.boxes = [
        row
        if (serial := models.spelt(told, row.serial)) == row.serial
        else replace(row, serial=serial)
        for row in folder.boxes
    ]


def serial_whys(row: BoxRow, known: Models) -> Whys:
    """Say whether a box of its model can have its serial; nothing where the model is not known."""
    if row.model not in known:
        return []
    field, why = models.problem(known, model=row.model, serial=row.serial)
    return [(field, why)] if why else []


def place_whys(row: BoxRow, places: Places) -> Whys:
    """Say why a box cannot lie where its row says."""
    try:
        places.read_stock(row.place or WAREHOUSE)
    except ValueError as error:
        return [("place", str(error))]
    return []


def day_whys(row: BoxRow, today: date) -> Whys:
    """Say why a box cannot have been handed over when its row says; `today` is the operator's."""
    if row.handed_over_on is None or row.handed_over_on <= today:
        return []
    return [("handed_over_on", f"{row.handed_over_on} is still to come: today is {today}")]


def secret_whys(row: BoxRow) -> Whys:
    """Say what is wrong with the secrets of a box; no secret is in it."""
    return [(field, why) for field, why in secrets.problems(row.secrets)]


def flag_repeats(rows: Iterable[BoxRow], known: Mapping[SecretOf, str], problems: Problems) -> None:
    """Warn of secrets that several boxes share: who reads one of them reads all.

    `known` names a box that has a secret of these rows already.
    """
    sharing: dict[tuple[str, str], list[BoxRow]] = {}
    for row in rows:
        for name, value in row.secrets.items():
            if name in secrets.SECRETS:
                sharing.setdefault((name, value), []).append(row)
    for (name, _), alike in sharing.items():
        serials = {row.serial for row in alike}
        others = {known.get(SecretOf(row.serial, name), "") for row in alike} - {"", *serials}
        if len(alike) > 1 or others:
            _flag(name, [row.line for row in alike], min(others, default=""), problems)


def _flag(name: str, lines: Sequence[int], other: str, problems: Problems) -> None:
    boxes = f"the boxes of rows {ranges(lines)} have" if len(lines) > 1 else "it is"
    as_known = f" as box {other}, known already" if other else ""
    why = f"{boxes} the same{as_known}: give each a secret of its own"
    problems.warn("boxes.csv", why, row=lines[0], field=name)
