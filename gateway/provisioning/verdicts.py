"""What to do with a row whose run failed: the class of the error is the decision. Pure."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from runtime.retry import back_off_s, is_lost
from runtime.work import Claim
from terms.errors import Permanent, Retryable, TargetError, Throttled, Unauthorized, Unreachable

TRIES_MAX = 8
BUG_TRIES_MAX = 3
WAIT_S_MIN = 1.0
WAIT_S_MAX = 60.0
# A box on a shelf may be without power for months; whoever plugs it in finds it dark soon enough.
SHELF_WAIT_S_MAX = 3600.0
RETRY_AFTER_S_MAX = 900.0
TRACE_FRAMES = -6


class Fate(StrEnum):
    """What becomes of a row. The first two are success."""

    DONE = "done"  # the target holds the wish
    PENDING = "pending"  # accepted there, looked at again later
    WAIT = "wait"  # put back, the attempt not counted
    AGAIN = "again"  # put back, the attempt counted
    PARKED = "parked"  # set aside until something newer is wished, or a person releases it


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A row's fate, the reason for people and, where it is put back, until when."""

    fate: Fate
    reason: str
    not_before: datetime | None = None


def verdict_for(
    error: Exception,
    claim: Claim,
    *,
    now: datetime,
    fraction: float,
    is_down: bool,
    wait_s_max: float = WAIT_S_MAX,
) -> Verdict:
    """Decide over one failure. `fraction` is chance for the jitter, 0 to 1.

    A Conflict that arrives here is the second one in a row. Nobody waits longer than `wait_s_max`
    for a row that gets no answer.
    """
    if isinstance(error, Unauthorized):
        return Verdict(fate=Fate.WAIT, reason=str(error), not_before=now)
    if isinstance(error, Unreachable):
        wait_s = 0.0 if is_down else _patience_s(claim, now, fraction, wait_s_max)
        until = now + timedelta(seconds=wait_s)
        return Verdict(fate=Fate.WAIT, reason=str(error), not_before=until)
    if isinstance(error, Retryable):
        return _again(error, claim, now=now, fraction=fraction)
    if isinstance(error, Permanent | TargetError):
        return Verdict(fate=Fate.PARKED, reason=str(error))
    if is_lost(error):
        until = now + timedelta(seconds=_patience_s(claim, now, fraction, wait_s_max))
        reason = f"the database was in trouble: {type(error).__name__}"
        return Verdict(fate=Fate.WAIT, reason=reason, not_before=until)
    trace = "".join(traceback.format_exception(error, limit=TRACE_FRAMES))
    if claim.attempts >= BUG_TRIES_MAX:
        return Verdict(fate=Fate.PARKED, reason=trace)
    later = now + timedelta(seconds=back_off_s(claim.attempts, fraction))
    return Verdict(fate=Fate.AGAIN, reason=trace, not_before=later)


def overslept(now: datetime) -> Verdict:
    """Decide over a run that was cut off with its lease: at once again, if nobody took it over."""
    return Verdict(fate=Fate.AGAIN, reason="the lease ended before the run did", not_before=now)


def _again(error: Retryable, claim: Claim, *, now: datetime, fraction: float) -> Verdict:
    if claim.attempts >= TRIES_MAX:
        return Verdict(fate=Fate.PARKED, reason=f"given up after {TRIES_MAX} tries: {error}")
    wait_s = back_off_s(claim.attempts, fraction)
    if isinstance(error, Throttled):
        wait_s = min(max(error.retry_after_s, WAIT_S_MIN), RETRY_AFTER_S_MAX) + fraction
    return Verdict(fate=Fate.AGAIN, reason=str(error), not_before=now + timedelta(seconds=wait_s))


def _patience_s(claim: Claim, now: datetime, fraction: float, wait_s_max: float) -> float:
    """How long a row waits whose target answers others: longer the longer it has been marked.

    Uncounted, since nobody answered; growing, so that one row never keeps a slot busy.
    """
    age_s = max((now - claim.marked_at).total_seconds(), 0.0)
    return min(max(age_s / 2, WAIT_S_MIN), wait_s_max) * (0.5 + fraction / 2)
