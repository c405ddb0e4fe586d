"""What has to be paid before a suspended account is switched on again, and what that costs. Pure.

Whoever is switched on for a part goes on owing the rest: for it the ladder begins anew on that day,
with all its notices, so that nobody goes dark again before another notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from billing.payments.model import Debt
from terms.errors import Invalid
from terms.money import PER_MILLION, Rate

AMOUNT_MINOR_MAX = 10**15
INVOICES_MAX = 100
LABEL_CHARS_MAX = 80


class Needs(StrEnum):
    """How much of a debt has to be paid."""

    OLD = "old"  # every invoice that is old enough for a suspension
    FULL = "full"  # all that is due
    SHARE = "share"  # a share of what was due when it went dark
    OLDEST = "oldest"  # so many of the oldest invoices there were then


@dataclass(frozen=True, slots=True, kw_only=True)
class Reactivation:
    """What a segment asks for; its fee is in a currency. Raises Invalid."""

    needs: Needs = Needs.OLD
    share: Rate | None = None
    invoices: int = 0
    fee_minor: int = 0
    currency: str = ""
    tax: str = ""
    label: str = "Reactivation"

    def __post_init__(self) -> None:
        if (self.share is not None) != (self.needs is Needs.SHARE):
            raise Invalid("share", "belongs to what needs a share, and to nothing else")
        if self.share and not 0 < self.share.ppm <= PER_MILLION:
            raise Invalid("share", "must be more than nothing and at most 100%")
        if bool(self.invoices) != (self.needs is Needs.OLDEST):
            raise Invalid("invoices", "belongs to what needs the oldest, and to nothing else")
        if not 0 <= self.invoices <= INVOICES_MAX:
            raise Invalid("invoices", f"must be 1 to {INVOICES_MAX}")
        if not 0 <= self.fee_minor <= AMOUNT_MINOR_MAX:
            raise Invalid("fee", "must be an amount, and not absurdly large")
        if not 1 <= len(self.label) <= LABEL_CHARS_MAX or not self.label.isprintable():
            raise Invalid("label", f"needs 1 to {LABEL_CHARS_MAX} printable characters")


AS_USUAL = Reactivation()


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """The newest suspension of an account: since when, and what was due then.

    There were so many `invoices` up to the number `through`, and so much is `missing_minor` until
    it is light again, as it was looked at last. It is over once it was `restored_at`;
    invoices up to `restored_through` were open then.
    """

    since_on: date
    owed_minor: int
    invoices: int
    through: int
    missing_minor: int = 0
    restored_at: datetime | None = None
    restored_through: int = 0

    @classmethod
    def begun(cls, since_on: date, debts: Sequence[Debt], today: date) -> Suspension:
        """Note what is due as an account goes dark."""
        due = [debt for debt in debts if debt.due_on <= today]
        return cls(
            since_on=since_on,
            owed_minor=_sum(due),
            invoices=len(due),
            through=max((debt.sequence for debt in due), default=0),
        )

    @property
    def is_over(self) -> bool:
        """Whether the account was switched on again."""
        return self.restored_at is not None

    def over(self, at: datetime, debts: Sequence[Debt]) -> Suspension:
        """End it, with what is still open."""
        through = max((debt.sequence for debt in debts), default=0)
        return replace(self, restored_at=at, restored_through=through, missing_minor=0)

    def anew(self, debt: Debt, day: date | None) -> Debt:
        """Let the ladder of a debt begin on the day the account was restored, if that is later."""
        if day is None or debt.sequence > self.restored_through or debt.due_on >= day:
            return debt
        return replace(debt, due_on=day)


def missing(
    rules: Reactivation,
    suspension: Suspension,
    debts: Sequence[Debt],
    *,
    today: date,
    old_until: date,
) -> int:
    """Tell in minor units what is to be paid before it is light again.

    `debts` come in the order in which they are paid. What is due up to `old_until` is old enough
    for a suspension.
    """
    mine = [debt for debt in debts if debt.sequence <= suspension.through]
    match rules.needs:
        case Needs.OLD:
            return _sum([debt for debt in debts if debt.due_on <= old_until])
        case Needs.FULL:
            return _sum([debt for debt in debts if debt.due_on <= today])
        case Needs.SHARE:
            ppm = rules.share.ppm if rules.share else PER_MILLION
            wanted = -(-suspension.owed_minor * ppm // PER_MILLION)
            return max(0, wanted - (suspension.owed_minor - _sum(mine)))
        case Needs.OLDEST:
            left = rules.invoices - (suspension.invoices - len(mine))
            return _sum(mine[: max(0, left)])


def _sum(debts: Sequence[Debt]) -> int:
    return sum(debt.rest.amount_minor for debt in debts)
