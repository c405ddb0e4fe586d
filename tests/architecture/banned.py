"""Finds calls that only one module of runtime may make: the clock, chance, sleep, the client.

Names are followed through imports and their aliases, so `from time import time as now` is seen.
"""

import ast
from collections.abc import Iterable

from tests.architecture.source import SHIPPED, Finding, Module

# Banned name -> the module that offers it to everybody else.
BANNED = {
    "datetime.datetime.now": "runtime.clock",
    "datetime.datetime.utcnow": "runtime.clock",
    "datetime.datetime.today": "runtime.clock",
    "datetime.date.today": "runtime.clock",
    "time.time": "runtime.clock",
    "time.time_ns": "runtime.clock",
    "time.sleep": "runtime.retry",
    "asyncio.sleep": "runtime.retry",
    "uuid.uuid1": "runtime.chance",
    "uuid.uuid4": "runtime.chance",
    "random": "runtime.chance",
    "aiohttp.ClientSession": "runtime.http",
    "aiohttp.client.ClientSession": "runtime.http",
    "aiohttp.request": "runtime.http",
    "urllib.request": "runtime.http",
    "http.client": "runtime.http",
    "tenacity": "runtime.retry",
}


class _Names(ast.NodeVisitor):
    """Collects every use of an imported name, spelt out in full."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self.uses: list[tuple[int, str]] = []

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            root = alias.name.partition(".")[0]
            self.known[alias.asname or root] = alias.name if alias.asname else root
            self.uses.append((node.lineno, alias.name))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            full = f"{node.module}.{alias.name}"
            self.known[alias.asname or alias.name] = full
            self.uses.append((node.lineno, full))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        parts = [node.attr]
        value = node.value
        while isinstance(value, ast.Attribute):
            parts.append(value.attr)
            value = value.value
        if isinstance(value, ast.Name) and value.id in self.known:
            parts.append(self.known[value.id])
            self.uses.append((node.lineno, ".".join(reversed(parts))))
        self.generic_visit(node)


def banned(module: Module) -> list[Finding]:
    """List the banned names that a shipped module uses."""
    if not module.is_in(*SHIPPED):
        return []
    names = _Names()
    names.visit(module.tree)
    findings = set()
    for line, used in names.uses:
        for name, home in BANNED.items():
            if f"{used}.".startswith(f"{name}.") and not module.is_in(home):
                what = f"{name} is banned here, {home} offers it"
                findings.add(Finding(place=module.place, line=line, what=what))
    return sorted(findings)


def all_banned(modules: Iterable[Module]) -> list[Finding]:
    """Check many modules."""
    return [finding for module in modules for finding in banned(module)]
