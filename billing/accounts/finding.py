"""By which words a household is found: contract, words of its name, end of its phone, e-mail.

Words are folded: case, accents and marks do not count. Somebody who looks types how a word begins;
of a phone number the last digits count, since its beginning is written in many ways.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

TERM_CHARS_MAX = 48
WORDS_MAX = 12
PHONE_DIGITS_MAX, PHONE_DIGITS_MIN = 9, 4
CONTRACT, WORD, PHONE, EMAIL = "c:", "w:", "p:", "e:"
_IN_PHONES = frozenset("0123456789 +-/().")


def terms(*, contract: str, name: str, phone: str, email: str = "") -> frozenset[str]:
    """Give every term by which a household is to be found."""
    found = {term(CONTRACT, _folded(contract))}
    found |= {term(WORD, word) for word in _words(name)}
    return frozenset(found) | contact_terms(phone=phone, email=email)


def contact_terms(*, phone: str, email: str) -> frozenset[str]:
    """Give those terms that change with how somebody is reached."""
    found = {email_term(email)} if email else set()
    if digits := _last_digits(phone):
        found.add(term(PHONE, digits))
    return frozenset(found)


def contract_begins(text: str) -> str:
    """Give how the term of a contract begins that begins so; empty where none can."""
    folded = _folded("".join(text.split()))
    return term(CONTRACT, folded) if folded and folded.isprintable() else ""


def words_begin(text: str) -> list[str]:
    """Give how the terms of a name begin in which all these words are, the longest first."""
    return [term(WORD, word) for word in sorted(_words(text), key=len, reverse=True)]


def phone_ends(text: str) -> str:
    """Give how the term of a phone number begins that ends so; empty where none is meant."""
    if not set(text) <= _IN_PHONES:
        return ""
    digits = _last_digits(text)
    return term(PHONE, digits) if len(digits) >= PHONE_DIGITS_MIN else ""


def email_term(email: str) -> str:
    """Give the term of an e-mail address; of a long one its beginning alone."""
    return term(EMAIL, _folded(email.strip()))


def same_email(one: str, other: str) -> bool:
    """Tell whether two e-mail addresses are one, whatever the case of their letters."""
    return one.strip().casefold() == other.strip().casefold()


def behind(beginning: str) -> str:
    """Give the least text that no longer begins so."""
    return f"{beginning}\U0010ffff"


def term(kind: str, text: str) -> str:
    """Write a term; an overlong one is found by its beginning."""
    return f"{kind}{text}"[:TERM_CHARS_MAX]


def _words(name: str) -> Iterable[str]:
    apart = "".join(mark if mark.isalnum() else " " for mark in _folded(name))
    return list(dict.fromkeys(apart.split()))[:WORDS_MAX]


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(mark for mark in plain if not unicodedata.combining(mark))


def _last_digits(phone: str) -> str:
    """Give the last digits of a number, the last one first."""
    digits = [mark for mark in phone if mark in "0123456789"]
    return "".join(reversed(digits[-PHONE_DIGITS_MAX:]))
