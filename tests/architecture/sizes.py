"""Finds files and functions over the budget: they have found their second noun."""

import ast
import io
import tokenize
from collections.abc import Iterable

from tests.architecture.source import Finding, Module

FILE_LINES_MAX = 400
ROOMY_FILE_LINES_MAX = 600
ROOMY = ("tests", "simulators")
FUNCTION_LINES_MAX = 60
MODULE_DOCSTRING_LINES_MAX = 6
# Place -> why its docstring may be longer.
LONG_DOCSTRINGS = {"terms/errors.py": "the error tree is drawn on top of the file"}

_SILENT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def code_lines(text: str) -> set[int]:
    """Return the numbers of the lines that hold code, not only a comment or nothing."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _SILENT:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines


def docstring_lines(node: ast.Module | Function) -> set[int]:
    """Return the numbers of the lines of the docstring."""
    first = node.body[0] if node.body else None
    if first is None or ast.get_docstring(node) is None:
        return set()
    return set(range(first.lineno, (first.end_lineno or first.lineno) + 1))


def oversized(module: Module) -> list[Finding]:
    """List what is too long in a module."""
    sizes = [(1, "the file", len(module.text.splitlines()), _file_lines_max(module))]
    if module.place not in LONG_DOCSTRINGS:
        told = len((ast.get_docstring(module.tree) or "").split("\n"))
        sizes.append((1, "the docstring", told, MODULE_DOCSTRING_LINES_MAX))
    code: set[int] | None = None
    for node in ast.walk(module.tree):
        if isinstance(node, Function):
            span = set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
            if len(span) > FUNCTION_LINES_MAX:
                code = code_lines(module.text) if code is None else code
                length = len((span & code) - docstring_lines(node))
                sizes.append((node.lineno, node.name, length, FUNCTION_LINES_MAX))
    return [
        Finding(place=module.place, line=line, what=f"{name} has {length} lines, at most {most}")
        for line, name, length, most in sizes
        if length > most
    ]


def _file_lines_max(module: Module) -> int:
    return ROOMY_FILE_LINES_MAX if module.is_in(*ROOMY) else FILE_LINES_MAX


def all_oversized(modules: Iterable[Module]) -> list[Finding]:
    """Check many modules."""
    return [finding for module in modules for finding in oversized(module)]
