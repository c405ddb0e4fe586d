"""What every talk with a provider shares: what it could not do is an outcome, and what follows."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from billing.payments.provider import Lost, Missing, Outcome, Postponed
from terms.errors import Conflict, Permanent, Retryable, TargetError, Throttled, Unreachable

BUSY_S = 60.0  # the provider is there but does not want to be asked now
OUR_FAULT_S = 900.0  # our own credentials or settings: no payer is to suffer from it


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What to look at again after so much machine time, what needs a person and why.

    All else is done with. `why` says what else than an answer is waited for.
    """

    again: Mapping[str, timedelta]
    stuck: Mapping[str, str]
    why: Mapping[str, str] = field(default_factory=dict)


async def asked(answer: Awaitable[Outcome], *, is_asked: bool) -> Outcome:
    """Wait for a provider's answer; what it could not do becomes an outcome too.

    `is_asked` says that it was a look-up.
    """
    try:
        return await answer
    except Unreachable as error:
        return Lost(reason=str(error))
    except (Retryable, Conflict, Permanent) as error:
        # A look-up that was refused says nothing about what it was to find.
        nothing_done = error.is_untouched and not is_asked
        return Postponed(reason=str(error), after_s=wait_s(error), is_untouched=nothing_done)


def is_untouched(out: Outcome) -> bool:
    """Whether for certain nothing was done at the provider."""
    return isinstance(out, Missing) or (isinstance(out, Postponed) and out.is_untouched)


def wait_s(error: TargetError) -> float:
    """Tell after how long to ask again what could not be answered now."""
    if isinstance(error, Throttled):
        return error.retry_after_s
    return OUR_FAULT_S if isinstance(error, Permanent) else BUSY_S
