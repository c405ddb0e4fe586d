"""Methods that rest while a payer's bank keeps money of theirs, and which go on. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from billing.payments.model import Movement, MovementKind, disputed

OF_DISPUTES = frozenset({MovementKind.DISPUTED, MovementKind.REINSTATED})


class Resting(NamedTuple):
    """A method that rests for a dispute; `trusted_at` is when it was left, or charged last."""

    method: str
    trusted_at: datetime


def going_on(resting: Iterable[Resting], told: Iterable[Movement]) -> list[str]:
    """Name the methods that may be charged again, by all that was told of an account's disputes.

    A dispute that a method was charged after does not count: somebody has chosen it again.
    """
    by_charge: dict[tuple[str, str], list[Movement]] = {}
    for one in told:
        by_charge.setdefault((one.provider, one.charge), []).append(one)
    standing = [
        max(one.received_at for one in each if one.kind is MovementKind.DISPUTED)
        for each in by_charge.values()
        if disputed(each)
    ]
    return [one.method for one in resting if all(at < one.trusted_at for at in standing)]
