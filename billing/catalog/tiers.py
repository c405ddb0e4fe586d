"""Prices that depend on how many there are: from a count on, another amount for all. Pure."""

from __future__ import annotations

import re

from terms.money import Money

COUNT_MAX = 1_000
_TIER = re.compile(r"([0-9]{1,4})=(.+)")

Tiers = tuple[tuple[int, int], ...]  # (from a count of two or more on, minor units), rising


def read_tiers(text: str, currency: str) -> Tiers:
    """Read "2=24.90;3=29.90". Raises ValueError with the reason for people."""
    found: list[tuple[int, int]] = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        tier = _TIER.fullmatch(part)
        if tier is None:
            raise ValueError(f"{part[:40]!r} is not like 2=24.90")
        count, amount = int(tier[1]), Money.parse(tier[2].strip(), currency).amount_minor
        if not (found[-1][0] if found else 1) < count <= COUNT_MAX:
            raise ValueError(f"counts rise from 2 to {COUNT_MAX}")
        if amount < 0:
            raise ValueError("a price is not negative")
        found.append((count, amount))
    return tuple(found)


def write_tiers(tiers: Tiers, currency: str) -> str:
    """Write tiers as `read_tiers` reads them."""
    return ";".join(
        f"{count}={str(Money(amount, currency)).partition(' ')[0]}" for count, amount in tiers
    )
