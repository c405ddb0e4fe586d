"""What a value of the API may be, said in words from its schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
    "object": "an object",
}
_LIMITS = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("minLength", "at least {} long"),
    ("maxLength", "at most {} long"),
    ("pattern", "like `{}`"),
)
_FORMATS = {"date": "a day, `2026-03-31`", "date-time": "an instant, `2026-03-31T08:00:00Z`"}
# Text whose form is read by the product itself, so that its pattern does not tell.
_FORMS = {
    "by": "like `35d`, `12h` or `1w2d`, of s, m, h, d and w",
    "mac": "a MAC address in any usual notation",
    "after": "`next` of the part before",
}
# Said of every text once: it holds no control characters.
_NO_CONTROLS = r"^[^\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]*$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a question or an answer; `shape` names what it holds, if that has fields."""

    name: str
    words: str
    is_needed: bool
    shape: str = ""


def fields(schema: Schema, shapes: Mapping[str, Schema]) -> Iterator[Field]:
    """Tell of each field of a shape what it takes."""
    for name, field in schema.get("properties", {}).items():
        yield told(name, field, shapes, is_needed=name in schema.get("required", ()))


def told(name: str, field: Schema, shapes: Mapping[str, Schema], *, is_needed: bool) -> Field:
    """Tell of one field what it takes."""
    allowed = [one for one in field.get("anyOf", [field]) if one.get("type") != "null"]
    parts = [" or ".join(kind(one, shapes) for one in allowed)]
    parts += [_FORMS[name]] if name in _FORMS else []
    parts += ["or `null`"] if len(allowed) < len(field.get("anyOf", allowed)) else []
    default = field.get("default")
    parts += [f"default `{json.dumps(default)}`"] if default not in (None, "", []) else []
    named = [shape_of(one) for one in allowed]
    held = next((one for one in named if "properties" in shapes.get(one, {})), "")
    return Field(name=name, words="; ".join(parts), is_needed=is_needed, shape=held)


def shape_of(schema: Schema) -> str:
    """Name the shape that a value is, or that its items are; empty where it has no name."""
    found = schema.get("$ref") or schema.get("items", {}).get("$ref", "")
    return str(found).rpartition("/")[2]


def kind(schema: Schema, shapes: Mapping[str, Schema]) -> str:
    """Say what a value is and what limits it has."""
    if "$ref" in schema:
        name = shape_of(schema)
        inner = shapes[name]
        return kind(inner, shapes) if "enum" in inner else name
    if schema.get("type") == "array":
        most = f"at most {schema['maxItems']}" if "maxItems" in schema else "any number"
        items = schema.get("items")
        return f"a list, {most}, each {kind(items, shapes)}" if items else _pair(schema, shapes)
    if named := schema.get("patternProperties"):
        return f"an object, each {' or '.join(kind(one, shapes) for one in named.values())}"
    if words := schema.get("enum") or _alternatives(schema.get("pattern", "")):
        return " or ".join(f"`{word}`" for word in words)
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    return _limited(schema)


def _limited(schema: Schema) -> str:
    limits = [
        said.format(schema[key])
        for key, said in _LIMITS
        if key in schema and schema[key] != _NO_CONTROLS
    ]
    return ", ".join([_TYPES[schema.get("type", "object")], *limits])


def _pair(schema: Schema, shapes: Mapping[str, Schema]) -> str:
    return "a list of " + ", ".join(kind(one, shapes) for one in schema.get("prefixItems", ()))


def _alternatives(pattern: str) -> list[str]:
    found = re.fullmatch(r"\^\(([a-z_]+(?:\|[a-z_]+)*)\)\$", pattern)
    return found[1].split("|") if found else []
