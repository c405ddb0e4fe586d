"""What a target was seen to hold for a household, beside what is wished there and waits. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.web.page.words import Tone
from gateway.adapters.state import ViewerState
from gateway.reads.services import AtTarget
from gateway.reads.targets import Condition, Out
from terms.ids import TargetName

Fields = tuple[tuple[str, str], ...]

_OUT: Mapping[Condition, tuple[Tone, str]] = {
    Condition.DOWN: ("bad", "cannot be reached"),
    Condition.PARKED: ("bad", "refuses our credentials"),
    Condition.DISABLED: ("off", "switched off"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What one target holds, and what of the wish it was not seen to hold yet.

    `why` is what was said there, in the words of machines.
    """

    target: str
    ref: str
    tone: Tone
    state: str
    seen_at: datetime | None
    seen: Fields
    wished: Fields
    why: str = ""


def holding(at: AtTarget, out: Mapping[TargetName, Out]) -> Holding:
    """Show one target; `out` are those on which nothing can be done now."""
    seen = _fields(at.held) if at.held else ()
    missing = tuple(one for one in _fields(at.wished) if one not in seen)
    wished = () if at.is_proven else missing
    tone, state, why = _standing(at, out.get(at.target), has_all=not wished)
    return Holding(
        target=at.target,
        ref=at.ref,
        tone=tone,
        state=state,
        seen_at=at.seen_at,
        seen=seen,
        wished=wished,
        why=why,
    )


def _standing(at: AtTarget, out: Out | None, *, has_all: bool) -> tuple[Tone, str, str]:
    why = at.waiting.error if at.waiting else ""
    if at.is_proven:
        return "good", "as wished", ""
    if at.waiting and at.waiting.parked_at:
        return "bad", "set aside", why
    if out is not None:
        tone, state = _OUT[out.condition]
        return tone, state, out.reason if out.since else why
    return "warn", "being looked at again" if has_all else "being brought in line", why


def _fields(one: ViewerState) -> Fields:
    """Write what people ask about."""
    return (
        ("picture", "on" if one.enabled else "off"),
        ("tariff", one.tariff or "none"),
        ("packages", ", ".join(sorted(one.packages)) or "none"),
        ("boxes", ", ".join(sorted(one.devices)) or "none"),
    )
