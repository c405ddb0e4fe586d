"""The wallet of an account: its money that has paid nothing yet, and when it is low. Pure.

A wallet is low below an amount: that is told once for each fall, again only after it has been
above. What a renewal that is near needs and it has not is told once for each renewal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from terms.calendar import days_after
from terms.errors import Invalid
from terms.money import Money

AMOUNT_MINOR_MAX = 10**13
RENEWAL_DAYS_MAX = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletRules:
    """When a wallet counts as low, and how much may be put into one at once.

    Below `low_minor`, or with less than the renewal of the next `renewal_days` needs. Who
    `is_prepaid` is told of a renewal even if nothing was ever in the wallet. All amounts are of
    `currency`; of an account in another one nothing is told. Raises Invalid.
    """

    currency: str
    low_minor: int = 0
    renewal_days: int = 0
    top_up_min_minor: int = 1
    top_up_max_minor: int = AMOUNT_MINOR_MAX
    is_prepaid: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.low_minor <= AMOUNT_MINOR_MAX:
            raise Invalid("low", "must be an amount, and not absurdly large")
        if not 0 <= self.renewal_days <= RENEWAL_DAYS_MAX:
            raise Invalid("renewal_days", f"must be 0 to {RENEWAL_DAYS_MAX}")
        if not 0 < self.top_up_min_minor <= self.top_up_max_minor <= AMOUNT_MINOR_MAX:
            raise Invalid("top_up_min", "must be more than nothing, and at most top_up_max")

    def check_top_up(self, amount: Money) -> None:
        """Raise Invalid for an amount that may not be put into a wallet at once."""
        least, most = self.top_up_min_minor, self.top_up_max_minor
        if amount.currency == self.currency and not least <= amount.amount_minor <= most:
            one, other = Money(least, self.currency), Money(most, self.currency)
            raise Invalid("amount", f"must be {one} to {other}")


def looks_at(rules: WalletRules | None, renewal_on: date | None) -> date | None:
    """Tell the day from which on a renewal is near, where anybody wants to know."""
    if rules is None or not rules.renewal_days or renewal_on is None:
        return None
    return days_after(renewal_on, -rules.renewal_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What the next renewal needs, and when, where that is near."""

    on: date
    amount: Money

    def is_met(self, unused: Money) -> bool:
        """Whether a wallet has enough in it."""
        return unused.amount_minor >= self.amount.amount_minor


def is_low(unused: Money, rules: WalletRules) -> bool:
    """Whether a wallet has too little in it, whatever comes."""
    return unused.amount_minor < rules.low_minor


def check_amount(amount: Money) -> None:
    """Raise Invalid for what is no amount to put into a wallet or to take out of it."""
    if not 0 < amount.amount_minor <= AMOUNT_MINOR_MAX:
        raise Invalid("amount", "must be more than nothing, and not absurdly large")
