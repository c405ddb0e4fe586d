"""What a step proves: findings at the simulators beside the values worked out by hand.

It knows nothing of any system; a finding is proven when what was found equals what was wanted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PAUSE_S = 0.05


class StoryError(Exception):
    """The story cannot go on; the message is one sentence for people."""


class NoAnswer(StoryError):
    """A system did not answer, or not in a way that can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found: where it was read, what it is, what it should be and what it was."""

    where: str
    what: str
    wanted: Any
    found: Any

    @property
    def is_proven(self) -> bool:
        """Whether it is as it should be."""
        return bool(self.wanted == self.found)


def finding(where: str, what: str, *, wanted: Any, found: Any) -> Finding:
    """Make a finding."""
    return Finding(where=where, what=what, wanted=wanted, found=found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a step brings home: findings, the state it leaves, and notes for people."""

    findings: Sequence[Finding]
    state: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One step with its evidence and the last journal number of each simulator."""

    step: int
    title: str
    evidence: Evidence
    journal: Mapping[str, int]
    took_s: float

    @property
    def is_proven(self) -> bool:
        """Whether there is something to prove and all of it holds."""
        findings = self.evidence.findings
        return bool(findings) and all(finding.is_proven for finding in findings)

    def shown(self) -> dict[str, Any]:
        """Show the proof as plain values."""
        return {
            "step": self.step,
            "title": self.title,
            "proven": self.is_proven,
            "took_s": round(self.took_s, 3),
            "findings": [
                {
                    "where": finding.where,
                    "what": finding.what,
                    "wanted": finding.wanted,
                    "found": finding.found,
                    "proven": finding.is_proven,
                }
                for finding in self.evidence.findings
            ],
            "state": self.evidence.state,
            "journal": self.journal,
            "notes": self.evidence.notes,
        }


Look = Callable[[], Awaitable[list[Finding]]]


async def until_proven(look: Look, *, deadline_s: float) -> list[Finding]:
    """Look again and again until all is as it should be; at the deadline tell what was seen last.

    A system that does not answer is a finding like any other.
    """
    ends_at = time.monotonic() + deadline_s
    while True:
        try:
            findings = await look()
        except NoAnswer as error:
            findings = [Finding(where="", what="an answer", wanted="any", found=str(error))]
        if all(finding.is_proven for finding in findings) or time.monotonic() >= ends_at:
            return findings
        await asyncio.sleep(PAUSE_S)
