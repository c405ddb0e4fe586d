"""What usage costs, as data of a price: a model with its tiers, written as one line of text.

`graduated 10=0 *=0.05`, `volume 100=0.10 *=0.08+1.00`, `package 10=1.50 free=20`, or
`percentage 2.5% event=0.10`. Amounts are in whole units of the currency and may be finer than its
minor unit. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

TIERS_MAX = 50
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,8})?")
_REST = "*"


class PriceModel(StrEnum):
    """How a quantity becomes an amount."""

    GRADUATED = "graduated"
    VOLUME = "volume"
    PACKAGE = "package"
    PERCENTAGE = "percentage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """What applies up to a quantity: a price per unit, an amount once, a share of the volume."""

    upto: Fraction | None = None
    unit: Fraction = Fraction(0)
    flat: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsagePrice:
    """A model with what it needs: `tiers`, the `size` of a package and its `price`, or a `share`.

    `free` units cost nothing. A percentage may charge `per_event`, but for `free_events`.
    """

    model: PriceModel
    tiers: tuple[Tier, ...] = ()
    size: Fraction = Fraction(0)
    price: Fraction = Fraction(0)
    share: Fraction = Fraction(0)
    free: Fraction = Fraction(0)
    per_event: Fraction = Fraction(0)
    free_events: int = 0
    text: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Written down with every charge that is rated by it.
        object.__setattr__(self, "text", " ".join([self.model.value, *self._words()]))

    @classmethod
    def parse(cls, text: str) -> UsagePrice:
        """Read a line. Raises ValueError with what is wrong."""
        name, *words = text.split()
        if name not in list(PriceModel):
            raise ValueError(f"{name[:40]!r} is none of {', '.join(PriceModel)}")
        model = PriceModel(name)
        if model in (PriceModel.GRADUATED, PriceModel.VOLUME):
            return cls(model=model, tiers=_tiers(words))
        if model is PriceModel.PACKAGE:
            return _package(words)
        return _percentage(words)

    def __str__(self) -> str:
        return self.text

    def _words(self) -> Iterator[str]:
        for tier in self.tiers:
            flat = f"+{_text(tier.flat)}" if tier.flat else ""
            yield f"{_REST if tier.upto is None else _text(tier.upto)}={_text(tier.unit)}{flat}"
        if self.model is PriceModel.PACKAGE:
            yield f"{_text(self.size)}={_text(self.price)}"
        if self.model is PriceModel.PERCENTAGE:
            yield f"{_text(self.share * 100)}%"
        if self.free:
            yield f"free={_text(self.free)}"
        if self.per_event:
            yield f"event={_text(self.per_event)}"
        if self.free_events:
            yield f"free_events={self.free_events}"


def _tiers(words: Sequence[str]) -> tuple[Tier, ...]:
    tiers = [_tier(word) for word in words]
    if not tiers or tiers[-1].upto is not None:
        raise ValueError("the last tier is for the rest: *=PRICE")
    if len(tiers) > TIERS_MAX:
        raise ValueError(f"has more than {TIERS_MAX} tiers")
    bounds = [tier.upto for tier in tiers[:-1]]
    if None in bounds:
        raise ValueError("only the last tier is for the rest")
    reached = Fraction(0)
    for bound in bounds:
        if bound is None or bound <= reached:
            raise ValueError("tiers rise: each ends above the one before")
        reached = bound
    return tuple(tiers)


def _tier(word: str) -> Tier:
    bound, _, costs = word.partition("=")
    unit, plus, flat = costs.partition("+")
    return Tier(
        upto=None if bound == _REST else _number(bound, word),
        unit=_number(unit, word),
        flat=_number(flat, word) if plus else Fraction(0),
    )


def _package(words: Sequence[str]) -> UsagePrice:
    if not words:
        raise ValueError("a package is SIZE=PRICE")
    size, _, price = words[0].partition("=")
    more = _named(words[1:], {"free"})
    if not (found := _number(size, words[0])):
        raise ValueError("a package has a size above zero")
    return UsagePrice(
        model=PriceModel.PACKAGE,
        size=found,
        price=_number(price, words[0]),
        free=more.get("free", Fraction(0)),
    )


def _percentage(words: Sequence[str]) -> UsagePrice:
    if not words or not words[0].endswith("%"):
        raise ValueError("a percentage is written like 2.5%")
    more = _named(words[1:], {"free", "event", "free_events"})
    events = more.get("free_events", Fraction(0))
    if events.denominator > 1:
        raise ValueError("free_events is a whole number")
    return UsagePrice(
        model=PriceModel.PERCENTAGE,
        share=_number(words[0][:-1], words[0]) / 100,
        free=more.get("free", Fraction(0)),
        per_event=more.get("event", Fraction(0)),
        free_events=int(events),
    )


def _named(words: Sequence[str], names: set[str]) -> Mapping[str, Fraction]:
    found: dict[str, Fraction] = {}
    for word in words:
        name, _, value = word.partition("=")
        if name not in names or name in found:
            raise ValueError(f"{word[:40]!r} is not expected here")
        found[name] = _number(value, word)
    return found


def _number(text: str, word: str) -> Fraction:
    if not (text.isascii() and _NUMBER.fullmatch(text)):
        raise ValueError(f"{word[:40]!r} has no number where one belongs")
    return Fraction(text)


def _text(number: Fraction) -> str:
    """Write a number as it was read: every one of them has an end."""
    text = f"{Decimal(number.numerator) / Decimal(number.denominator):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
