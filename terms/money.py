"""Money as an integer of minor units with its currency, and rates as integers per million.

No float enters or leaves this file. The house rounds half up, away from zero; another rule has to
be named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache

# ISO 4217 currencies whose minor unit is not a hundredth.
_EXPONENTS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
_CURRENCY = re.compile(r"[A-Z]{3}")
_AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")
_PERCENT = re.compile(r"[0-9]{1,5}(\.[0-9]{1,4})?%")
PER_MILLION = 1_000_000
NO_CURRENCY = "XXX"  # the code of ISO 4217 where none is involved, or known


def exponent(currency: str) -> int:
    """Decimals of the currency's minor unit (ISO 4217): 2 for EUR, 0 for JPY, 3 for KWD."""
    return _EXPONENTS.get(currency, 2)


def divide_half_up(numerator: int, denominator: int) -> int:
    """Divide two integers and round half away from zero, as the house does by default."""
    if denominator <= 0:
        raise ValueError("denominator must be positive")
    quotient, rest = divmod(abs(numerator), denominator)
    if 2 * rest >= denominator:
        quotient += 1
    return quotient if numerator >= 0 else -quotient


class Rounding(StrEnum):
    """Which of two neighbours an exact half becomes."""

    HALF_UP = "half_up"  # the one farther from zero: 0.125 is 0.13
    HALF_EVEN = "half_even"  # the even one: 0.125 is 0.12, 0.135 is 0.14


def nearest(exact: Fraction, rounding: Rounding = Rounding.HALF_UP) -> int:
    """Round an exact number to the nearest integer."""
    if rounding is Rounding.HALF_EVEN:
        return round(exact)
    return divide_half_up(exact.numerator, exact.denominator)


def at_places(exact: Fraction, places: int, rounding: Rounding = Rounding.HALF_UP) -> Fraction:
    """Round an exact number to so many decimals."""
    return Fraction(nearest(exact * 10**places, rounding), 10**places)


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """Split an integer by weights with the largest remainder; the parts always sum to it."""
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise ValueError("weights must be non-negative and not all zero")
    sign = -1 if amount < 0 else 1
    shares = [divmod(abs(amount) * weight, whole) for weight in weights]
    missing = abs(amount) - sum(part for part, _ in shares)
    by_rest = sorted(range(len(shares)), key=lambda index: (-shares[index][1], index))
    extra = set(by_rest[:missing])
    return [sign * (part + (index in extra)) for index, (part, _) in enumerate(shares)]


@lru_cache(maxsize=1_024)
def _is_code(currency: str) -> bool:
    return _CURRENCY.fullmatch(currency) is not None


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An exact amount, for example Money(1990, "EUR"). Two currencies never mix."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount_minor) is not int:
            raise TypeError("amount_minor must be an int")
        if not _is_code(self.currency):
            raise ValueError(f"not an ISO 4217 code: {self.currency!r}")

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """Read "19.90" exactly. Raises ValueError for anything finer than the minor unit."""
        if not _AMOUNT.fullmatch(text):
            raise ValueError(f"not an amount like 12.50: {text!r}")
        try:
            scaled = Decimal(text).scaleb(exponent(currency))
        except InvalidOperation as error:  # pragma: no cover - the pattern admits no such text
            raise ValueError(f"not an amount: {text!r}") from error
        if scaled != scaled.to_integral_value():
            raise ValueError(f"finer than the minor unit of {currency}: {text!r}")
        return cls(int(scaled), currency)

    @classmethod
    def of(cls, units: Fraction, currency: str, rounding: Rounding = Rounding.HALF_UP) -> Money:
        """Round an exact amount, in whole units of the currency, to its minor unit."""
        return cls(nearest(units * 10 ** exponent(currency), rounding), currency)

    @property
    def plain(self) -> str:
        """The amount alone: "19.90"."""
        digits = exponent(self.currency)
        sign = "-" if self.amount_minor < 0 else ""
        text = str(abs(self.amount_minor)).rjust(digits + 1, "0")
        return f"{sign}{text[:-digits]}.{text[-digits:]}" if digits else sign + text

    @property
    def figure(self) -> str:
        """The amount alone as people read it, with commas between its thousands: "1,234.50"."""
        sign = "-" if self.amount_minor < 0 else ""
        whole, point, rest = self.plain.removeprefix(sign).partition(".")
        return f"{sign}{int(whole):,}{point}{rest}"

    def __str__(self) -> str:
        """Write it for programs: 1234.50 EUR."""
        return f"{self.plain} {self.currency}"

    def __format__(self, spec: str) -> str:
        """Write it in an English sentence, for people: 1,234.50 EUR. What goes out in a language of
        its reader is written by `str`: to some 1,234 is a little more than one.
        """
        return format(f"{self.figure} {self.currency}", spec)

    def __add__(self, other: Money) -> Money:
        return Money(self.amount_minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount_minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount_minor, self.currency)

    def __mul__(self, quantity: int) -> Money:
        return Money(self.amount_minor * quantity, self.currency)

    def portion(self, numerator: int, denominator: int) -> Money:
        """Return the share numerator/denominator of this amount, rounded half up once."""
        return Money(divide_half_up(self.amount_minor * numerator, denominator), self.currency)

    def allocate(self, weights: Sequence[int]) -> list[Money]:
        """Split by weights with the largest remainder; the parts always sum to the whole."""
        return [Money(part, self.currency) for part in split(self.amount_minor, weights)]

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise ValueError(f"cannot mix {self.currency} and {other.currency}")
        return other.amount_minor


def total(amounts: Iterable[Money], currency: str) -> Money:
    """Sum amounts of one currency; the sum of nothing is zero of that currency."""
    sum_minor = 0
    for amount in amounts:
        if amount.currency != currency:
            raise ValueError(f"cannot mix {currency} and {amount.currency}")
        sum_minor += amount.amount_minor
    return Money(sum_minor, currency)


@dataclass(frozen=True, slots=True, order=True)
class Rate:
    """A share in parts per million: Rate(200_000) is 20 %."""

    ppm: int

    def __post_init__(self) -> None:
        if type(self.ppm) is not int or self.ppm < 0:
            raise ValueError("ppm must be an int of zero or more")

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read "20%" or "8.875%" exactly; at most four decimals of a percent."""
        if not _PERCENT.fullmatch(text):
            raise ValueError(f"not a percentage: {text!r}")
        return cls(int(Decimal(text[:-1]) * 10_000))

    @property
    def share(self) -> Fraction:
        """The rate as an exact number: 1/5 for 20 %."""
        return Fraction(self.ppm, PER_MILLION)

    def of(self, amount: Money) -> Money:
        """Return this share of an amount, rounded half up once."""
        return amount.portion(self.ppm, PER_MILLION)

    def __str__(self) -> str:
        whole, rest = divmod(self.ppm, 10_000)
        return f"{whole}.{rest:04d}".rstrip("0").rstrip(".") + "%"
