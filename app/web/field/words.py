"""Plain words for technicians: jobs, boxes, and the lines of a box's progress. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.web.console.views import Tone
from gateway.inventory.jobs import JobKind
from gateway.reads.progress import About, Mark, Stage
from terms.entitlement import Entitlement, ServiceState
from terms.errors import DomainError, Invalid
from terms.facts import Condition

JOBS: Mapping[JobKind, str] = {
    JobKind.INSTALL: "Install a box",
    JobKind.SWAP: "Swap a box",
    JobKind.RETURN: "Take a box back",
}
# Where the main button of a job leads, and what stands on it.
WAYS: Mapping[JobKind, tuple[str, str]] = {
    JobKind.INSTALL: ("register", "Register a box"),
    JobKind.SWAP: ("swap", "Swap a box"),
    JobKind.RETURN: ("return", "Take a box back"),
}
# What somebody chooses from when a box comes back, and how its line says it later.
CONDITIONS: Mapping[Condition, str] = {
    Condition.GOOD: "It looks fine",
    Condition.FAULTY: "It does not work, and nobody has hurt it",
    Condition.DAMAGED: "It is damaged: a person decides about the deposit",
    Condition.SCRAP: "It is damaged beyond mending: to be written off, and likewise",
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


def sentence(error: DomainError) -> str:
    """Say why something was not done, without the name of a field."""
    text = error.reason if isinstance(error, Invalid) else str(error)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?")) else ".")


def picture(rights: Entitlement | None, watched: Sequence[str]) -> str:
    """Say what will be on the screen, going by the rights as they stand."""
    if rights is None or rights.state is ServiceState.PENDING:
        return "It stays dark until the first payment: that is right."
    if rights.state.is_live:
        return f"The picture comes on, with {', '.join(watched) or 'no package'}."
    if rights.state is ServiceState.SUSPENDED:
        return "It stays dark: the service is suspended."
    return "It stays dark: the service has ended."
