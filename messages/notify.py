"""Notices: what billing has to tell a household, written in its language, on its screens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from messages.deliver import Became
from messages.model import Message, Outcome
from messages.plan import Via
from messages.policy import Policy
from messages.policy_store import load_policy
from messages.ports import Screen, Shown
from runtime import log
from runtime.store import Tx
from terms.errors import DomainError, Invalid, TargetError
from terms.ids import NoticeId, ServiceId
from terms.notice import Notice

KIND = "notify"
SUFFIX = f".{Via.SCREEN}"  # of what another channel could not take


@dataclass(frozen=True, slots=True, kw_only=True)
class OnScreen(Message):
    """A notice as it is shown to one household."""

    household: ServiceId


class Notices:
    """The channel to the screens of households."""

    kind = KIND
    via = Via.SCREEN
    in_flight_max = 16

    def __init__(self, screen: Screen) -> None:
        self.screen = screen

    async def find(self, tx: Tx, ids: Sequence[str]) -> Mapping[str, OnScreen]:
        """Find notices in the log and write their texts."""
        entries = await log.find(tx, [id_.removesuffix(SUFFIX) for id_ in ids])
        policy = await load_policy(tx)
        found = {}
        for id_ in ids:
            if (entry := entries.get(id_.removesuffix(SUFFIX))) is not None:
                found[id_] = _written(id_, Notice.decode(entry.value), policy)
        return found

    async def send(self, message: OnScreen) -> Became:
        """Show it; where it waits for a box, not later than its time lasts."""
        id_, until = NoticeId(message.id), message.not_after
        try:
            shown = await self.screen.show(message.household, message.shown, id_, not_after=until)
        except (TargetError, DomainError) as error:
            return Outcome.FAILED, str(error)
        return _became(shown, Outcome.WAITING, shown.why)

    async def became(self, message: OnScreen) -> Became:
        """Ask what became of it: a box may have called in time."""
        try:
            shown = await self.screen.became(NoticeId(message.id))
        except (TargetError, DomainError) as error:
            return Outcome.FAILED, str(error)
        return _became(shown, Outcome.LATE, message.is_over)

    async def ended(self, tx: Tx, ids: Sequence[str]) -> None:
        """Keep them: what was said stays in the log."""


def _became(shown: Shown, nowhere: Outcome, why: str) -> Became:
    """Tell what became of it; `nowhere` where it is known to have been shown on no screen."""
    if shown.taken:
        return Outcome.SENT, shown.why
    if shown.may_repeat:
        return nowhere, why
    return Outcome.FAILED, shown.why or "no target can show messages"


def _written(id_: str, notice: Notice, policy: Policy) -> OnScreen:
    text, flaw = "", ""
    try:
        text = policy.text(notice.kind, notice.locale, "screen", notice.params)
    except Invalid as error:
        flaw = str(error)
    return OnScreen(
        id=id_,
        kind=notice.kind,
        not_after=notice.not_after,
        service=notice.service,
        household=notice.service,
        shown=text,
        flaw=flaw,
    )
