"""A letter and a mail address, both checked. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime

from terms.errors import Invalid
from terms.ids import ServiceId

# RFC 5321, 4.5.3.1: a local part, a path.
LOCAL_PART_CHARS_MAX = 64
ADDRESS_CHARS_MAX = 254
ID_CHARS_MAX = 80
SUBJECT_CHARS_MAX = 200
TEXT_CHARS_MAX = 20_000

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# A dot-atom at a name with a dot (RFC 5322, 3.4.1): no quotes, no comments, no address of a host.
_ADDRESS = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@({_LABEL}(?:\.{_LABEL})+)")
# It becomes the left side of a Message-ID.
_ID = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_KIND = re.compile(r"[a-z][a-z_]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One text to one mail address, delivered at most once and not later than `not_after`.

    `id` is derived from what caused it, so that the same cause never writes twice. `not_after` is
    machine time. `service` names the household in whose history the delivery stands, if it is for
    one. `leaving` is where such letters are declined by one click. Making one
    raises Invalid, naming the field, for anything that is no plain mail.
    """

    id: str
    to: str
    kind: str
    subject: str = field(repr=False)
    text: str = field(repr=False)
    not_after: datetime
    leaving: str = field(default="", repr=False)
    service: ServiceId | None = None

    def __post_init__(self) -> None:
        if len(self.id) > ID_CHARS_MAX or not _ID.fullmatch(self.id):
            raise Invalid("id", f"letters, digits, - _ and single dots, {ID_CHARS_MAX} at most")
        if not _KIND.fullmatch(self.kind):
            raise Invalid("kind", "small letters and _, 40 at most")
        check_address("to", self.to)
        check_line("subject", self.subject, chars_max=SUBJECT_CHARS_MAX)
        _check_text("text", self.text)


def check_address(name: str, text: str) -> None:
    """Raise Invalid, naming the field, unless the text is one plain mail address.

    A domain in another script than Latin has to be given in its ASCII form (`xn--...`).
    """
    if not text.isascii():
        raise Invalid(name, "an address is ASCII; give a domain in its form xn--...")
    found = _ADDRESS.fullmatch(text)
    if found is None or len(text) > ADDRESS_CHARS_MAX or len(found[1]) > LOCAL_PART_CHARS_MAX:
        raise Invalid(name, "this is no mail address")


def check_line(name: str, text: str, *, chars_max: int) -> None:
    """Raise Invalid, naming the field, unless the text is one line that people can read."""
    if not text or len(text) > chars_max:
        raise Invalid(name, f"1 to {chars_max} characters are needed")
    if any(_is_unprintable(letter) for letter in text):
        raise Invalid(name, "one line without control characters is needed")


def _check_text(name: str, text: str) -> None:
    if not text.strip() or len(text) > TEXT_CHARS_MAX:
        raise Invalid(name, f"1 to {TEXT_CHARS_MAX} characters are needed")
    if any(_is_unprintable(letter) for letter in text if letter not in "\n\t"):
        raise Invalid(name, "no control characters but line ends and tabs are taken")


def _is_unprintable(letter: str) -> bool:
    """Tell of a control character, half a pair, or a line end of any kind."""
    return unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"}
