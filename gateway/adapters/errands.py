"""Edges: what is done once, now. And errands: edges that wait for a box that calls us.

Whoever wants something done at such a box is seldom the process that the box calls. So the wish is
written down first, and done at most once, by whoever the box reaches. Values and the port alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from terms.errors import TargetError


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """An edge: `name` is message, reboot, kick or firmware; `params` are plain text.

    A message carries `text`, and may carry `ttl_s`. `request` is the same for the same demand, so
    that a target that remembers what it did last does it once. `not_after` says until when it may
    wait for a box to call; without it nobody waits longer than for one answer.
    """

    name: str
    params: Mapping[str, str] = field(default_factory=dict)
    request: str = ""
    not_after: datetime | None = None


class Stage(StrEnum):
    """How far an errand has come."""

    WAITING = "waiting"  # nobody has begun it
    BEGUN = "begun"  # it is about to be done; found so later, it may have been
    ASKED = "asked"  # the box has agreed to restart; it is done when it comes back with its proof
    DONE = "done"
    FAILED = "failed"  # for certain nothing happened
    UNKNOWN = "unknown"  # it may have been done; it is not done again


UNMET = frozenset({Stage.WAITING, Stage.BEGUN})
ENDED = frozenset({Stage.DONE, Stage.FAILED, Stage.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """Something to do once at a box; `key` is the one by which its restart is known again."""

    id: str
    ref: str
    action: Action
    key: str
    stage: Stage
    error: TargetError | None = None


class Errands(Protocol):
    """The errands of one target, in whichever process."""

    async def leave(self, ref: str, action: Action, *, key: str, within_s: float) -> Errand:
        """Write down what is to be done, and until when; the same request is the same errand.

        One that failed is left anew. Raises Retryable, untouched, where too much waits already.
        """
        ...

    async def look(self, errand: Errand, *, during: Collection[Stage], within_s: float) -> Errand:
        """Wait for an errand to leave these stages, so long at most, and tell how it stands."""
        ...

    async def withdraw(self, errand: Errand, why: TargetError) -> Errand:
        """Take back what nobody has begun, and tell how it stands."""
        ...

    async def begin(self, ref: str) -> Errand | None:
        """Take the next errand of a box that is here; from now on nobody else does it."""
        ...

    async def end(self, errand: Errand, stage: Stage, why: TargetError | None = None) -> None:
        """Say what became of an errand that was begun."""
        ...

    async def restarted(self, ref: str, keys: Collection[str], *, has_forgotten: bool) -> None:
        """Note that a box brings proofs of restarts, or is as it left the factory."""
        ...
