"""Reads form-encoded parameters with brackets: metadata[k]=v, line_items[0][quantity]=1, a[]=b."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from simulators.payments.stripe.errors import invalid, missing

Params = Mapping[str, Any]

AMOUNT_MAX = 99_999_999
# docs.stripe.com/currencies: amounts without decimals; all others but THOUSANDTHS have two.
WHOLE = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA"}
    | {"PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"}
)
THOUSANDTHS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
# "Represented as a two-decimal value, where the decimal amount is always 00".
HUNDREDS = frozenset({"ISK", "UGX"})
STEPS = {**dict.fromkeys(THOUSANDTHS, 10), **dict.fromkeys(HUNDREDS, 100)}


def read_params(text: str) -> dict[str, Any]:
    """Read a body or a query string into nested dictionaries and lists."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        head, *rest = re.findall(r"[^\[\]]+|(?<=\[)(?=\])", name) or [name]
        _enter(tree, [head, *rest], value)
    return {name: _listed(value) for name, value in tree.items()}


def _enter(tree: dict[str, Any], path: list[str], value: str) -> None:
    for key in path[:-1]:
        below = tree.setdefault(key, {})
        if not isinstance(below, dict):
            raise invalid("Invalid object", param=path[0])
        tree = below
    last = path[-1] or str(len(tree))  # a[] appends
    tree[last] = value


def _listed(value: Any) -> Any:
    """Turn a dictionary with the keys 0, 1, 2 ... into a list."""
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_listed(value[key]) for key in sorted(value, key=int)]
    return {key: _listed(below) for key, below in value.items()}


def allow(params: Params, names: Iterable[str]) -> None:
    """Refuse a parameter that is not among the names."""
    for name in params:
        if name not in names:
            message = f"Received unknown parameter: {name}"
            raise invalid(message, param=name, code="parameter_unknown")


def need(params: Params, name: str) -> str:
    """Tell a parameter that must be there."""
    value = params.get(name, "")
    if not isinstance(value, str) or not value:
        raise missing(name)
    return value


def text(params: Params, name: str) -> str | None:
    """Tell an optional text."""
    value = params.get(name)
    if isinstance(value, (dict, list)):
        raise invalid("Invalid string", param=name)
    return value or None


def amount(value: str, name: str = "amount") -> int:
    """Read a positive amount in minor units."""
    if not re.fullmatch(r"[0-9]{1,12}", value):
        raise invalid(f"Invalid integer: {value}", param=name, code="parameter_invalid_integer")
    number = int(value)
    if number < 1:
        message = "This value must be greater than or equal to 1."
        raise invalid(message, param=name, code="parameter_invalid_integer")
    if number > AMOUNT_MAX:
        raise invalid("Amount must be no more than 99999999", param=name, code="amount_too_large")
    return number


def check_payable(number: int, code: str, name: str = "amount") -> None:
    """Refuse what is no amount of a currency.

    Of thousandths the last digit is 0, and of what has no decimals any more the last two are
    (docs.stripe.com/currencies).
    """
    step = STEPS.get(code.upper(), 1)
    if number % step:
        message = f"Invalid amount {number} in {code}: it must be divisible by {step}"
        raise invalid(message, param=name, code="parameter_invalid_integer")


def currency(value: str) -> str:
    """Read a currency code; it is kept in lower case."""
    if not re.fullmatch(r"[A-Za-z]{3}", value):
        raise invalid(f"Invalid currency: {value}", param="currency")
    return value.lower()


def metadata(params: Params, before: Mapping[str, str] | None = None) -> dict[str, str]:
    """Read metadata over what was there; an empty value removes its key."""
    given = params.get("metadata", {})
    if given == "":
        return {}
    if not isinstance(given, dict):
        raise invalid("Invalid metadata", param="metadata")
    merged = {**(before or {}), **given}
    return {key: str(value) for key, value in merged.items() if value != ""}
