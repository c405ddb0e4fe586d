"""Numbers of accounts, creditors and mandates: checked, masked, spelled as banks take them. Pure.

Sources: ISO 13616 (IBAN), ISO 7064 MOD 97-10, EPC262-08 (creditor identifiers), EPC217-08 (what
may be written).
"""

from __future__ import annotations

import re
import unicodedata

from terms.errors import Invalid

REFERENCE_CHARS_MAX, NAME_CHARS_MAX, TEXT_CHARS_MAX = 35, 70, 140
# The lengths of the IBANs of the European Economic Area. Elsewhere in SEPA a bank also wants the
# payer's address and BIC, which nobody is asked for here.
_LENGTHS = {
    "AT": 20,
    "BE": 16,
    "BG": 22,
    "CY": 28,
    "CZ": 24,
    "DE": 22,
    "DK": 18,
    "EE": 20,
    "ES": 24,
    "FI": 18,
    "FR": 27,
    "GR": 27,
    "HR": 21,
    "HU": 28,
    "IE": 22,
    "IS": 26,
    "IT": 27,
    "LI": 21,
    "LT": 20,
    "LU": 20,
    "LV": 21,
    "MT": 31,
    "NL": 18,
    "NO": 15,
    "PL": 28,
    "PT": 25,
    "RO": 24,
    "SE": 24,
    "SI": 19,
    "SK": 24,
}
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,27}")
_CREDITOR = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{3}[A-Z0-9]{1,28}")
_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
_REFERENCE = re.compile(r"[A-Za-z0-9+?/:().,'-]{1,35}")
_ALLOWED = re.compile(r"[^A-Za-z0-9/?:().,'+ -]")
_TYPED_CHARS_MAX = 60
_SPELLED = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "&": "+"}
    | {"æ": "ae", "Æ": "Ae", "ø": "o", "Ø": "O", "å": "a", "Å": "A", "ł": "l", "Ł": "L"}
    | {"đ": "d", "Đ": "D", "œ": "oe", "Œ": "Oe", "þ": "th", "Þ": "Th", "ð": "d", "Ð": "D"}
)


def read_iban(typed: str) -> str:
    """Read an IBAN as it is kept. Raises Invalid, which repeats nothing of it."""
    found = _plain(typed)
    length = _LENGTHS.get(found[:2])
    if _IBAN.fullmatch(found) is None:
        raise Invalid("iban", "this is not how an IBAN reads")
    if length is None:
        raise Invalid("iban", "the account has to be in the European Economic Area")
    if len(found) != length or not _checks(found):
        raise Invalid("iban", "its digits do not check: look for a typing mistake")
    return found


def masked(iban: str) -> str:
    """Return how an IBAN is shown: its country and its last four characters."""
    return f"IBAN {iban[:2]}…{iban[-4:]}"


def read_creditor(typed: str) -> str:
    """Read a creditor identifier. Its digits are made without the creditor's own three characters.

    Raises Invalid.
    """
    found = _plain(typed)
    if _CREDITOR.fullmatch(found) is None or not _checks(found[:4] + found[7:]):
        raise Invalid("identifier", "its digits do not check: it reads like DE98ZZZ09999999999")
    return found


def read_bic(typed: str) -> str:
    """Read a BIC, or nothing. Raises Invalid."""
    found = _plain(typed)
    if found and _BIC.fullmatch(found) is None:
        raise Invalid("bic", "this is not how a BIC reads")
    return found


def read_reference(typed: str) -> str:
    """Read the reference of a mandate. Raises Invalid."""
    found = typed.strip()
    if _REFERENCE.fullmatch(found) is None or found[0] == "/" or found[-1] == "/" or "//" in found:
        reason = f"1 to {REFERENCE_CHARS_MAX} letters, digits and +?/:().,'- as banks take them"
        raise Invalid("reference", reason)
    return found


def spelled(text: str, chars_max: int) -> str:
    """Spell a text with the characters that every bank takes; what has none becomes a dot."""
    folded = unicodedata.normalize("NFKD", " ".join(text.split()).translate(_SPELLED))
    bare = "".join(each for each in folded if not unicodedata.combining(each))
    return _ALLOWED.sub(".", bare)[:chars_max].strip()


def read_name(typed: str, field: str) -> str:
    """Read the name of who holds an account. Raises Invalid, also where a bank would read none."""
    found = " ".join(typed.split())
    if not 0 < len(found) <= NAME_CHARS_MAX:
        raise Invalid(field, f"needs a name of 1 to {NAME_CHARS_MAX} characters")
    if not any(each.isalpha() for each in found):
        raise Invalid(field, f"{found!r} is no name: it has no letter")
    if not found.isprintable():
        raise Invalid(field, "has a character that cannot be printed")
    if not any(each.isalpha() for each in spelled(found, NAME_CHARS_MAX)):
        raise Invalid(
            field, "has no letter that banks take: write it in Latin ones, as the bank does"
        )
    return found


def _plain(typed: str) -> str:
    return "".join(typed[:_TYPED_CHARS_MAX].split()).upper()


def _checks(text: str) -> bool:
    """Whether the two digits behind the country are right, by ISO 7064."""
    turned = text[4:] + text[:4]
    return int("".join(str(int(each, 36)) for each in turned)) % 97 == 1
