"""What messages needs from the world; the composition root binds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from terms.ids import NoticeId, ServiceId


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What became of one text: on how many targets it was taken, and why not on others.

    `may_repeat` says that it is known to have happened nowhere.
    """

    taken: int
    why: str = ""
    may_repeat: bool = False


class Screen(Protocol):
    """Puts a line of text on the screens of one household, once."""

    async def show(self, service: ServiceId, text: str, notice: NoticeId) -> Shown:
        """Show it. Raises a TargetError or a DomainError where nobody will ever take it."""
        ...
