"""What messages needs from the world; the composition root binds it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from messages.letters.model import Letter
from terms.ids import NoticeId, ServiceId


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What became of one text: on how many targets it was taken, and why not on others.

    `may_repeat` says that it is known to have happened nowhere: the same again shows it once, and
    tells what came of it where it waits for a box.
    """

    taken: int
    why: str = ""
    may_repeat: bool = False


class Screen(Protocol):
    """Puts a line of text on the screens of one household, once."""

    async def show(
        self, service: ServiceId, text: str, notice: NoticeId, *, not_after: datetime
    ) -> Shown:
        """Show it, not later than that.

        Raises a TargetError or a DomainError where nobody will ever take it.
        """
        ...

    async def became(self, notice: NoticeId) -> Shown:
        """Tell what became of a text that was given before; shows nothing."""
        ...


class Mail(Protocol):
    """Hands letters to whoever carries them."""

    async def probe(self) -> None:
        """Look whether it would take any. Raises a TargetError."""
        ...

    async def send(self, letter: Letter) -> None:
        """Hand one over, once.

        Raises a TargetError, `untouched` where it was certainly not taken; otherwise it may have
        been.
        """
        ...
