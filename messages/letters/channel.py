"""The channel of letters: opened only to be handed over, and wiped when they have ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from billing.reads.contacts import contacts
from messages.consent import DECLINED, unwelcome
from messages.deliver import Became, after_error
from messages.letters.model import Letter
from messages.letters.store import KIND, Kept, Letters
from messages.model import Message, Outcome
from messages.plan import KINDS, Via
from messages.policy_store import load_policy
from messages.ports import Mail
from runtime.secrets import SealBroken
from runtime.store import Tx
from runtime.telemetry import get_log
from terms.errors import TargetError, Unreachable
from terms.ids import ServiceId

log = get_log()


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted(Message):
    """A letter on its way; none where it cannot be opened."""

    letter: Letter | None


class Post:
    """The channel to mail addresses.

    A server that does not answer is told of once, and once when it answers again. Few letters are
    tried at a time, so that one that is down is asked seldom, however many wait.
    """

    kind = KIND
    via = Via.MAIL
    in_flight_max = 4

    def __init__(self, letters: Letters, mail: Mail | None) -> None:
        self.letters = letters
        self.mail = mail
        self._is_down = False

    async def find(self, tx: Tx, ids: Sequence[str]) -> Mapping[str, Posted]:
        """Find the letters that wait, and open them.

        Notices keep the quiet hours there are now, and none is sent that is declined by now.
        """
        found = await self.letters.find(tx, ids)
        quiet = await self._quiet(tx, found)
        no = await unwelcome(tx, self.via, [(kept.kind, kept.service) for kept in found])
        posted = {kept.id: self._posted(kept, quiet.get(kept.service)) for kept in found}
        return {
            id_: replace(one, flaw=DECLINED) if (one.kind, one.service) in no else one
            for id_, one in posted.items()
        }

    async def send(self, message: Posted) -> Became:
        """Hand it over; where that may have happened before the answer was lost, never again."""
        if message.letter is None:
            return Outcome.FAILED, message.flaw
        if self.mail is None:
            return Outcome.FAILED, "no mail is configured"
        try:
            await self.mail.send(message.letter)
        except TargetError as error:
            self._note(is_down=isinstance(error, Unreachable), why=str(error))
            return after_error(error), str(error)
        self._note(is_down=False)
        return Outcome.SENT, ""

    async def became(self, message: Posted) -> Became:
        """Drop it: its time was over before anybody took it."""
        return Outcome.LATE, message.is_over

    async def ended(self, tx: Tx, ids: Sequence[str]) -> None:
        """Wipe what they said."""
        await self.letters.forget(tx, ids)

    async def _quiet(
        self, tx: Tx, found: Sequence[Kept]
    ) -> Mapping[ServiceId | None, datetime | None]:
        """Tell before when households are left alone; letters that are no notices go at once."""
        homes = {one.service for one in found if one.service and one.kind in KINDS}
        if not homes:
            return {}
        policy, now = await load_policy(tx), self.letters.work.clock.machine_now()
        known = await contacts(tx, homes)
        return {one.service: policy.not_before(self.via, one.zone, now) for one in known.values()}

    def _posted(self, kept: Kept, quiet: datetime | None) -> Posted:
        letter, flaw = None, ""
        try:
            letter = self.letters.opened(kept)
        except SealBroken as error:
            flaw = str(error)
        return Posted(
            id=kept.id,
            kind=kept.kind,
            to=kept.to,
            service=kept.service,
            not_after=kept.not_after,
            not_before=quiet if kept.kind in KINDS else None,
            letter=letter,
            flaw=flaw,
        )

    def _note(self, *, is_down: bool, why: str = "") -> None:
        if is_down and not self._is_down:
            log.warning("mail.down", reason=why)
        elif self._is_down and not is_down:
            log.warning("mail.up")
        self._is_down = is_down
