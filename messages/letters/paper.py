"""A letter as mail is written: RFC 5322 and MIME by the standard library. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from messages.letters.model import Letter, check_address, check_line

NAME_CHARS_MAX = 100
_NAMED = re.compile(r"(?P<name>[^<>]+?) ?<(?P<address>[^<>]+)>")
# Readable by any server, also one that takes seven bits only.
_POLICY = SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Whose name stands on letters, and where answers go."""

    address: str
    name: str = ""

    @classmethod
    def parse(cls, field: str, text: str) -> Sender:
        """Read `ADDRESS` or `NAME <ADDRESS>`. Raises Invalid, naming the field."""
        found = _NAMED.fullmatch(text)
        name = found["name"] if found else ""
        address = found["address"] if found else text
        check_address(field, address)
        if name:
            check_line(field, name, chars_max=NAME_CHARS_MAX)
        return cls(address=address, name=name)

    @property
    def domain(self) -> str:
        """Where it is at home."""
        return self.address.rpartition("@")[2]


def written(letter: Letter, sender: Sender, at: datetime) -> EmailMessage:
    """Write a letter as of an instant. The same letter has the same Message-ID whenever it is."""
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = Address(sender.name, addr_spec=sender.address)
    mail["To"] = Address(addr_spec=letter.to)
    mail["Subject"] = letter.subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{letter.id}@{sender.domain}>"
    # No machine answers it (RFC 3834).
    mail["Auto-Submitted"] = "auto-generated"
    if letter.leaving:  # by one click (RFC 2369, RFC 8058)
        mail["List-Unsubscribe"] = f"<{letter.leaving}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(letter.text)
    return mail
