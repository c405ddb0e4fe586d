"""A target that calls us: what it asks, what we answer, and the contact in which it is worked on.

Plain values and ports alone; who listens for it is elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from gateway.adapters.sdk import Adapter
from gateway.adapters.state import ViewerState


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One HTTP request of a target that calls us; `peer` is an IP.

    Headers are to be asked for by lower-case name.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    peer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Our answer to it. A header that comes several times has a tuple of values."""

    status: int
    headers: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What there is for a box that calls: its wish, with the revision of that, and errands."""

    wish: ViewerState
    has_errands: bool = False


class Contact(Protocol):
    """What is done for a box, or an account, that is in contact with us right now."""

    async def due(self, ref: str) -> Due | None:
        """Give what there is for it; None for one nobody wishes anything for."""
        ...

    def seen(self, ref: str, proof: int) -> None:
        """Note that it called and proved to hold the wish of revision `proof`; cheap."""
        ...

    async def reconcile(self, ref: str, adapter: Adapter[Any]) -> None:
        """Make it hold its wish inside this contact, by an adapter that speaks through it.

        Returns when that is over, however it ended; it waits a little where a worker has the row.
        Ends without a word where the row is parked or is worked on elsewhere.
        """
        ...


@runtime_checkable
class Inbound(Protocol):
    """Optional: the target calls us."""

    def begin(self) -> None:
        """Be told that from now on the target reaches this very process."""
        ...

    async def answer(self, ask: Ask, contact: Contact) -> Reply:
        """Answer one request. Never raises for what a caller sends: that is a 4xx."""
        ...

    async def rest(self) -> None:
        """Put off whoever comes anew, and return when those under way are served."""
        ...
