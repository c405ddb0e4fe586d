"""Pages of a list, and a place in it as text that means nothing to anybody else."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any, TypeVar

from app.web.reading import wrong
from runtime.store import from_micros, to_micros
from runtime.store.keyset import Place

T = TypeVar("T")

_KEPT_AS: Mapping[type, type] = {datetime: int, date: str}
_READ: Mapping[type, Callable[[Any], Any]] = {datetime: from_micros, date: date.fromisoformat}


def cut(found: Sequence[T], limit: int) -> tuple[Sequence[T], T | None]:
    """Cut a page off what was found, which is one more where there are more.

    Beside it stands its last, where the next page begins behind that one.
    """
    shown = found[:limit]
    return shown, shown[-1] if len(found) > limit else None


def cursor(place: Place) -> str:
    """Write a place in a list as text that means nothing to anybody else."""
    told = [_told(one) for one in place]
    raw = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read_cursor(text: str, *kinds: type) -> Place | None:
    """Read a place of so many values of these types. Raises BadRequest for one of another list."""
    if not text:
        return None
    told = _decoded(text)
    types = [_KEPT_AS.get(kind, kind) for kind in kinds]
    if [type(one) for one in told] == types:
        pairs = zip(told, kinds, strict=True)
        with suppress(ValueError, OverflowError):
            return tuple(_READ[kind](one) if kind in _READ else one for one, kind in pairs)
    raise wrong("after", why="this is no `next` of this list")


def _told(one: Any) -> Any:
    if isinstance(one, datetime):
        return to_micros(one)
    return one.isoformat() if isinstance(one, date) else one


def _decoded(text: str) -> list[Any]:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        told = json.loads(raw.decode())
    except (binascii.Error, ValueError, RecursionError):
        return []
    is_ours = isinstance(told, list) and all(_is_sane(one) for one in told)
    return told if is_ours else []


def _is_sane(one: object) -> bool:
    """Whether this can be a value of a column, on either engine."""
    if type(one) is int:
        return 0 <= one < 1 << 62
    return isinstance(one, str) and all(_is_mark(mark) for mark in one)


def _is_mark(mark: str) -> bool:
    is_half = "\ud800" <= mark <= "\udfff"  # which no database takes
    return mark >= " " and not mark.isspace() and not is_half
