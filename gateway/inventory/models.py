"""The models of boxes as the operator tells them: maker, and how serials are checked.

Where none was ever told, any model is taken and no serial is checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Column, String, Table, select

from gateway.inventory import serials
from gateway.inventory.serials import SerialCheck, serial_problem
from runtime.store import Tx, metadata
from terms.errors import Invalid

SHOWN_MAX = 20

box_model = Table(
    "box_model",
    metadata,
    Column("model", String(64), primary_key=True),
    Column("maker", String(80), nullable=False),
    Column("serial_check", String(16), nullable=False),
    Column("serial_prefix", String(40), nullable=False),
    Column("protocol", String(16), nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxModel:
    """One model. `protocol` is a hint for people: which target drives it stands in the targets."""

    model: str
    maker: str = ""
    serial_check: SerialCheck = SerialCheck.NONE
    serial_prefix: str = ""
    protocol: str = ""


Models = Mapping[str, BoxModel]


async def load(tx: Tx) -> dict[str, BoxModel]:
    """Read all models, by name."""
    return {
        row.model: BoxModel(
            model=row.model,
            maker=row.maker,
            serial_check=SerialCheck(row.serial_check),
            serial_prefix=row.serial_prefix,
            protocol=row.protocol,
        )
        for row in await tx.rows(select(box_model).order_by(box_model.c.model))
    }


async def tell(tx: Tx, models: Iterable[BoxModel]) -> None:
    """Write models down; what was told of one before is overwritten."""
    rows = [
        {
            "model": one.model,
            "maker": one.maker,
            "serial_check": one.serial_check.value,
            "serial_prefix": one.serial_prefix,
            "protocol": one.protocol,
        }
        for one in models
    ]
    await tx.upsert(box_model, rows, key=("model",))


def problem(models: Models, *, model: str, serial: str) -> tuple[str, str]:
    """Say which field of a new box is wrong, and why; two empty texts where nothing is."""
    if not models:
        return "", ""
    known = models.get(model)
    if known is None:
        shown = ", ".join(sorted(models)[:SHOWN_MAX])
        return "model", f"there is no model {model!r}; known are {shown}"
    why = serial_problem(serial, prefix=known.serial_prefix, check=known.serial_check)
    return ("serial", why) if why else ("", "")


def check(models: Models, *, model: str, serial: str) -> None:
    """Raise Invalid where a box of this model cannot have this serial."""
    field, why = problem(models, model=model, serial=serial)
    if why:
        raise Invalid(field, why)


def typed(models: Models, serial: str) -> str:
    """Say why no box can have a serial somebody typed; empty where one could, of any model."""
    whys = [problem(models, model=model, serial=serial)[1] for model in models]
    if not whys or "" in whys:
        return ""
    near = [why for model, why in zip(models, whys, strict=True) if _is_like(models[model], serial)]
    return near[0] if near else f"no model has serials like {serial}: read the label again"


def meant(models: Models, serial: str) -> str:
    """Propose the one serial that somebody meant who exchanged two digits; empty for none."""
    whole = spelt(models, serial)
    found = {
        one
        for each in models.values()
        if (one := serials.meant(whole, prefix=each.serial_prefix, check=each.serial_check))
    }
    return found.pop() if len(found) == 1 else ""


def spelt(models: Models, serial: str) -> str:
    """Write a serial as labels do, where somebody typed its beginning in other letters."""
    begun = [one.serial_prefix for one in models.values() if one.serial_prefix]
    fitting = [each for each in begun if serial[: len(each)].lower() == each.lower()]
    if not fitting or any(serial.startswith(each) for each in fitting):
        return serial
    prefix = max(fitting, key=len)
    return prefix + serial[len(prefix) :]


def _is_like(model: BoxModel, serial: str) -> bool:
    return bool(model.serial_prefix) and serial.startswith(model.serial_prefix)
