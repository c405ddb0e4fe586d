"""Finds words in the wrong house: a vendor's in billing, money in the gateway, fillers anywhere.

It reads whole identifiers and the string constants that look like one (a column, a key), never
prose.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from tests.architecture.source import SHIPPED, Finding, Module

VENDORS = (
    "cwmp",
    "flussonic",
    "mac",
    "ministra",
    "stalker",
    "stb",
    "tariff_plan",
    "tr069",
    "tvheadend",
    "tvip",
    "usp",
)
PAYMENT_VENDORS = ("braintree", "gocardless", "liqpay", "mollie", "paypal", "stripe")
MONEY = (
    "currency",
    "discount",
    "dunning",
    "invoice",
    "ledger",
    "money",
    "payment",
    "price",
    "refund",
    "tax",
    "vat",
)
# Where -> (except there, the words that do not belong).
BARRED = {
    "billing": ((), VENDORS),
    "gateway": (("gateway.adapters",), MONEY),
}
PAYMENT_BARRED = {"billing": (("billing.payments.providers",), PAYMENT_VENDORS)}
FILLERS = ("base", "data", "helper", "helpers", "impl", "info", "manager", "util", "utils")

_PIECE = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")


@cache
def pieces(identifier: str) -> str:
    """Take an identifier apart: `stbMacAddress` and `stb_mac_address` both give _stb_mac_address_.

    The bars at both ends let whole words be looked for.
    """
    return "_" + "_".join(piece.lower() for piece in _PIECE.findall(identifier)) + "_"


def identifiers(module: Module) -> Iterator[tuple[int, str]]:
    """List every identifier of a module, its own name first."""
    yield 1, module.name
    for node in ast.walk(module.tree):
        line = getattr(node, "lineno", 1)
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name):
                yield line, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield line, name
            case ast.ClassDef(name=name) | ast.keyword(arg=str(name)):
                yield line, name
            case ast.alias(name=name, asname=other):
                yield line, f"{name}.{other or ''}"
            case ast.Constant(value=str(text)) if _IDENTIFIER.fullmatch(text):
                yield line, text


def foreign_words(module: Module) -> list[Finding]:
    """List the identifiers that hold a word of another house."""
    words: list[str] = []
    for rules in (BARRED, PAYMENT_BARRED):
        for house, (exempt, barred) in rules.items():
            if module.is_in(house) and not module.is_in(*exempt):
                words.extend(barred)
    return [
        Finding(place=module.place, line=line, what=f"{name!r} holds {word!r}, a foreign word here")
        for line, name in identifiers(module)
        for word in words
        if f"_{word}_" in pieces(name)
    ]


def fillers(module: Module) -> list[Finding]:
    """List classes and files whose name ends in a word that says nothing."""
    last = module.name.rpartition(".")[2]
    names = [(1, last)] + [
        (node.lineno, node.name) for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)
    ]
    return [
        Finding(place=module.place, line=line, what=f"{name!r} ends in a filler")
        for line, name in names
        if pieces(name).rstrip("_").rpartition("_")[2] in FILLERS
    ]


def named_kinds(module: Module, kinds: Mapping[str, str]) -> list[Finding]:
    """List the constants that name a kind (of target, of payment provider) in shipped code.

    A kind is registered by an entry point and chosen by data; only its own module says its name.
    """
    return [
        Finding(place=module.place, line=node.lineno, what=f"the kind {node.value!r} is named")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value in kinds
        and module.is_in(*SHIPPED)
        and not module.is_in(kinds[node.value])
    ]


def all_foreign(modules: Iterable[Module]) -> list[Finding]:
    """Check many modules for foreign words and fillers."""
    return [found for module in modules for found in foreign_words(module) + fillers(module)]
