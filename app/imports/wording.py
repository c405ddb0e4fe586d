"""Why a value of operator.toml is refused, in the words that sheets and catalogue.toml have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from annotated_types import Ge, Le
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from app.imports import cells
from app.imports.tables import kind_of

_NUMBERS = {"int_type", "int_from_float", "float_type", "greater_than_equal", "less_than_equal"}
_KINDS = {"string_type": "a text", "date_type": "a date like 2026-03-31"}
_TABLES = {"model_type", "model_attributes_type", "dict_type"}


def why(model: type[BaseModel], wrong: ErrorDetails, where: str) -> str:
    """Say what is wrong and what is allowed. `where` is the path of the value."""
    kind, given = wrong["type"], wrong["input"]
    parent, field = _place(model, wrong["loc"])
    if kind in {"missing", "string_too_short"}:
        return "must not be empty"
    if kind == "extra_forbidden":
        names = (field.alias or name for name, field in parent.model_fields.items())
        return f"unknown; known are {', '.join(names)}"
    if kind == "string_too_long":
        return f"longer than {wrong['ctx']['max_length']} characters"
    if kind == "too_long":
        what = "tables" if _is_of_tables(field) else "values"
        return f"more than {wrong['ctx']['max_length']} {what}"
    if kind in _KINDS:
        return f"must be {_KINDS[kind]}, not {kind_of(given)}"
    if kind == "list_type":
        return f"must be tables: [[{where}]]" if _is_of_tables(field) else "must be a list: [ ... ]"
    if kind in _TABLES:
        return f"must be a table: [{where}]"
    if kind in _NUMBERS and field is not None and any(isinstance(x, Ge) for x in field.metadata):
        return _number(field, given)
    return wrong["msg"].removeprefix("Value error, ")


def _place(
    model: type[BaseModel], path: Sequence[int | str]
) -> tuple[type[BaseModel], FieldInfo | None]:
    """Find the model and its field that a path leads to."""
    field: FieldInfo | None = None
    for name in path:
        if isinstance(name, int):
            continue
        if field is not None:
            model = _model_of(field.annotation) or model
        field = model.model_fields.get(name)
    return model, field


def _model_of(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := _model_of(one))), None)


def _is_of_tables(field: FieldInfo | None) -> bool:
    return field is not None and _model_of(field.annotation) is not None


def _number(field: FieldInfo, given: Any) -> str:
    least = next(one.ge for one in field.metadata if isinstance(one, Ge))
    most = next(one.le for one in field.metadata if isinstance(one, Le))
    is_whole = field.annotation is int
    what = (
        f"a whole number from {least} to {most}" if is_whole else f"a number from {least} to {most}"
    )
    if type(given) in {int, float}:
        return f"{cells.shown(str(given))} is not {what}"
    return f"must be {what}, not {kind_of(given)}"
