"""Plain words for technicians: their jobs, and the lines of a box's progress. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.web.page.words import Tone
from gateway.inventory.jobs import JobKind
from gateway.reads.progress import About, Mark, Stage
from terms.entitlement import Entitlement, ServiceState
from terms.facts import Condition

# Where the main button of a job leads, and what stands on it.
WAYS: Mapping[JobKind, tuple[str, str]] = {
    JobKind.INSTALL: ("register", "Register a box"),
    JobKind.SWAP: ("swap", "Swap a box"),
    JobKind.RETURN: ("return", "Take a box back"),
}
CONDITION_TONES: Mapping[Condition, Tone] = {
    Condition.GOOD: "good",
    Condition.FAULTY: "warn",
    Condition.DAMAGED: "bad",
    Condition.SCRAP: "bad",
}
ABOUT: Mapping[About, str] = {
    About.REACHED: "Answers",
    About.IDENTITY: "Is this box",
    About.REVISION: "Has its newest settings",
    About.PACKAGES: "Packages",
    About.PICTURE: "Picture",
    About.PORTAL: "Portal",
}
MARKS: Mapping[Mark, tuple[Tone, str]] = {
    Mark.SEEN: ("good", "seen"),
    Mark.AWAITED: ("warn", "awaited"),
    Mark.WRONG: ("bad", "wrong"),
}
STAGES: Mapping[Stage, tuple[Tone, str]] = {
    Stage.PROVEN: ("good", "Proven"),
    Stage.WAITING: ("warn", "Waiting for the box"),
    Stage.STUCK: ("bad", "Something is to be done"),
    Stage.UNASKED: ("calm", "Not asked itself"),
    Stage.AWAY: ("off", "With no household"),
}


def picture(rights: Entitlement | None, watched: Sequence[str]) -> str:
    """Say what will be on the screen, going by the rights as they stand."""
    if rights is None or rights.state is ServiceState.PENDING:
        return "It stays dark until the first payment: that is right."
    if rights.state.is_live:
        return f"The picture comes on, with {', '.join(watched) or 'no package'}."
    if rights.state is ServiceState.SUSPENDED:
        return "It stays dark: the service is suspended."
    return "It stays dark: the service has ended."
