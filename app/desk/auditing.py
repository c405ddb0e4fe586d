"""Who did what over the counter: written in the transaction that does it, read by the owner.

Somebody who looks for deeds types what people say: a contract, a serial, a name to sign in with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from app import cards
from app.desk.names import names
from app.identity import people
from app.identity.people import PERSON
from app.wiring import House
from runtime.store import Tx
from runtime.store.audit import Deed, Line, Wanted, lines, record
from terms.errors import Invalid, NotFound
from terms.ids import ServiceId

SUBJECT_CHARS_MAX = 160
_KINDS = ("contract", "box")
# The id of a service, or of somebody who signs in, as both stand in texts of the inventory.
_ID = re.compile(rf"(?:{PERSON}:)?\b[0-9A-HJKMNP-TV-Z]{{26}}\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which deeds somebody wants to see; whatever is empty is all."""

    subject: str = ""
    actor: str = ""
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A deed as people are shown it. `who` and `whom` are names where there are any.

    What was so before and after names people and contracts, where it was written with their ids.
    """

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
    """Write one deed down, now. Raises Invalid for a reason that holds the number of a card."""
    if why := cards.problem("reason", reason):
        raise Invalid("reason", why)
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
    read = await _reader(tx, found, name)
    return [_told(line, name, read) for line in found]


async def naming(tx: Tx) -> Callable[[str], str]:
    """Learn how those who are written down are called."""
    named = {one.actor: one for one in await people.listing(tx)}

    def name(text: str) -> str:
        one = named.get(text)
        return one.display if one else text.removeprefix(f"{PERSON}:")

    return name


async def _reader(
    tx: Tx, found: Sequence[Line], name: Callable[[str], str]
) -> Callable[[str], str]:
    """Learn to read texts of these deeds: whose the services are that stand in them by their id."""
    texts = [one.deed.subject + f" {one.deed.before} {one.deed.after}" for one in found]
    homes = await names(tx, [ServiceId(id_) for text in texts for id_ in _ID.findall(text)])

    def put(match: re.Match[str]) -> str:
        home = homes.get(ServiceId(match[0]))
        return home.contract if home else name(match[0])

    return lambda text: _ID.sub(put, text)


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


def _told(line: Line, name: Callable[[str], str], read: Callable[[str], str]) -> Told:
    deed = line.deed
    return Told(
        position=line.position,
        at=deed.at,
        actor=deed.actor,
        who=name(deed.actor),
        action=deed.action,
        subject=deed.subject,
        whom=read(name(deed.subject)),
        reason=deed.reason,
        before=read(deed.before or ""),
        after=read(deed.after or ""),
    )
