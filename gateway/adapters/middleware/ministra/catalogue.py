"""Tariffs and packages of a portal, by external id, and what is wrong with them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gateway.adapters.sdk import Catalog
from terms.errors import Permanent


def catalog_of(tariffs: Sequence[Any], packages: Sequence[Any]) -> Catalog:
    """Read the catalogue: each tariff may carry its optional packages, the others come with it."""
    try:
        return Catalog(
            tariffs={
                str(tariff["external_id"]): frozenset(
                    str(package["external_id"])
                    for package in tariff["packages"]
                    if package["optional"] == "1"
                )
                for tariff in tariffs
            },
            packages=frozenset(str(package["external_id"]) for package in packages),
        )
    except (KeyError, TypeError) as error:
        raise _unreadable(error) from None


def warnings_of(tariffs: Sequence[Any]) -> tuple[str, ...]:
    """Name what can be seen to be wrong with the tariffs."""
    if not tariffs:
        return ("the portal has no tariff plans: is its enable_tariff_plans on?",)
    try:
        return tuple(dict.fromkeys(_nameless(tariffs)))
    except (KeyError, TypeError) as error:
        raise _unreadable(error) from None


def _nameless(tariffs: Sequence[Any]) -> Iterator[str]:
    for tariff in tariffs:
        for what, one in [("tariff", tariff), *(("package", p) for p in tariff["packages"])]:
            if not one["external_id"]:
                yield f"{what} {str(one['name'])[:60]!r} has no external id: it cannot be sold"


def _unreadable(error: Exception) -> Permanent:
    return Permanent(f"the portal's catalogue cannot be read: {type(error).__name__}: {error}")
