"""Accounts that differ in names alone: ids, numbers, serials, labels.

Nothing is decided by a name: what follows for one follows for all. So a stand-in, which has tokens
for names, is settled in their place. Most of a base has nothing open on its bill day; only who has
nothing open is like others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from billing.invoicing.model import SERIES, number
from runtime.store.copies import token
from terms.ids import AccountId

Row = Any
Names = tuple[Any, ...]
# What an invoice has of its own comes before the names of its account, whose id is the first.
INVOICE, NUMBER, SEQUENCE, ACCOUNT = range(4)
# Above the number of any document, and below what a database can hold.
STAND_IN_SEQUENCE = 1 << 62
NAMES_MAX = 64
# The columns of each query that name something.
NAMING = {
    "accounts": ("id", "number", "customer_id"),
    "services": ("account_id", "service_id", "contract", "label", "id"),
    "rentals": ("service_id", "id", "resource_id", "serial"),
    "redeemed": ("account_id", "id", "subject", "line_subject"),
}
# What was published names the service; its revision matters only where something is published.
PUBLISHED, REVISION = "published", "revision"


@dataclass(slots=True, kw_only=True)
class Found:
    """The rows that were found of accounts, by query."""

    accounts: list[Row] = field(default_factory=list)
    services: list[Row] = field(default_factory=list)
    rentals: list[Row] = field(default_factory=list)
    redeemed: list[Row] = field(default_factory=list)

    def add(self, other: Found) -> None:
        """Take more rows."""
        self.accounts += other.accounts
        self.services += other.services
        self.rentals += other.rentals
        self.redeemed += other.redeemed

    def by_account(self) -> dict[str, Found]:
        """Give what was found of each account."""
        each: dict[str, Found] = {}
        for row in self.accounts:
            if row.id in each:
                each[row.id].accounts.append(row)
            else:
                each[row.id] = Found(accounts=[row])
        owners: dict[str, Found] = {}
        for row in self.services:
            owner = owners[row.service_id] = each[row.account_id]
            owner.services.append(row)
        for row in self.rentals:
            owners[row.service_id].rentals.append(row)
        for row in self.redeemed:
            each[row.account_id].redeemed.append(row)
        return each


class Named(NamedTuple):
    """What a document has of its own: an id, and its number in its series."""

    id: str
    sequence: int


class Member(NamedTuple):
    """One of those that are alike: what was found of it, and its names."""

    found: Found
    names: Names


class Alike:
    """Accounts that are alike, and who stands in for them: the n-th of its batch."""

    def __init__(self, n: int, each: Sequence[Member]) -> None:
        self.each = each
        self.tokens = [token(n, place) for place in range(ACCOUNT + len(each[0].names))]
        self.stand_in = AccountId(self.tokens[ACCOUNT])
        self.accounts = [AccountId(one.names[0]) for one in each]

    @property
    def invoice(self) -> Named:
        """What the invoice of the stand-in has of its own."""
        return Named(self.tokens[INVOICE], STAND_IN_SEQUENCE)

    @property
    def places(self) -> dict[Any, int]:
        """Say at which place the others have what the stand-in and its invoice have as names."""
        places: dict[Any, int] = {name: place for place, name in enumerate(self.tokens)}
        return places | {number(SERIES, STAND_IN_SEQUENCE): NUMBER, STAND_IN_SEQUENCE: SEQUENCE}

    @property
    def found(self) -> Found:
        """What would have been found of the stand-in."""
        first = self.each[0]
        tokens = dict(zip(first.names, self.tokens[ACCOUNT:], strict=True))
        return Found(
            **{
                query: [_renamed(row, query, tokens) for row in getattr(first.found, query)]
                for query in NAMING
            }
        )

    @property
    def members(self) -> Found:
        """What was found of all that it stands in for."""
        found = Found()
        for one in self.each:
            found.add(one.found)
        return found


def sort_out(found: Found, busy: Collection[str]) -> tuple[Found, list[Alike]]:
    """Put a stand-in in the place of accounts that are alike; who is busy stands for himself."""
    rest = Found()
    classes: dict[tuple[Any, ...], list[Member]] = {}
    for key, each in found.by_account().items():
        if key in busy:
            rest.add(each)
        else:
            names: dict[str, int] = {}
            shape = _shape(each, names)
            classes.setdefault(shape, []).append(Member(each, tuple(names)))
    alike: list[Alike] = []
    for members in classes.values():
        one = Alike(len(alike), members)
        if len(members) == 1 or len(members[0].names) > NAMES_MAX:
            rest.add(one.members)
        else:
            alike.append(one)
            rest.add(one.found)
    return rest, alike


def _shape(found: Found, names: dict[str, int]) -> tuple[Any, ...]:
    """Give what was found of an account, with the place of each name instead of it."""
    shape: list[Any] = [_nameless(row) for row in found.services]
    for query in NAMING:
        rows = getattr(found, query)
        shape.append(len(rows))
        if rows:
            fixed, naming = _reader(rows[0]._fields, query)
            for row in rows:
                shape.append(fixed(row))
                shape += [
                    names.setdefault(name, len(names)) if name else name for name in naming(row)
                ]
    return tuple(shape)


@lru_cache(maxsize=64)
def _reader(
    columns: tuple[str, ...], query: str
) -> tuple[Callable[[Row], tuple[Any, ...]], Callable[[Row], tuple[Any, ...]]]:
    """Make what reads the columns of a query that name nothing, and what reads those that do."""
    left_out = {*NAMING[query], PUBLISHED, REVISION}
    fixed = [n for n, column in enumerate(columns) if column not in left_out]
    return itemgetter(*fixed), itemgetter(*[columns.index(name) for name in NAMING[query]])


_SERVICE, _LABEL = '"service":', '"label":'


def _nameless(row: Row) -> str | None:
    """Give what was published of a service without its names."""
    if row.published is None:
        return None
    text: str = row.published.replace(_SERVICE + _json(row.service_id), _SERVICE, 1)
    return text.replace(_LABEL + _json(row.label), _LABEL, 1) if row.label else text


def _renamed(row: Row, query: str, tokens: dict[str, str]) -> Row:
    given = {name: tokens[value] for name in NAMING[query] if (value := getattr(row, name))}
    after = row._replace(**given)
    if query != "services":
        return after
    return after._replace(revision=0, published=_published_as(row, after))


def _published_as(row: Row, after: Row) -> str | None:
    """Give what would have been published of the service of a stand-in."""
    text = _nameless(row)
    if text is None:
        return None
    text = text.replace(_SERVICE, _SERVICE + _json(after.service_id), 1)
    return text.replace(_LABEL, _LABEL + _json(after.label), 1) if row.label else text


def _json(text: str) -> str:
    return orjson.dumps(text).decode()
