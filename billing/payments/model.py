"""Money coming in and going back: methods, attempts, movements, and what providers tell of them.

An attempt is our try to collect; a movement is money that moved at a provider. Any order and
repetition of a provider's tidings ends in the same movements.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from terms.errors import InvalidTransition
from terms.ids import AccountId, AttemptId, InvoiceId
from terms.money import Money


class AttemptState(StrEnum):
    """How a try to collect stands."""

    OPEN = "open"  # to be asked for, or being asked for
    CLEARED = "cleared"  # the money is there
    FAILED = "failed"  # the provider said no
    REVERSED = "reversed"  # the money went back
    UNKNOWN = "unknown"  # the answer was lost: looked up before anything else


_S = AttemptState
ALLOWED: Mapping[AttemptState, frozenset[AttemptState]] = {
    _S.OPEN: frozenset({_S.CLEARED, _S.FAILED, _S.UNKNOWN}),
    # Open again once a look has found that the order never arrived.
    _S.UNKNOWN: frozenset({_S.OPEN, _S.CLEARED, _S.FAILED}),
    # A provider may report a success late; it never takes one back as a mere failure.
    _S.FAILED: frozenset({_S.CLEARED}),
    _S.CLEARED: frozenset({_S.REVERSED}),
    _S.REVERSED: frozenset({_S.CLEARED}),
}
UNSETTLED = frozenset({_S.OPEN, _S.UNKNOWN})
# The reason of an attempt that was given up because its invoice was paid otherwise, or in part.
SUPERSEDED = "superseded"


def step(state: AttemptState, to: AttemptState) -> AttemptState:
    """Take a step of the table. Raises InvalidTransition."""
    if to not in ALLOWED[state]:
        raise InvalidTransition(f"an attempt does not go from {state} to {to}")
    return to


class Decline(StrEnum):
    """Whether trying the same method again makes sense."""

    SOFT = "soft"  # perhaps later
    HARD = "hard"  # never with this method


# Why a method rests that a person may have charged again; what its bank refuses for good is ended.
WENT_BACK = "money_went_back"
IN_DISPUTE = "in_dispute"  # by itself again once the money is back
MAY_GO_ON = frozenset({"", WENT_BACK, IN_DISPUTE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """How an account pays by itself: references at a provider, never a card number.

    `since` is when it was left; `stopped` says why it is not charged any more.
    """

    id: str
    account: AccountId
    provider: str
    customer: str
    ref: str
    since: datetime
    stopped: str = ""

    @property
    def is_mandate(self) -> bool:
        """Whether it is charged by direct debit."""
        return self.provider == DEBIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try to collect what is open of an invoice; `n` counts the tries of that invoice.

    `is_superseded`: it was given up before a provider knew of it, so it was no try. `is_debit`:
    it is collected by a mandate, and the payer knows the day.
    """

    id: AttemptId
    account: AccountId
    invoice: InvoiceId
    n: int
    method: str
    amount: Money
    state: AttemptState
    opened_on: date
    is_superseded: bool = False
    is_debit: bool = False

    @property
    def is_unsettled(self) -> bool:
        """Whether its outcome is still to come."""
        return self.state in UNSETTLED


def attempt_id(invoice: InvoiceId, n: int) -> AttemptId:
    """Derive the id of an invoice's n-th attempt: the same try is never made twice."""
    return AttemptId(f"{invoice}-{n}")


# Money that we give ourselves stands in the place of a provider; no provider is called so.
LOYALTY = "loyalty points"
REFERRAL = "referral credit"
HOUSE = frozenset({LOYALTY, REFERRAL})
# Money that we collect through a bank by direct debit; no provider is called so either.
DEBIT = "sepa"
BANK = "bank"  # the provider of money that came by transfer
# So begins what names a movement that a line of our bank tells of another's charge.
OF_LINE = "bank "


class MovementKind(StrEnum):
    """What money did at a provider."""

    CLEARED = "cleared"  # it came in
    REFUNDED = "refunded"  # the sum given back so far of a charge, where only that is told
    GIVEN_BACK = "given_back"  # one refund of a charge, each told by itself
    BOUNCED = "bounced"  # such a refund did not arrive: its money is with us again
    DISPUTED = "disputed"  # the payer's bank took it back
    REINSTATED = "reinstated"  # ... and gave it back to us
    FEE = "fee"  # what the provider kept for a dispute: our cost, nobody's debt
    FEE_RETURNED = "fee_returned"  # ... and gave back to us


