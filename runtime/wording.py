"""Why a value that somebody wrote is refused, in plain words and never in those of a library.

Of a file it is said besides what stands there instead, and which names its tables know.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, get_args

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

SHOWN_CHARS_MAX = 40
CURRENCY = r"^[A-Z]{3}$"
FORMS: Mapping[str, str] = {CURRENCY: "a currency like EUR"}

_WORDS = re.compile(r"\^\(?([a-z_]+(?:\|[a-z_]+)*)\)?\$")
_NO_WHOLE_NUMBER = frozenset({"int_type", "int_parsing", "int_from_float", "int_parsing_size"})
_NO_NUMBER = frozenset({"float_type", "float_parsing", "finite_number"})
_NO_DAY = frozenset({"date_type", "date_parsing", "date_from_datetime_parsing"})
_NO_DAY |= {"date_from_datetime_inexact"}
_NO_INSTANT = frozenset({"datetime_type", "datetime_parsing", "datetime_from_date_parsing"})
_EMPTY = frozenset({"string_too_short", "too_short"})
_KINDS = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "string_type": "must be a text",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "too_long": "must hold at most {max_length}",
    "too_short": "must hold at least {min_length}",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "list_type": "must be a list",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    **dict.fromkeys(_NO_WHOLE_NUMBER, "must be a whole number"),
    **dict.fromkeys(_NO_NUMBER, "must be a number"),
    **dict.fromkeys(_NO_DAY, "must be a day like 2026-03-31"),
    **dict.fromkeys(_NO_INSTANT, "must be an instant like 2026-03-31T08:00:00Z"),
}
# Of a file: what is wanted, where something else stands.
_WANTED = {
    "string_type": "a text",
    "bool_type": "true or false",
    "date_type": "a date like 2026-03-31",
    "int_type": "a whole number",
    "float_type": "a number",
}
_LEAST = ("from", "above")
_TABLES = {"model_type", "model_attributes_type", "dict_type"}
_NUMBERS = {"int_type", "int_from_float", "float_type", "finite_number"}
_NUMBERS |= {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}


def in_words(wrong: ErrorDetails, forms: Mapping[str, str] = FORMS) -> str:
    """Say what is wrong with a value and what it may be; `forms` says what patterns mean."""
    kind, limits = wrong["type"], wrong.get("ctx", {})
    if kind in _EMPTY and limits["min_length"] == 1:
        return "must not be empty"
    if kind == "string_pattern_mismatch":
        return _form(limits["pattern"], forms)
    said = _KINDS.get(kind)
    return said.format(**limits) if said else wrong["msg"].removeprefix("Value error, ")


def of_file(model: type[BaseModel], wrong: ErrorDetails, where: str) -> str:
    """Say what is wrong in a file and what is allowed. `where` is the path of the value."""
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
    if kind == "list_type":
        return f"must be tables: [[{where}]]" if _is_of_tables(field) else "must be a list: [ ... ]"
    if kind in _TABLES:
        return f"must be a table: [{where}]"
    if kind in _NUMBERS and field is not None and (bounds := _bounds(field)):
        return _number(field, bounds, given)
    if kind in _WANTED:
        return f"must be {_WANTED[kind]}, not {kind_of(given)}"
    return in_words(wrong)


def shown(text: str) -> str:
    """Quote a text, cut short, for somebody who has to find it."""
    short = text if len(text) <= SHOWN_CHARS_MAX else text[: SHOWN_CHARS_MAX - 3] + "..."
    return f"'{short}'"


def kind_of(value: Any) -> str:
    """Say what a value is that should be something else."""
    kinds = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
        date: "a date",
        datetime: "a time",
        list: "a list",
        dict: "a table",
    }
    return kinds.get(type(value), "something else")


def _form(pattern: str, forms: Mapping[str, str]) -> str:
    """Say what a text must look like; a pattern that has no words stands for itself."""
    if words := _WORDS.fullmatch(pattern):
        known = words[1].split("|")
        return f"must be {'one of ' if len(known) > 1 else ''}{', '.join(known)}"
    return f"must be {forms[pattern]}" if pattern in forms else f"must be like {pattern}"


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


def _bounds(field: FieldInfo) -> str:
    """Say from where to where a number may go; empty where its field does not say."""
    found = [_bound(one) for one in field.metadata]
    return " ".join(sorted(filter(None, found), key=lambda said: not said.startswith(_LEAST)))


def _bound(one: Any) -> str:
    match one:
        case Ge():
            return f"from {one.ge}"
        case Gt():
            return f"above {one.gt} and up"
        case Le():
            return f"to {one.le}"
        case Lt():
            return f"below {one.lt}"
    return ""


def _number(field: FieldInfo, bounds: str, given: Any) -> str:
    what = f"{'a whole number' if field.annotation is int else 'a number'} {bounds}"
    if type(given) in {int, float}:
        return f"{shown(str(given))} is not {what}"
    return f"must be {what}, not {kind_of(given)}"
