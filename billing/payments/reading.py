"""Reads what providers tell in JSON, strictly: objects, ids, our own marks. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson

from terms.errors import Invalid, Unreachable

MARK_CHARS_MAX = 80
AMOUNT_MAX = 10**15


def object_of(body: bytes) -> dict[str, Any]:
    """Read a JSON object. Raises Invalid."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Invalid("body", "is not JSON") from None
    if not isinstance(found, dict):
        raise Invalid("body", "is not a JSON object")
    return found


def inner(thing: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Take an object out of an object. Raises Invalid."""
    found = thing.get(name)
    if not isinstance(found, dict):
        raise Invalid(name, "is not an object")
    return found


def ref(thing: Mapping[str, Any], name: str) -> str:
    """Take an id out of an object. Raises Invalid."""
    found = thing.get(name)
    if not isinstance(found, str) or not 0 < len(found) <= MARK_CHARS_MAX or not is_plain(found):
        raise Invalid(name, "is not an id")
    return found


def is_plain(text: str) -> bool:
    """Tell whether a text is visible ASCII."""
    return text.isascii() and text.isprintable()


def word(value: object, chars_max: int) -> str:
    """Read a word that is shown to people; what cannot be one counts as none."""
    return value[:chars_max] if isinstance(value, str) and is_plain(value) else ""


def mark(thing: Mapping[str, Any], name: str) -> str:
    """Read a mark of ours from the metadata; what cannot be ours counts as none."""
    metadata = thing.get("metadata")
    found = metadata.get(name, "") if isinstance(metadata, dict) else ""
    if not isinstance(found, str) or len(found) > MARK_CHARS_MAX or not is_plain(found):
        return ""
    return found


@contextmanager
def readable() -> Iterator[None]:
    """Count an answer that cannot be read as none: its request may have had its effect."""
    try:
        yield
    except (Invalid, KeyError, TypeError) as error:
        raise Unreachable(f"an answer that cannot be read: {error}") from None