# What is between the provider and us alone: no money of a household.
FEES = frozenset({MovementKind.FEE, MovementKind.FEE_RETURNED})
COMES_IN = frozenset({MovementKind.CLEARED, MovementKind.REINSTATED, MovementKind.BOUNCED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One movement of money, booked once. All movements of one charge share its `charge`."""

    id: str
    account: AccountId
    provider: str
    charge: str
    ref: str
    kind: MovementKind
    amount: Money
    attempt: AttemptId | None
    received_at: datetime
    is_settled: bool = False


def taken_back(movements: list[Movement]) -> int:
    """Minor units of a charge that have gone back, by all its movements in whatever order.

    Of a charge that never came in nothing went back.
    """
    came = sum(m.amount.amount_minor for m in movements if m.kind is MovementKind.CLEARED)
    refunded = max(_amounts(movements, MovementKind.REFUNDED), default=0)
    refunded += sum(_amounts(movements, MovementKind.GIVEN_BACK))
    refunded -= sum(_amounts(movements, MovementKind.BOUNCED))
    return min(came, max(refunded, 0) + disputed(movements))


def disputed(movements: Iterable[Movement]) -> int:
    """Minor units of a charge that its payer's bank keeps, by all its movements in whatever order.

    What a provider tells and what a line of our bank tells of the same is one.
    """
    told = {True: 0, False: 0}
    back = 0
    for one in movements:
        if one.kind is MovementKind.DISPUTED:
            told[one.ref.startswith(OF_LINE)] += one.amount.amount_minor
        elif one.kind is MovementKind.REINSTATED:
            back += one.amount.amount_minor
    return max(max(told.values()) - back, 0)


def _amounts(movements: list[Movement], kind: MovementKind) -> list[int]:
    return [m.amount.amount_minor for m in movements if m.kind is kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """What is open of an invoice; one of fees is paid after all others."""

    invoice: InvoiceId
    number: str
    sequence: int
    due_on: date
    rest: Money
    is_fee: bool = False

    @property
    def order(self) -> tuple[bool, date, int]:
        """Oldest due first, then by number, fees last."""
        return self.is_fee, self.due_on, self.sequence

    def less_paid(self, rest_minor: int) -> Debt:
        """Return it with so much open."""
        if rest_minor == self.rest.amount_minor:
            return self
        return replace(self, rest=Money(rest_minor, self.rest.currency))


class DisputeFact(StrEnum):
    """Kinds of facts about disputes that change nothing of what is owed."""

    ASKED = "dispute.asked"  # the payer's bank asks, and takes nothing
    DROPPED = "dispute.dropped"  # ... and asks no more
    LOST = "dispute.lost"
    FEE = "dispute.fee"
    FEE_RETURNED = "dispute.fee_returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiding:
    """What a provider tells of a charge: that it moved money, or that it failed.

    `ref` names this very movement at the provider. `attempt` and `account` are our own marks as
    they came back, empty where the provider does not carry them.
    """

    charge: str
    ref: str
    amount: Money
    attempt: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved(Tiding):
    """Money moved; `reason` is what a payer's bank gives for it, in the provider's words."""

    kind: MovementKind
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Tiding):
    """A charge failed for a reason of the provider's, `code`."""

    code: str
    decline: Decline


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeTold(Tiding):
    """How a dispute stands where no money moved with that."""

    stands: DisputeFact
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodTold:
    """What a provider tells of a payment method: it was left for an account, or has changed.

    `account` is our own mark, and so is `replaces`, the method that goes for it.
    """

    ref: str
    account: str = ""
    customer: str = ""
    replaces: str = ""


class PaymentFact(StrEnum):
    """Kinds of facts in the log for those above billing."""

    CLEARED = "payment.cleared"
    FAILED = "payment.failed"
    REVERSED = "payment.reversed"


def fact_of(kind: MovementKind) -> PaymentFact | DisputeFact:
    """Tell which fact a movement is to those above."""
    if kind in FEES:
        return DisputeFact.FEE if kind is MovementKind.FEE else DisputeFact.FEE_RETURNED
    return PaymentFact.CLEARED if kind in COMES_IN else PaymentFact.REVERSED


def fact_id(*parts: str) -> str:
    """Derive a log id of fixed length from what names the fact."""
    return hashlib.blake2b("|".join(parts).encode(), digest_size=20).hexdigest()


def encode_fact(number: str, provider: str, tiding: Tiding, code: str) -> str:
    """Write the value of a payment fact."""
    return json.dumps(
        {
            "account": number,
            "provider": provider,
            "charge": tiding.charge,
            "ref": tiding.ref,
            "movement": tiding.kind.value if isinstance(tiding, Moved) else "",
            "attempt": tiding.attempt,
            "amount_minor": tiding.amount.amount_minor,
            "currency": tiding.amount.currency,
            "code": code,
        },
        sort_keys=True,
    )
