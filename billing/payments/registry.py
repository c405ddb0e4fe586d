"""Which kinds of payment providers exist: entry points of group `boxoffice.providers`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from pydantic import ValidationError

from billing.payments.provider import Provider
from runtime.options import Origin, read_options
from runtime.wording import of_file
from terms.errors import Invalid, NotFound
from terms.http import Http

GROUP = "boxoffice.providers"


@cache
def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def kinds() -> tuple[str, ...]:
    """List the names of all installed kinds, sorted."""
    return tuple(sorted(_entries()))


def provider_class(kind: str) -> type[Provider]:
    """Import the provider of that kind. Raises NotFound naming the kinds there are."""
    entry = _entries().get(kind)
    if entry is None:
        known = ", ".join(kinds()) or "none"
        raise NotFound(f"no payment provider of kind {kind!r}; installed: {known}")
    return cast("type[Provider]", entry.load())


def open_provider(
    kind: str,
    *,
    name: str,
    options: Mapping[str, Any],
    http: Http,
    origin: Origin = Origin.TOLD,
) -> Provider:
    """Make one configured provider. Raises Invalid naming the wrong option, never its value."""
    cls = provider_class(kind)
    try:
        parsed = read_options(cls.options_type, options, origin)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "options"
        field = f"payments.{name}.{where}"
        raise Invalid(field, of_file(cls.options_type, first, field)) from None
    return cls(name, parsed, http)
