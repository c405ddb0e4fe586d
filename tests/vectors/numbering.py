"""Numbers of documents: their series, and what a rollback does to them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime

from billing.invoicing.numbering import (
    Counters,
    Outcome,
    Scope,
    Taking,
    gaps,
    label,
    numbers,
    series,
)
from tests.vectors.reading import Vector, few, many, text
from tests.vectors.registry import Found, maps

ANY_DAY = date(2000, 1, 1)
LABEL = re.compile(r"(?P<prefix>.+)-(?P<within>[0-9]+)-(?P<sequence>[0-9]+)")


@maps("numbering.scope_switch", "customers months")
def scope_switch(vector: Vector) -> Found:
    """By account, switched to the entity, and back: both series go on without a gap.

    A vector tells its prefixes and its month in its labels alone.
    """
    given, books = vector.given, _Books(vector)
    count = given.read("customers", few)
    customers = [f"{n:03d}" for n, _ in enumerate(range(count), start=1)]
    first, *_ = [
        books.month(customers, Scope.ACCOUNT, "first") for _ in range(given.read("months", few))
    ]
    return {
        "first": first,
        "after_switch": books.month(customers, Scope.ENTITY, "after_switch"),
        "after_switch_back": books.month(customers, Scope.ACCOUNT, "after_switch_back"),
    }


class _Books:
    """The documents of a vector, month after month."""

    def __init__(self, vector: Vector) -> None:
        self.vector = vector
        self.counters = Counters()

    def month(self, customers: Sequence[str], scope: Scope, like: str) -> list[str]:
        """Issue a document to each customer, with numbers of the form of others."""
        prefix, within = self.vector.expected.read(like, _form)
        on = datetime.strptime(within, "%Y%m").date() if scope is Scope.ENTITY else ANY_DAY  # noqa: DTZ007
        return [self._issue(prefix, scope, customer, on) for customer in customers]

    def _issue(self, prefix: str, scope: Scope, customer: str, on: date) -> str:
        self.counters = self.counters.count(customer)
        name = series(prefix, scope, customer, on)
        return label(name, self.counters.newest(customer, scope))


def _form(value: object) -> tuple[str, str]:
    """Read the prefix and what follows it of the first of some labels."""
    match = LABEL.fullmatch(many(text)(value)[0])
    if match is None:
        raise ValueError(f"not a label: {value!r}")
    return match["prefix"], match["within"]


@maps("numbering.commit_mode")
def commit_mode(vector: Vector) -> Found:
    """A number that is taken with its document comes back when that does not stand."""
    return {taking.value: _told(taking) for taking in Taking}


def _told(taking: Taking) -> str:
    """Say what becomes of numbers where the first of two documents is rolled back."""
    lost = gaps(numbers((Outcome.ROLLED_BACK, Outcome.COMMITTED), taking))
    gap = "gap allowed" if lost else "no gap"
    drafts = " (drafts only)" if taking.is_for_drafts_only else ""
    return f"{gap}{drafts}{', serialises' if taking.serialises else ''}"
