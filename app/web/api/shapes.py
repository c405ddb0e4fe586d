"""Shapes that several answers and questions of the API share."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from app.web.route import Query
from gateway.inventory.model import SERIAL
from terms.money import Money

T = TypeVar("T")

PREFIX = "/api/v1"
PAGE_MAX = 500
_WHOLE = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """Money: exact in minor units, and as text for people."""

    amount_minor: int
    currency: str
    text: str

    @classmethod
    def of(cls, money: Money) -> Amount:
        """Show an amount."""
        text = str(money).partition(" ")[0]
        return cls(amount_minor=money.amount_minor, currency=money.currency, text=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Part of a list; `next` asks for the part behind it by ?after=."""

    items: list[T]
    next: str | None = None


def _whole(given: object) -> object:
    if isinstance(given, str) and not _WHOLE.fullmatch(given):
        raise ValueError("must be a whole number, like 50")
    return given


# Of a query, where everything is text: 1.0 is no number of rows.
Rows = Annotated[int, Field(ge=1, le=PAGE_MAX), BeforeValidator(_whole)]


class Paging(Query):
    """How much of a list, and from where."""

    limit: Rows = 50
    after: Annotated[str, Field(max_length=160)] = ""


def _no_odd_characters(text: str) -> str:
    for character in text:
        if unicodedata.category(character) in {"Cc", "Cs", "Cn"}:
            raise ValueError(f"holds the character U+{ord(character):04X}")
    return text


Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=120),
    AfterValidator(_no_odd_characters),
]
OptionalText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254),
    AfterValidator(_no_odd_characters),
]
Code = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z_.-]{0,39}$")]
Contract = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z/_.-]{0,25}$")]
Serial = Annotated[str, StringConstraints(pattern=f"^{SERIAL}$")]
AmountText = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}(\.[0-9]{1,4})?$")]
VendorRef = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,120}$")]
