"""Typed identifiers. All are text; those we make sort by the time they were made.

A made id is 26 characters of Crockford's base 32: 48 bits of milliseconds, 80 bits of chance.
The caller passes both; nothing here looks at a clock or throws dice.
"""

from __future__ import annotations

from typing import NewType

AccountId = NewType("AccountId", str)
ServiceId = NewType("ServiceId", str)
SubscriptionId = NewType("SubscriptionId", str)
InvoiceId = NewType("InvoiceId", str)
AttemptId = NewType("AttemptId", str)
NoticeId = NewType("NoticeId", str)
ResourceId = NewType("ResourceId", str)
# Whom a wish is for: a service, where a target keeps one account for each household, or a box.
SubjectId = NewType("SubjectId", str)
TargetName = NewType("TargetName", str)

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
CHANCE_BITS = 80


def make_id(at_ms: int, chance: int) -> str:
    """Compose an id from milliseconds since 1970 and CHANCE_BITS random bits."""
    if not 0 <= at_ms < 1 << 48 or not 0 <= chance < 1 << CHANCE_BITS:
        raise ValueError("at_ms takes 48 bits, chance takes 80")
    value = at_ms << CHANCE_BITS | chance
    return "".join([_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)])
