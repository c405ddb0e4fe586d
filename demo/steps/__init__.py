"""The seven steps of the story. Each acts, then proves at the simulators what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from demo.proof import Evidence, Finding
from demo.scene import Scene
from demo.steps import (
    debt_paid,
    first_payment,
    give_back,
    hand_edit,
    mending,
    outage,
    renewal_fails,
    signup,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: its title, how it is told, and how the world goes on where it was spoiled."""

    title: str
    tell: Callable[[Scene], Awaitable[Evidence]]
    mend: Callable[[Scene], Awaitable[Sequence[Finding]]] | None = None


STEPS = (
    Step(
        title="A household signs up, a technician registers its box; known, still dark",
        tell=signup.tell,
        mend=mending.repair,
    ),
    Step(
        title="Its first invoice is paid; the picture comes",
        tell=first_payment.tell,
        mend=mending.pay_after_all,
    ),
    Step(title="A renewal fails; retries, notices, dark", tell=renewal_fails.tell),
    Step(
        title="The debt is paid; everything is back, once",
        tell=debt_paid.tell,
        mend=mending.pay_after_all,
    ),
    Step(
        title="Somebody edits by hand; it is found and repaired",
        tell=hand_edit.tell,
        mend=mending.take_writes_again,
    ),
    Step(
        title="The portal is down while payments clear; nothing is lost",
        tell=outage.tell,
        mend=mending.bring_back,
    ),
    Step(title="The box is returned; its rent stops, its deposit is back", tell=give_back.tell),
)
