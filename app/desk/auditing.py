"""Who did what over the counter: written in the transaction that does it, read by the owner.

Somebody who looks for deeds types what people say: a contract, a serial, a name to sign in with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.identity import people
from app.identity.people import PERSON
from app.wiring import House
from runtime.store import Tx
from runtime.store.audit import Deed, Line, Wanted, lines, record
from terms.errors import NotFound

SUBJECT_CHARS_MAX = 160
_KINDS = ("contract", "box")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which deeds somebody wants to see; whatever is empty is all."""

    subject: str = ""
    actor: str = ""
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A deed as people are shown it. `who` and `whom` are names where there are any."""

    position: int
    at: datetime
    actor: str
    who: str
    action: str
    subject: str
    whom: str
    reason: str
    before: str
    after: str


async def note(
    house: House,
    tx: Tx,
    *,
    actor: str,
    action: str,
    subject: str,
    before: str | None = None,
    after: str | None = None,
    reason: str = "",
) -> None:
    """Write one deed down, now."""
    deed = Deed(
        at=house.clock.machine_now(),
        actor=actor,
        action=action,
        subject=subject[:SUBJECT_CHARS_MAX],
        reason=reason,
        before=before,
        after=after,
    )
    await record(tx, [deed])


async def reading(
    tx: Tx, sought: Sought, *, deeds_max: int, behind: int | None = None
) -> list[Told]:
    """Read deeds, the newest first, perhaps behind a position."""
    wanted = Wanted(
        subjects=await _subjects(tx, sought.subject),
        actor=await _actor(tx, sought.actor),
        since=sought.since,
        before=sought.before,
    )
    found = await lines(tx, wanted, lines_max=deeds_max, behind=behind)
    name = await naming(tx)
    return [_told(line, name) for line in found]


async def naming(tx: Tx) -> Callable[[str], str]:
    """Learn how those who are written down are called."""
    named = {one.actor: one for one in await people.listing(tx)}

    def name(text: str) -> str:
        one = named.get(text)
        return one.display if one else text.removeprefix(f"{PERSON}:")

    return name


async def _subjects(tx: Tx, text: str) -> Sequence[str]:
    """Say how a subject may be written down that somebody names."""
    if not text:
        return ()
    return (text, *(f"{kind}:{text}" for kind in _KINDS), await _person(tx, text))


async def _actor(tx: Tx, text: str) -> str:
    return text if ":" in text or not text else await _person(tx, text)


async def _person(tx: Tx, name: str) -> str:
    """Name somebody as they are written down; whoever does not sign in stays as they are."""
    try:
        return (await people.find(tx, name)).actor
    except NotFound:
        return name


def _told(line: Line, name: Callable[[str], str]) -> Told:
    deed = line.deed
    return Told(
        position=line.position,
        at=deed.at,
        actor=deed.actor,
        who=name(deed.actor),
        action=deed.action,
        subject=deed.subject,
        whom=name(deed.subject),
        reason=deed.reason,
        before=deed.before or "",
        after=deed.after or "",
    )
