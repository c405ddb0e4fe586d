"""Finds arithmetic where none may be: who only maps inputs to functions calculates nothing."""

import ast
from collections.abc import Iterator

from tests.architecture.source import Finding, Module

CALLS = frozenset({"abs", "divmod", "eval", "exec", "max", "min", "pow", "round", "sum"})
MODULES = frozenset({"cmath", "decimal", "functools", "math", "numpy", "operator", "statistics"})
NAMES = frozenset({"accumulate", "Decimal", "reduce"})
DUNDERS = ("__add", "__sub", "__mul", "__rmul", "__truediv", "__floordiv", "__mod", "__divmod")


def arithmetic(module: Module) -> list[Finding]:
    """List what calculates in a module; a union of types is none, nor is a number below zero."""
    unions = {id(node) for node in _unions(module.tree)}
    return [
        Finding(place=module.place, line=getattr(node, "lineno", 1), what=what)
        for node in ast.walk(module.tree)
        if id(node) not in unions and (what := _calculates(node))
    ]


def _unions(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk the annotations: `X | None` stands there and calculates nothing."""
    for node in ast.walk(tree):
        for name in ("annotation", "returns"):
            if (found := getattr(node, name, None)) is not None:
                yield from ast.walk(found)


def _calculates(node: ast.AST) -> str:
    """Say how a node calculates; empty where it does not."""
    match node:
        case ast.BinOp() | ast.AugAssign():
            return f"calculates by {type(node.op).__name__}"
        case ast.UnaryOp(op=ast.USub() | ast.Invert(), operand=operand):
            return "" if isinstance(operand, ast.Constant) else "turns a sign"
        case ast.Call(func=ast.Name(id=name)) if name in CALLS:
            return f"calls {name}"
        case ast.Call(func=ast.Name(id="Fraction"), args=[_, _, *_]):
            return "divides by a Fraction of two"
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in NAMES or name.startswith(
            DUNDERS
        ):
            return f"uses {name}"
        case ast.Import(names=names):
            return _imported([alias.name for alias in names])
        case ast.ImportFrom(module=name, names=names):
            return _imported([str(name), *(alias.name for alias in names)])
    return ""


def _imported(names: list[str]) -> str:
    wrong = {name for name in names if name.partition(".")[0] in MODULES | NAMES}
    return f"imports {', '.join(sorted(wrong))}" if wrong else ""
