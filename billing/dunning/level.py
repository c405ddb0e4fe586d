"""A level: what is left of a service that is limited, named by the operator. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from terms.entitlement import Entitlement, Grant
from terms.errors import Invalid

NAME_CHARS_MAX = 40
CODES_MAX = 500
STREAMS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Which package codes remain of what a service has, which are added, how many may watch.

    `only` are the ones that remain, None for all; `without` are those that do not. Raises Invalid
    for one that leaves everything as it is, or says both.
    """

    name: str
    only: frozenset[str] | None = None
    without: frozenset[str] = frozenset()
    adds: frozenset[str] = frozenset()
    streams_max: int | None = None

    def __post_init__(self) -> None:
        if not self.name or len(self.name) > NAME_CHARS_MAX:
            raise Invalid("dunning.levels", f"a name has 1 to {NAME_CHARS_MAX} characters")
        if self.only is not None and self.without:
            raise Invalid(f"dunning.levels.{self.name}.without", "goes with no `only`")
        if self.only is None and not self.without and self.streams_max is None:
            raise Invalid(f"dunning.levels.{self.name}", "takes nothing away")
        if self.streams_max is not None and not 1 <= self.streams_max <= STREAMS_MAX:
            raise Invalid(f"dunning.levels.{self.name}.streams", f"must be 1 to {STREAMS_MAX}")
        if len(self.only or ()) + len(self.without) + len(self.adds) > CODES_MAX:
            raise Invalid(f"dunning.levels.{self.name}", f"more than {CODES_MAX} package codes")

    def limit(self, rights: Entitlement) -> Entitlement:
        """Leave of rights what this level leaves."""
        grants = tuple(sorted(self._left(rights), key=lambda one: one.code))
        streams = min(rights.streams, self.streams_max or rights.streams)
        return replace(rights, grants=grants, streams=streams, reason=self.name)

    def _left(self, rights: Entitlement) -> Iterator[Grant]:
        for one in rights.grants:
            remains = one.code not in self.without if self.only is None else one.code in self.only
            if remains and one.code not in self.adds:
                yield one
        yield from (Grant(code=code) for code in self.adds)
