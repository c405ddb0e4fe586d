"""Who may sign in at one door: the operator's people at one, the subscribers at another.

A module is a population: what it offers is declared here, so that the keeper knows none by name.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from runtime.store import Tx


class Somebody(Protocol):
    """Who may sign in."""

    @property
    def id(self) -> str:
        """What tables keep of them."""
        ...

    @property
    def actor(self) -> str:
        """What the audit keeps of them."""
        ...


P = TypeVar("P", bound=Somebody)
P_co = TypeVar("P_co", bound=Somebody, covariant=True)


class Population(Protocol[P_co]):
    """All who may sign in at one door. `KIND` is theirs in the audit and in the log."""

    KIND: str

    async def with_hash(self, tx: Tx, name: str, /) -> tuple[P_co, str] | None:
        """Find who may sign in under a name, with the hash; an empty one fits no password."""
        ...

    async def by_id(self, tx: Tx, key: str, /) -> P_co | None:
        """Find who may sign in by id."""
        ...

    async def keep_hash(self, tx: Tx, key: str, password_hash: str, /) -> None:
        """Keep another hash of the same password."""
        ...
