"""Which kinds of targets exist: entry points of group `boxoffice.adapters`, built-in ones too."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import ValidationError

from gateway.adapters.sdk import Adapter, Http
from terms.errors import Invalid, NotFound
from terms.ids import TargetName

GROUP = "boxoffice.adapters"


@cache
def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def kinds() -> tuple[str, ...]:
    """Names of all installed adapter kinds, sorted."""
    return tuple(sorted(_entries()))


def adapter_class(kind: str) -> type[Adapter[Any]]:
    """Import the adapter of that kind. Raises NotFound naming the kinds there are."""
    entry = _entries().get(kind)
    if entry is None:
        raise NotFound(f"no adapter of kind {kind!r}; installed: {', '.join(kinds()) or 'none'}")
    loaded = entry.load()
    if not (isinstance(loaded, type) and issubclass(loaded, Adapter)):
        raise TypeError(f"entry point {kind!r} is not an Adapter")
    return loaded


def open_adapter(
    kind: str, *, name: TargetName, options: Mapping[str, Any], http: Http
) -> Adapter[Any]:
    """Make the adapter of one configured target. Raises Invalid naming the wrong option."""
    cls = adapter_class(kind)
    try:
        parsed = cls.options_type.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "options"
        raise Invalid(f"target {name}: {where}", first["msg"]) from None
    return cls(name, parsed, http)
