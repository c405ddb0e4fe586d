"""Refunds: money that a person wants given back of a charge, and how far each is. Pure.

Up to an amount of the operator's one person gives back alone; what is more waits for a second one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from billing.payments.model import Movement, MovementKind, taken_back
from terms.errors import Forbidden, Invalid, InvalidTransition
from terms.money import Money

REASON_CHARS_MAX, REFERENCE_CHARS_MAX = 254, 100
ALONE_FOR = timedelta(hours=24)  # what one person has given back within it counts together
ALONE_MINOR_MAX = 10**13


class RefundState(StrEnum):
    """How far a refund is."""

    WAITING = "waiting"  # for a second person: nothing has left
    DECLINED = "declined"  # a second person said no: nothing goes
    OPEN = "open"  # to be asked for, or being asked for
    UNKNOWN = "unknown"  # the answer was lost: looked up before anything else
    DONE = "done"  # the money goes back
    REFUSED = "refused"  # the provider said no: nothing went back
    BOUNCED = "bounced"  # it did not arrive: the money is with us again


_S = RefundState
ALLOWED: Mapping[RefundState, frozenset[RefundState]] = {
    # Cash is handed over at once.
    _S.WAITING: frozenset({_S.OPEN, _S.DONE, _S.DECLINED}),
    _S.DECLINED: frozenset(),
    # Open again once a look has found that the order never arrived.
    _S.OPEN: frozenset({_S.UNKNOWN, _S.DONE, _S.REFUSED}),
    _S.UNKNOWN: frozenset({_S.OPEN, _S.DONE, _S.REFUSED}),
    _S.DONE: frozenset({_S.BOUNCED}),
    _S.REFUSED: frozenset(),
    _S.BOUNCED: frozenset(),
}
UNDECIDED = frozenset({_S.OPEN, _S.UNKNOWN})
LEAVES = UNDECIDED | {_S.DONE}


def step(state: RefundState, to: RefundState) -> RefundState:
    """Take a step of the table. Raises InvalidTransition."""
    if to not in ALLOWED[state]:
        raise InvalidTransition(f"a refund does not go from {state} to {to}")
    return to


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundWish:
    """What a person wants: how much of a charge, why, and their own name for it.

    Without an amount it is all that is left. With a `line` the amount is one of that line, for
    which a credit note is written: what that comes to goes back, and nothing of it is owed again.
    """

    charge: str
    provider: str = ""
    amount: Money | None = None
    line: str = ""
    reason: str
    reference: str

    def __post_init__(self) -> None:
        if not self.reason.strip() or len(self.reason) > REASON_CHARS_MAX:
            raise Invalid("reason", f"needs 1 to {REASON_CHARS_MAX} characters")
        if not 0 < len(self.reference) <= REFERENCE_CHARS_MAX:
            raise Invalid("reference", f"needs 1 to {REFERENCE_CHARS_MAX} characters")
        if self.line and self.amount is None:
            raise Invalid("amount", "say how much of the line is given back")


def left_of(charge: Sequence[Movement], undecided: Sequence[Money]) -> Money:
    """Tell what can be given back of a charge: what came, has not gone back, is not on its way."""
    (came,) = (one for one in charge if one.kind is MovementKind.CLEARED)
    gone = taken_back(list(charge)) + sum(one.amount_minor for one in undecided)
    return Money(max(came.amount.amount_minor - gone, 0), came.amount.currency)


def refunded_so_far(charge: Sequence[Movement]) -> int:
    """Tell how much of a charge refunds have given back in all, in minor units."""
    sums = (one.amount.amount_minor for one in charge if one.kind is MovementKind.REFUNDED)
    return max(sums, default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """Up to how much one person gives back alone of one account within a day, by currency.

    Of a currency that is not named it is any amount. Raises Invalid.
    """

    up_to_minor: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for currency, minor in self.up_to_minor.items():
            if not 0 <= minor <= ALONE_MINOR_MAX:
                raise Invalid(f"alone_up_to.{currency}", "must be an amount, nothing at least")

    def limit(self, currency: str) -> Money | None:
        """Tell how much it is in a currency; None is any amount."""
        minor = self.up_to_minor.get(currency)
        return None if minor is None else Money(minor, currency)

    def allows(self, amount: Money, given: Iterable[Money]) -> bool:
        """Whether who has given so much alone may give an amount besides."""
        limit = self.limit(amount.currency)
        return limit is None or sum(given, amount).amount_minor <= limit.amount_minor


def check_second(asked_by: str, by: str) -> None:
    """Raise Forbidden where somebody would decide about a refund of their own."""
    if by == asked_by:
        raise Forbidden("a refund needs a second person: not who asked for it")
