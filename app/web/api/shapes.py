"""Shapes that several answers and questions of the API share."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from app.imports.cells import no_odd_characters
from app.web import refusals
from app.web.cursor import cursor, cut, read_cursor
from app.web.route import Parts, Query
from runtime.store.keyset import Place
from terms.money import Money

T = TypeVar("T")
S = TypeVar("S")

PREFIX = "/api/v1"
PAGE_MAX = 500
CURSOR_CHARS_MAX = 600
DIGITS_MAX = 6
PRINTED = refusals.PRINTED
_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """Money: exact in minor units, and as text for people."""

    amount_minor: int
    currency: str
    text: str

    @classmethod
    def of(cls, money: Money) -> Amount:
        """Show an amount."""
        text = money.plain
        return cls(amount_minor=money.amount_minor, currency=money.currency, text=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Part of a list; `next` asks for the part behind it by ?after=."""

    items: list[T]
    next: str | None = None


def page(
    found: Sequence[S], limit: int, shown: Callable[[S], T], place: Callable[[S], Place]
) -> Page[T]:
    """Show as many as were asked for of what was found, which is one more where there are more."""
    items, last = cut(found, limit)
    return Page(
        items=[shown(one) for one in items],
        next=cursor(place(last)) if last is not None else None,
    )


def itself(one: S) -> S:
    """Show something as it is."""
    return one


def _said(text: str) -> str:
    """Take what is around a text off it."""
    return no_odd_characters(text).strip()


def something(text: str) -> str:
    """Take what is around a text off it; raises ValueError where nothing is left."""
    if not (said := _said(text)):
        raise ValueError("holds nothing but blanks")
    return said


def _written_out(value: object) -> object:
    """Read a day as it is written alone; the library would read a number as seconds since 1970.

    Strict bodies take a day from here alone: behind a step like this they read no text any more.
    """
    if not isinstance(value, str):
        return value
    if not re.fullmatch(_DAY, value):
        raise ValueError("is not a day like 2026-03-31")
    return date.fromisoformat(value)


def digits_alone(value: object) -> object:
    """Let plain digits pass alone: no sign, no point, no blank, nothing between them."""
    if isinstance(value, str) and not (
        value.isascii() and value.isdigit() and len(value) <= DIGITS_MAX
    ):
        raise ValueError("is not a whole number")
    return value


def _yes_or_no(value: object) -> object:
    if isinstance(value, str) and value not in {"true", "false"}:
        raise ValueError("is neither true nor false")
    return value


Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=120),
    Field(json_schema_extra={"pattern": PRINTED}),
    AfterValidator(something),
]
OptionalText = Annotated[
    str,
    StringConstraints(max_length=254),
    Field(json_schema_extra={"pattern": PRINTED}),
    AfterValidator(_said),
]
Code = Annotated[str, StringConstraints(pattern=refusals.CODE)]
Contract = Annotated[str, StringConstraints(pattern=refusals.CONTRACT)]
Serial = Annotated[str, StringConstraints(pattern=refusals.SERIAL)]
AmountText = Annotated[str, StringConstraints(pattern=refusals.AMOUNT)]
PercentText = Annotated[str, StringConstraints(pattern=refusals.PERCENT)]
Mac = Annotated[str, StringConstraints(pattern=refusals.MAC)]
VendorRef = Annotated[str, StringConstraints(pattern=refusals.VENDOR_REF)]
Id = Annotated[str, StringConstraints(pattern=refusals.ID)]
Number = Annotated[str, StringConstraints(pattern=refusals.NUMBER)]
Day = Annotated[date, BeforeValidator(_written_out)]
Limit = Annotated[int, Field(ge=1, le=PAGE_MAX), BeforeValidator(digits_alone)]
Flag = Annotated[bool, BeforeValidator(_yes_or_no)]
Cursor = Annotated[str, StringConstraints(pattern=rf"^[0-9A-Za-z_-]{{0,{CURSOR_CHARS_MAX}}}$")]


class Paging(Query):
    """How much of a list, and from where: `after` is the `next` of the part before."""

    limit: Limit = 50
    after: Cursor = ""

    def behind(self, *kinds: type) -> Place | None:
        """Tell behind which row the page begins. Raises BadRequest."""
        return read_cursor(self.after, *kinds)

    def behind_name(self) -> str:
        """Tell the same of a list by one name or id; empty at its begin. Raises BadRequest."""
        (name,) = self.behind(str) or ("",)
        return str(name)


class OfContract(Parts):
    """The contract a path names."""

    contract: Contract


class OfSerial(Parts):
    """The serial a path names."""

    serial: Serial


class OfId(Parts):
    """The id a path names."""

    id: Id


class OfNumber(Parts):
    """The number of a document that a path names."""

    number: Number


class OfRental(Parts):
    """The id of a rental that a path names."""

    rental: Id


class OfDay(Parts):
    """The day a path names."""

    day: Annotated[Day, Field(json_schema_extra={"pattern": _DAY})]


class OfName(Parts):
    """The name of a target that a path names."""

    name: Code
