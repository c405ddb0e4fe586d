"""What an account is charged for a payment that its bank took back: once, not where we win. Pure.

Whatever order it is told in, the same fees stand in the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from billing.payments.model import FEES, Movement, MovementKind, disputed
from terms.errors import Invalid

AMOUNT_MINOR_MAX = 10**15
LABEL_CHARS_MAX = 80
OF_DISPUTES = FEES | {MovementKind.DISPUTED, MovementKind.REINSTATED}


class Basis(StrEnum):
    """What an account is charged for a dispute."""

    NONE = "none"
    PROVIDER = "provider"  # what the provider keeps for it
    FIXED = "fixed"  # an amount of the operator's


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeFee:
    """What is charged for a dispute, in a currency. Raises Invalid."""

    basis: Basis
    currency: str
    amount_minor: int = 0
    tax: str = ""
    label: str = "Fee for a returned payment"

    def __post_init__(self) -> None:
        if not 0 <= self.amount_minor <= AMOUNT_MINOR_MAX:
            raise Invalid("amount", "must be an amount, and not absurdly large")
        if bool(self.amount_minor) != (self.basis is Basis.FIXED):
            raise Invalid("amount", "belongs to the basis fixed, and to no other")
        if not 1 <= len(self.label) <= LABEL_CHARS_MAX or not self.label.isprintable():
            raise Invalid("label", f"needs 1 to {LABEL_CHARS_MAX} printable characters")

    def of(self, dispute: Dispute) -> int:
        """Tell what it comes to in minor units."""
        if not dispute.is_standing or self.basis is Basis.NONE:
            return 0
        return dispute.kept_minor if self.basis is Basis.PROVIDER else self.amount_minor


class Dispute(NamedTuple):
    """One charge of a provider that was disputed, however often: whether its money is gone, and
    what the provider kept for that.
    """

    provider: str
    charge: str
    is_standing: bool
    kept_minor: int


def disputes(movements: Iterable[Movement], currency: str) -> list[Dispute]:
    """Find the charges whose disputes movements tell of; what waits for one is not among them."""
    told: dict[tuple[str, str], list[Movement]] = {}
    for one in movements:
        if one.amount.currency == currency and one.kind in OF_DISPUTES:
            told.setdefault((one.provider, one.charge), []).append(one)
    return [_dispute(*key, each) for key, each in sorted(told.items())]


def _dispute(provider: str, charge: str, told: Sequence[Movement]) -> Dispute:
    kept, back = (
        sum(one.amount.amount_minor for one in told if one.kind is kind)
        for kind in (MovementKind.FEE, MovementKind.FEE_RETURNED)
    )
    return Dispute(provider, charge, disputed(told) > 0, max(0, kept - back))


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """A fee for a charge in dispute, by the rules of its day; `take` counts those before it."""

    dispute: tuple[str, str]
    amount_minor: int
    rules: DisputeFee
    take: int = 0
    id: str = ""
    is_withdrawn: bool = False
    is_forgiven: bool = False


class Due(NamedTuple):
    """What is to be charged, and what is to be withdrawn."""

    fresh: list[Charged]
    withdrawn: list[Charged]


def assess(found: Sequence[Dispute], charged: Sequence[Charged], rules: DisputeFee | None) -> Due:
    """Compare what should be charged for disputes with what is."""
    newest = {one.dispute: one for one in sorted(charged, key=lambda one: one.take)}
    due = Due([], [])
    for one in found:
        known = newest.get((one.provider, one.charge))
        by = known.rules if known else rules
        if by is None or (known and known.is_forgiven):
            continue
        amount = by.of(one)
        if known and not known.is_withdrawn:
            if amount == known.amount_minor:
                continue
            due.withdrawn.append(known)
        if amount:
            take = known.take + 1 if known else 0
            fresh = Charged(
                dispute=(one.provider, one.charge), amount_minor=amount, rules=by, take=take
            )
            due.fresh.append(fresh)
    return due
