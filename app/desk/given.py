"""What people give by hand, read by the rules of the import: the same for every door.

An import names a problem by its cell; here it is named by the field.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from app import cards
from app.imports import cells
from billing.flows.signup import MethodRef
from terms.errors import Invalid

NAME_CHARS_MAX = 120

Reader = Callable[[str], str]


def read(field: str, text: str, reader: Reader) -> str:
    """Read one text. Raises Invalid with the reason for people."""
    if why := cards.problem(field, text):
        raise Invalid(field, why)
    try:
        return reader(cells.cleaned(text))
    except ValueError as error:
        raise Invalid(field, str(error)) from None


def read_if_any(field: str, text: str, reader: Reader) -> str:
    """Read one text that may be left out."""
    return read(field, text, reader) if text.strip() else ""


def name(field: str, text: str) -> str:
    """Read a name or a reference of our own. Raises Invalid."""
    found = read(field, text, cells.text_of(NAME_CHARS_MAX))
    if not found:
        raise Invalid(field, "must not be empty")
    return found


def method(given: MethodRef) -> MethodRef:
    """Read how an account is charged. Raises Invalid."""
    return replace(
        given,
        customer=read("payment.customer", given.customer, cells.vendor_ref),
        method=read("payment.method", given.method, cells.vendor_ref),
    )
