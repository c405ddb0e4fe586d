"""Reads the project's own source as syntax trees, for the checks in this folder."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = (
    "terms",
    "runtime",
    "billing",
    "gateway",
    "messages",
    "analytics",
    "integrations",
    "app",
)
AROUND = ("client", "demo", "bench", "simulators")
ROOMS = (*SHIPPED, *AROUND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One source file: its dotted name, its place below the root and its syntax tree."""

    name: str
    place: str
    text: str
    tree: ast.Module

    def is_in(self, *packages: str) -> bool:
        """Tell whether the module is one of these or lies inside."""
        return any(f"{self.name}.".startswith(f"{package}.") for package in packages)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Finding:
    """A place that breaks a rule, and what is wrong there."""

    place: str
    line: int
    what: str

    def __str__(self) -> str:
        """Spell it as editors understand it."""
        return f"{self.place}:{self.line}: {self.what}"


def parse(name: str, text: str) -> Module:
    """Read a module from its text."""
    place = name.replace(".", "/") + ".py"
    return Module(name=name, place=place, text=text, tree=ast.parse(text))


def modules(rooms: Iterable[str] = ROOMS, root: Path = ROOT) -> Iterator[Module]:
    """Read every module of the rooms that exist."""
    for room in rooms:
        for path in sorted((root / room).rglob("*.py")):
            place = path.relative_to(root)
            name = ".".join(place.with_suffix("").parts).removesuffix(".__init__")
            text = path.read_text("utf-8")
            yield Module(name=name, place=str(place), text=text, tree=ast.parse(text))


def report(findings: Iterable[Finding]) -> str:
    """List the findings, one per line; empty where there are none."""
    return "\n".join(str(finding) for finding in sorted(findings))
