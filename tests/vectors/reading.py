"""Reads the texts of a vector: amounts, fractions, days, instants. It calculates nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import Any, TypeVar

from billing.rating.measure import Share, periods_in
from terms.calendar import Period, wall_clock, zone
from terms.errors import DomainError
from terms.money import Money, Rate
from terms.schedule import Interval

T = TypeVar("T")
# What reading and asking may raise for values that make no sense.
SENSELESS = (ValueError, TypeError, LookupError, ArithmeticError, StopIteration, DomainError)
WHOLE_MAX = 1_000_000
FEW_MAX = 1_000
EUR = "EUR"  # what amounts are in whose currency a vector does not tell
INTERVALS = {
    "weekly": "P1W",
    "monthly": "P1M",
    "month": "P1M",
    "quarterly": "P3M",
    "semiannual": "P6M",
    "annual": "P1Y",
    "yearly": "P1Y",
    "year": "P1Y",
}
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,12})?")
_DURATION = re.compile(r"([0-9]{1,4})([mhd])")
_RATIO = re.compile(r"[0-9]{1,9}/[0-9]{1,9}")


class Malformed(ValueError):
    """A field that cannot be read."""

    def __init__(self, field: str, what: str) -> None:
        super().__init__(f"{field}: {what}")


class Unsupported(Exception):
    """A vector of a kind that nobody here maps."""


def number(value: Any) -> Fraction:
    """Read a number, a ratio or a row of them exactly: 12, "4.4556", "1/3", "14/28 + 1"."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise TypeError(f"not a number: {value!r}")
    word = str(value).strip()
    if "+" in word:
        parts = [number(each) for each in word.split("+")]
        return periods_in(Share(0, part.numerator, part.denominator) for part in parts)
    if not (_NUMBER.fullmatch(word) or _RATIO.fullmatch(word)):
        raise ValueError(f"not a number: {value!r}")
    return Fraction(word)


def money(value: Any) -> Money:
    """Read an amount of whole units: "19.90", 12."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise TypeError(f"not an amount: {value!r}")
    return Money.parse(str(value), EUR)


def cents(value: Any) -> Money:
    """Read an amount of minor units, a whole number."""
    return Money(value, EUR)


def percent(value: Any) -> Rate:
    """Read "25", "25%" or 25 as a rate."""
    return Rate.parse(f"{str(value).removesuffix('%')}%")


def whole(value: Any) -> int:
    """Read a whole number, from nothing to WHOLE_MAX."""
    is_one = isinstance(value, int) and not isinstance(value, bool)
    if not is_one or not 0 <= value <= WHOLE_MAX:
        raise ValueError(f"not a whole number up to {WHOLE_MAX}: {value!r}")
    return value


def few(value: Any) -> int:
    """Read how often something is done, up to FEW_MAX."""
    if whole(value) > FEW_MAX:
        raise ValueError(f"more than {FEW_MAX}: {value!r}")
    return whole(value)


def text(value: Any) -> str:
    """Read a text."""
    if not isinstance(value, str):
        raise TypeError(f"not a text: {value!r}")
    return value


def day(value: Any) -> date:
    """Read a day: "2024-01-31", also with words or a time behind it."""
    return date.fromisoformat(text(value)[:10])


def instant(value: Any) -> datetime:
    """Read an instant: "2024-01-31T01:00Z"."""
    found = datetime.fromisoformat(text(value))
    if found.tzinfo is None:
        raise ValueError(f"an instant without a zone: {value!r}")
    return found


def duration(value: Any) -> timedelta:
    """Read "5m", "1h" or "1d"."""
    match = _DURATION.fullmatch(text(value))
    if match is None:
        raise ValueError(f"not a duration: {value!r}")
    return timedelta(**{{"m": "minutes", "h": "hours", "d": "days"}[match[2]]: int(match[1])})


def clock(value: Any) -> time:
    """Read the time of day of "2015-03-07T02:00 local"."""
    return time.fromisoformat(text(value).partition("T")[2].removesuffix(" local"))


def local(value: Any, zone_name: str) -> datetime:
    """Read an instant of local clocks: "2017-03-01T23:30 local"; one of UTC stays what it is."""
    word = text(value).removesuffix(" local")
    if word.endswith("Z"):
        return instant(word)
    when, _, at = word.partition("T")
    shown = time.fromisoformat(at) if at else time()
    return wall_clock(date.fromisoformat(when), shown, zone_name)


def zone_name(value: Any) -> str:
    """Read the name of a time zone."""
    return zone(text(value)).key


def period(value: Any) -> Period:
    """Read two days, the second not included."""
    first, end = value
    return Period(day(first), day(end))


def interval(value: Any) -> Interval:
    """Read "monthly" or "P30D"."""
    return Interval.parse(INTERVALS.get(text(value), text(value)))


def share_left(value: Any) -> Share:
    """Read "1/2" as the last half of a period."""
    left = number(value)
    return Share.rest(left.numerator, left.denominator)


def many(read: Callable[[Any], T]) -> Callable[[Any], list[T]]:
    """Read a list of something."""

    def listed(value: Any) -> list[T]:
        if not isinstance(value, list):
            raise TypeError(f"not a list: {value!r}")
        return [read(each) for each in value]

    return listed


def some(read: Callable[[Any], T]) -> Callable[[Any], list[T]]:
    """Read a list of something that is not empty."""

    def listed(value: Any) -> list[T]:
        found = many(read)(value)
        if not found:
            raise ValueError("an empty list")
        return found

    return listed


@dataclass(frozen=True)
class Fields:
    """Named values of a vector, each read when it is asked for."""

    place: str
    values: Mapping[str, Any]

    def read(self, name: str, how: Callable[[Any], T]) -> T:
        """Read a field. Raises Malformed where it is not what it should be."""
        if name not in self.values:
            raise Unsupported(f"{self.place}.{name} is not told")
        try:
            return how(self.values[name])
        except SENSELESS as error:
            raise Malformed(f"{self.place}.{name}", str(error)) from error

    def has(self, names: Iterable[str]) -> bool:
        """Tell whether it has exactly these fields."""
        return set(self.values) == set(names)


@dataclass(frozen=True)
class Vector:
    """One vector: whose it is, what is given, what is expected."""

    id: str
    area: str
    kind: str
    given: Fields
    expected: Fields

    @property
    def source(self) -> str:
        """The system it was published by: the letters before the first bar."""
        return self.id.partition("-")[0]


def vectors(document: Any) -> Sequence[Vector]:
    """Read a document of vectors. Raises Malformed that names the vector and the field."""
    if not isinstance(document, dict) or not isinstance(document.get("vectors"), list):
        raise Malformed("vectors", "the file has no list of them")
    found = [_vector(n, each) for n, each in enumerate(document["vectors"])]
    twice = [one.id for one in found if [other.id for other in found].count(one.id) > 1]
    if twice:
        raise Malformed(f"{twice[0]}: id", "stands twice in the file")
    return found


def _vector(n: int, each: Any) -> Vector:
    if not isinstance(each, dict):
        raise Malformed(f"vectors[{n}]", "is no object")
    name = each.get("id")
    if not isinstance(name, str) or not name:
        raise Malformed(f"vectors[{n}].id", "is no text")
    for field, kind in (("area", str), ("kind", str), ("inputs", dict), ("expected", dict)):
        if not isinstance(each.get(field), kind):
            raise Malformed(f"{name}: {field}", f"is no {'text' if kind is str else 'object'}")
    return Vector(
        id=name,
        area=each["area"],
        kind=each["kind"],
        given=Fields("inputs", each["inputs"]),
        expected=Fields("expected", each["expected"]),
    )
