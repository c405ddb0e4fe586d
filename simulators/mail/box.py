"""What was caught: so many mails and no more, the oldest leave first."""

import email
import email.policy
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from functools import cached_property
from typing import Any

MAILS_MAX = 500
UNREADABLE = "(this mail cannot be read)"


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One mail as it came: its envelope, and every byte of it."""

    number: int
    at: datetime
    sender: str
    to: Sequence[str]
    raw: bytes
    over_tls: bool
    user: str

    @cached_property
    def headers(self) -> dict[str, str]:
        """The headers as people read them, by their names."""
        try:
            return {_whole(name): _whole(str(value)) for name, value in self._parsed.items()}
        except (ValueError, LookupError):
            return {}

    @property
    def subject(self) -> str:
        """What it is about."""
        return self.headers.get("Subject", "")

    @cached_property
    def text(self) -> str:
        """What it says, as plain text."""
        try:
            part = self._parsed.get_body(preferencelist=("plain", "html"))
            text = "" if part is None else str(part.get_content())
        except (ValueError, LookupError):
            return UNREADABLE
        return _whole(text.replace("\r\n", "\n"))

    def shown(self) -> dict[str, Any]:
        """Show it as plain values."""
        return {
            "number": self.number,
            "at": self.at.isoformat(),
            "from": self.sender,
            "to": list(self.to),
            "subject": self.subject,
            "text": self.text,
            "headers": self.headers,
            "over_tls": self.over_tls,
            "user": self.user,
            "bytes": len(self.raw),
        }

    @cached_property
    def _parsed(self) -> EmailMessage:
        found = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(found, EmailMessage)  # noqa: S101 - what this policy makes
        return found


class Box:
    """The newest mails, in the order in which they came."""

    def __init__(self, mails_max: int = MAILS_MAX) -> None:
        self._mails: deque[Mail] = deque(maxlen=mails_max)

    def put(self, mail: Mail) -> None:
        """Keep one."""
        self._mails.append(mail)

    def mails(self, to: str = "") -> list[Mail]:
        """List them, newest first, of all or to one address."""
        return [mail for mail in reversed(self._mails) if not to or to in mail.to]

    def find(self, number: int) -> Mail | None:
        """Find one by its number."""
        return next((mail for mail in self._mails if mail.number == number), None)

    def clear(self) -> None:
        """Throw all away."""
        self._mails.clear()


def _whole(text: str) -> str:
    """Leave no half of a pair, which is no text."""
    return text.encode("utf-8", "replace").decode()
