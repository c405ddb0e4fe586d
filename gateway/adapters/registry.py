"""Which kinds of targets exist: entry points of group `boxoffice.adapters`, built-in ones too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import ValidationError

from gateway.adapters.errands import Errands
from gateway.adapters.sdk import Access, Adapter, Answering, BoxAdapter, Boxes, Http, Options
from gateway.adapters.state import ViewerState
from runtime.chance import SystemChance
from runtime.memory import give_back
from runtime.options import Origin, read_options
from runtime.wording import of_file
from terms.errors import Invalid, NotFound, Permanent
from terms.ids import TargetName

GROUP = "boxoffice.adapters"


class NoBoxes:
    """The boxes of an adapter that is opened to be looked at: there are none."""

    @property
    def errands(self) -> Errands:
        """Refuse."""
        raise Permanent("no box is known here")

    def shared_key(self, purpose: str) -> bytes:  # noqa: ARG002 - the shape of the port
        """Share nothing: a key that nobody else has."""
        return SystemChance().bits(256).to_bytes(32, "big")

    async def access(self, ref: str) -> Access:
        """Refuse."""
        raise Permanent(f"no box {ref!r} is known here")

    async def pin(self, ref: str, host_key: str) -> None:  # noqa: ARG002 - the shape of the port
        """Refuse."""
        raise Permanent(f"no box {ref!r} is known here")

    async def other_key(self, ref: str, shown: str) -> None:
        """Forget it."""

    async def last_seen(self, ref: str) -> ViewerState | None:  # noqa: ARG002
        """Know nothing."""
        return None

    async def answering(self, login: str) -> Answering | None:  # noqa: ARG002
        """Know nobody."""
        return None

    async def called_at(self, ref: str, address: str) -> None:
        """Forget it."""

    async def stranger(self, serial: str, *, model: str, address: str, why: str) -> None:
        """Forget it."""

    async def rotate(self, ref: str, fresh: Mapping[str, str]) -> Mapping[str, str]:  # noqa: ARG002
        """Refuse."""
        raise Permanent(f"no box {ref!r} is known here")

    async def seen_new(self, ref: str) -> None:
        """Forget it."""

    async def serials(self) -> AsyncIterator[str]:
        """Give none."""
        nobody: tuple[str, ...] = ()
        for serial in nobody:
            yield serial


@cache
def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


@cache
def _loaded(entry: EntryPoint) -> object:
    """Import what an entry point names; the library of a protocol leaves megabytes behind."""
    loaded: object = entry.load()
    give_back()
    return loaded


def kinds() -> tuple[str, ...]:
    """Names of all installed adapter kinds, sorted."""
    return tuple(sorted(_entries()))


def adapter_class(kind: str) -> type[Adapter[Any]]:
    """Import the adapter of that kind. Raises NotFound naming the kinds there are."""
    entry = _entries().get(kind)
    if entry is None:
        raise NotFound(f"no adapter of kind {kind!r}; installed: {', '.join(kinds()) or 'none'}")
    loaded = _loaded(entry)
    if not (isinstance(loaded, type) and issubclass(loaded, Adapter)):
        raise TypeError(f"entry point {kind!r} is not an Adapter")
    return loaded


def open_adapter(
    kind: str,
    *,
    name: TargetName,
    options: Mapping[str, Any],
    http: Http,
    boxes: Boxes | None = None,
    origin: Origin = Origin.TOLD,
) -> Adapter[Any]:
    """Make the adapter of one configured target. Raises Invalid naming the wrong option."""
    cls = adapter_class(kind)
    try:
        parsed = read_options(cls.options_type, options, origin)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "options"
        why = of_file(cls.options_type, first, f"targets.{name}.{where}")
        raise Invalid(f"target {name}: {where}", why) from None
    return make(cls, name, parsed, http, boxes=boxes)


def make(
    cls: type[Adapter[Any]],
    name: TargetName,
    options: Options,
    http: Http,
    *,
    boxes: Boxes | None = None,
) -> Adapter[Any]:
    """Make an adapter of checked options; one that drives boxes is given them."""
    if issubclass(cls, BoxAdapter):
        return cls(name, options, http, boxes or NoBoxes())
    return cls(name, options, http)
