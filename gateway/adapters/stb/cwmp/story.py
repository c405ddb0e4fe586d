"""What is done in the session of one box: its credentials, what waits for it, its wish.

It runs beside the box's requests and asks through the session; whatever goes wrong is the queue's
to judge, and the box is let go in the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.adapters.errands import Stage
from gateway.adapters.inbound import Contact
from gateway.adapters.sdk import Access, Boxes
from gateway.adapters.stb.cwmp import edges
from gateway.adapters.stb.cwmp.gate import PASSWORD, USERNAME
from gateway.adapters.stb.cwmp.inside import InSession
from gateway.adapters.stb.cwmp.session import Session
from gateway.adapters.stb.cwmp.writing import Value, boolean
from runtime.chance import Chance
from terms.errors import TargetError, Unreachable

ROUNDS_MAX = 3
PASSWORD_BYTES = 18
CONNECTION_PASSWORD = "connection_password"  # noqa: S105 - a name
CONNECTION_USERNAME = "connection_username"
_DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All that one session needs. `renews` gives the box credentials of its own."""

    session: Session
    box: InSession
    ref: str
    contact: Contact
    boxes: Boxes
    chance: Chance
    access: Access
    period_s: int
    renews: bool

    async def tell(self) -> None:
        """Do it all. Raises only what is a mistake of ours."""
        try:
            if self.renews:
                await self._renew_if_it_likes()
            for _ in range(ROUNDS_MAX):
                if not await self._round():
                    break
        except TargetError:
            pass  # the box is gone, or does not want: it is looked at again when it calls

    async def _round(self) -> bool:
        """Do what waits and bring the box to its wish; True where more has come meanwhile."""
        session = self.session
        session.is_asked_again = False
        if session.due is not None and session.due.has_errands:
            await self._do_errands()
        if session.due is not None and not session.is_proven:
            await self.contact.reconcile(self.ref, self.box)
        before, session.due = session.due, await self.contact.due(self.ref)
        if session.is_over or before is None or session.due is None:
            return False
        is_newer = session.due.wish.revision != before.wish.revision
        # What was just worked on is not worked on twice, whatever came of it.
        session.is_proven = not is_newer
        return is_newer or session.due.has_errands or session.is_asked_again

    async def _do_errands(self) -> None:
        """Do all that waits for the box, one after the other."""
        errands = self.boxes.errands
        while not self.session.is_over and (errand := await errands.begin(self.ref)):
            try:
                await errands.end(errand, await edges.do(self.box, errand))
            except TargetError as error:
                stage = Stage.FAILED if error.is_untouched else Stage.UNKNOWN
                await errands.end(errand, stage, error)

    async def _renew_if_it_likes(self) -> None:
        """Give the box secrets of its own; one that refuses them is served with those it has."""
        try:
            await self._renew()
        except Unreachable:
            raise
        except TargetError:
            pass  # it is asked again at its next call

    async def _renew(self) -> None:
        """Give the box secrets of its own; the old ones stay valid until it shows the new ones."""
        known = self.access.secrets
        fresh = {
            PASSWORD: self.chance.token(PASSWORD_BYTES),
            CONNECTION_PASSWORD: self.chance.token(PASSWORD_BYTES),
        }
        username = known.get(USERNAME) or f"box-{self.ref}"
        if USERNAME not in known:
            fresh[USERNAME] = username
        given = await self.boxes.rotate(self.ref, fresh)
        key = self.session.inform.values.get(self.box.map.key, "")
        await self.box.set(self._management(username, given), key)

    def _management(self, username: str, fresh: Mapping[str, str]) -> list[Value]:
        name = self.box.map.server
        rung_as = self.access.secrets.get(CONNECTION_USERNAME) or username
        return [
            (name("Username"), "string", username),
            (name("Password"), "string", fresh[PASSWORD]),
            (name("ConnectionRequestUsername"), "string", rung_as),
            (name("ConnectionRequestPassword"), "string", fresh[CONNECTION_PASSWORD]),
            (name("PeriodicInformEnable"), "boolean", boolean(is_true=True)),
            (name("PeriodicInformInterval"), "unsignedInt", str(self.period_s)),
            (name("PeriodicInformTime"), "dateTime", phase_of(self.ref, self.period_s)),
        ]


def phase_of(ref: str, period_s: int) -> str:
    """Spread the boxes over their period: a moment of 2020 from which the periods are counted."""
    at_s = int.from_bytes(ref.encode("utf-8", "replace")[-8:], "big") * 2_654_435_761 % period_s
    at_s %= _DAY_S
    return f"2020-01-01T{at_s // 3600:02}:{at_s // 60 % 60:02}:{at_s % 60:02}Z"
