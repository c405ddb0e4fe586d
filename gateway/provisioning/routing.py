"""Which of our package codes means what at which target. Pure: tables in, line-ups out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from terms.ids import TargetName

LINE_UPS_MAX = 10_000


class Role(StrEnum):
    """What a code is at a target."""

    TARIFF = "tariff"  # the one base package
    PACKAGE = "package"  # one of the packages on top


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Route:
    """One code of our catalogue in one target's own words."""

    code: str
    target: TargetName
    role: Role
    target_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineUp:
    """What a set of codes amounts to at one target. `problem` is set where it cannot be one."""

    tariff: str | None = None
    packages: frozenset[str] = frozenset()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """A set of codes, sorted by target; `unrouted` are those that no target knows."""

    line_ups: Mapping[TargetName, LineUp] = field(default_factory=lambda: MappingProxyType({}))
    unrouted: tuple[str, ...] = ()


class Routes:
    """The routing table. Plans repeat, so each set of codes is worked out once.

    `drivers` says which target drives the boxes of a model. Such a target has no account of the
    household: it has its boxes, each by itself.
    """

    def __init__(
        self, routes: Iterable[Route], drivers: Mapping[str, TargetName] = MappingProxyType({})
    ) -> None:
        self.drivers = drivers
        self.driving = frozenset(drivers.values())
        self._by_code: dict[str, list[Route]] = {}
        for route in sorted(routes):
            self._by_code.setdefault(route.code, []).append(route)
        self._known: dict[frozenset[str], Routed] = {}

    def unrouted(self, codes: Iterable[str]) -> list[str]:
        """Find the codes that no route maps, sorted."""
        return sorted({code for code in codes if code not in self._by_code})

    def routed(self, codes: frozenset[str]) -> Routed:
        """Work out what a set of codes means at every target it touches."""
        found = self._known.get(codes)
        if found is None:
            if len(self._known) >= LINE_UPS_MAX:
                self._known.clear()
            found = self._known[codes] = self._work_out(codes)
        return found

    def _work_out(self, codes: frozenset[str]) -> Routed:
        by_target: dict[TargetName, list[Route]] = {}
        for code in sorted(codes):
            for route in self._by_code.get(code, ()):
                by_target.setdefault(route.target, []).append(route)
        return Routed(
            line_ups=MappingProxyType({name: _line_up(by_target[name]) for name in by_target}),
            unrouted=tuple(self.unrouted(codes)),
        )


def _line_up(routes: list[Route]) -> LineUp:
    tariffs = sorted({route.target_code for route in routes if route.role is Role.TARIFF})
    packages = frozenset(route.target_code for route in routes if route.role is Role.PACKAGE)
    if len(tariffs) > 1:
        codes = ", ".join(sorted({r.code for r in routes if r.role is Role.TARIFF}))
        return LineUp(
            problem=f"{codes} ask for {len(tariffs)} tariffs at once: {', '.join(tariffs)}"
        )
    return LineUp(tariff=tariffs[0] if tariffs else None, packages=packages)
