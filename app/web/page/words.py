"""Plain words that several kinds of pages say: tones, days, sentences, jobs and boxes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal

from gateway.inventory.jobs import JobKind
from terms.errors import BoxofficeError, Invalid
from terms.facts import Condition
from terms.money import Money

Tone = Literal["good", "warn", "bad", "calm", "off"]

JOBS: Mapping[JobKind, str] = {
    JobKind.INSTALL: "Install a box",
    JobKind.SWAP: "Swap a box",
    JobKind.RETURN: "Take a box back",
}
# What somebody chooses from when a box comes back, and how its line says it later.
CONDITIONS: Mapping[Condition, str] = {
    Condition.GOOD: "It looks fine",
    Condition.FAULTY: "It does not work, and nobody has hurt it",
    Condition.DAMAGED: "It is damaged: a person decides about the deposit",
    Condition.SCRAP: "It is damaged beyond mending: to be written off, and likewise",
}


def shown(day: date) -> str:
    """Write a day: 1 Apr 2040."""
    return f"{day.day} {day:%b %Y}"


def span(first: date, last: date) -> str:
    """Write a span of days: 1 to 30 Apr 2040, 12 Mar to 11 Apr 2040."""
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {shown(last)}" if first != last else shown(last)
    begins = f"{first.day} {first:%b}" if first.year == last.year else shown(first)
    return f"{begins} to {shown(last)}"


def figure(one: Money) -> str:
    """Write an amount without its currency: 1,234.50."""
    return one.figure


def money(one: Money) -> str:
    """Write an amount: 1,234.50 EUR."""
    return f"{one}"


def sentence(text: str) -> str:
    """Make a sentence of a text."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?")) else ".")


def why(error: BoxofficeError) -> str:
    """Say why something was not done, without the name of a field."""
    return sentence(error.reason if isinstance(error, Invalid) else str(error))
