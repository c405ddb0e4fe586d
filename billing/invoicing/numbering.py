"""Numbers of documents: whose series a number is of, and what a rollback does to it. Pure.

Each document counts in the series of its account and in that of the whole entity, whichever of them
its number shows. So the scope may be switched and switched back, and both go on without a gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

DIGITS = 3


class Scope(StrEnum):
    """Whose series a number is of."""

    ACCOUNT = "account"
    ENTITY = "entity"


@dataclass(frozen=True, slots=True)
class Counters:
    """How many documents there are: in all, and of each account."""

    entity: int = 0
    accounts: Mapping[str, int] = field(default_factory=dict)

    def count(self, account: str) -> Counters:
        """Return them after one more document of an account."""
        mine = self.accounts.get(account, 0) + 1
        return Counters(self.entity + 1, {**self.accounts, account: mine})

    def newest(self, account: str, scope: Scope) -> int:
        """Tell the number of an account's newest document in a scope."""
        return self.entity if scope is Scope.ENTITY else self.accounts[account]


def series(prefix: str, scope: Scope, account: str, issued_on: date) -> str:
    """Name the series a document is numbered in: by its account, or by its month."""
    within = account if scope is Scope.ACCOUNT else f"{issued_on:%Y%m}"
    return f"{prefix}-{within}"


def label(name: str, sequence: int) -> str:
    """Write a number of a series as people see it."""
    return f"{name}-{sequence:0{DIGITS}d}"


class Taking(StrEnum):
    """In whose transaction a number is taken."""

    WITH_CALLER = "with_caller"  # in that of its document: whoever comes next waits for it
    INDEPENDENT = "independent"  # in one of its own: nobody waits

    @property
    def serialises(self) -> bool:
        """Whether whoever takes the next number waits until this one stands or falls."""
        return self is Taking.WITH_CALLER

    @property
    def is_for_drafts_only(self) -> bool:
        """Whether numbers may be lost, which no issued document allows."""
        return self is Taking.INDEPENDENT


class Outcome(StrEnum):
    """How the transaction of a document has ended."""

    COMMITTED = "committed"
    ROLLED_BACK = "rolled_back"


def numbers(outcomes: Iterable[Outcome], taking: Taking) -> list[int]:
    """List the numbers of the documents that stand, taken one after the other."""
    standing, newest = [], 0
    for outcome in outcomes:
        number = newest + 1
        if outcome is Outcome.COMMITTED:
            standing.append(number)
        if outcome is Outcome.COMMITTED or taking is Taking.INDEPENDENT:
            newest = number
    return standing


def gaps(found: Sequence[int]) -> list[int]:
    """List the numbers that are missing up to the newest."""
    return sorted(set(range(1, max(found, default=0) + 1)) - set(found))
