"""Readers of one cell: text in, value out. Each raises ValueError with the reason for people."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date

from billing.catalog.terms import read_term
from gateway.adapters.boxes import misplaced
from gateway.inventory.model import SERIAL, SERIAL_RULE
from runtime.wording import shown as shown  # noqa: PLC0414 - readers take it from here
from terms.calendar import YEARS
from terms.calendar import zone as iana_zone
from terms.money import Rate

CELL_CHARS_MAX = 1_000
MONTH_DAYS = range(1, 32)

# Embeddings, overrides and isolates of the bidirectional algorithm (Unicode Annex 9).
_REORDERS = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,4})?")
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,39}")
_CONTRACT = re.compile(r"[0-9A-Za-z][0-9A-Za-z/_.-]{0,25}")
_SERIAL = re.compile(SERIAL)
_MAC = re.compile(r"[0-9A-F]{12}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,189}")
_PHONE = re.compile(r"\+?[0-9][0-9 ()/.-]{2,30}")
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_JURISDICTION = re.compile(r"[A-Z]{2}(-[0-9A-Z]{1,3})?")
_REF = re.compile(r"[!-~]{1,120}")
_TIMES = re.compile(r"[1-9][0-9]{0,8}")
_WHOLE = re.compile(r"-?[0-9]{1,9}")
_BILL_DAY = re.compile(r"[0-9]{1,2}")


def term(name: str) -> Callable[[str], str]:
    """Read one of the terms an offering is sold on, and leave it as text."""

    def read(text: str) -> str:
        read_term(name, text)
        return text

    return read


def cleaned(cell: str) -> str:
    """Trim a cell and refuse what no name or code holds. Every other reader gets it so."""
    text = cell.strip()
    if len(text) > CELL_CHARS_MAX:
        raise ValueError(f"longer than {CELL_CHARS_MAX} characters")
    return no_odd_characters(text)


def line(text: str) -> str:
    """Trim a line that has to say something."""
    found = cleaned(text)
    if not found:
        raise ValueError("must not be empty")
    return found


def no_odd_characters(text: str) -> str:
    """Give a text back; raises ValueError naming a character that no name has, or that has what
    follows it read in another order than it stands there.
    """
    for character in text:
        is_odd = unicodedata.category(character) in {"Cc", "Cs", "Cn"}
        if is_odd or unicodedata.bidirectional(character) in _REORDERS:
            raise ValueError(f"holds the character U+{ord(character):04X}")
    return text


def text_of(chars_max: int) -> Callable[[str], str]:
    """Make a reader of text up to a length."""

    def read(cell: str) -> str:
        if len(cell) > chars_max:
            raise ValueError(f"longer than {chars_max} characters")
        return cell

    return read


def one_of(*words: str) -> Callable[[str], str]:
    """Make a reader of one of a few words."""

    def read(cell: str) -> str:
        if cell not in words:
            raise ValueError(f"{shown(cell)} is none of {', '.join(words)}")
        return cell

    return read


def promotion_code(cell: str) -> str:
    """Read the code of a promotion; small letters are the same as large ones."""
    return code(cell).upper()


def group(cell: str) -> str:
    """Read the group of a promotion: a code, or * for one that is combined with no other."""
    return cell if cell == "*" else code(cell)


def times(cell: str) -> int:
    """Read how many: a whole number from 1 on."""
    if not _TIMES.fullmatch(cell):
        raise ValueError(f"{shown(cell)} is not a whole number from 1 on")
    return int(cell)


def whole(least: int, most: int) -> Callable[[str], int]:
    """Make a reader of a whole number within bounds."""

    def read(cell: str) -> int:
        if not _WHOLE.fullmatch(cell) or not least <= int(cell) <= most:
            raise ValueError(f"{shown(cell)} is not a whole number from {least} to {most}")
        return int(cell)

    return read


def codes(cell: str) -> tuple[str, ...]:
    """Read several codes separated by `;`, none of them twice."""
    found = tuple(code(part.strip()) for part in cell.split(";") if part.strip())
    if len(set(found)) < len(found):
        raise ValueError("names a code twice")
    return found


def names(cell: str) -> tuple[str, ...]:
    """Read several short names separated by `;`."""
    return tuple(text_of(60)(part.strip()) for part in cell.split(";") if part.strip())


def iso_date(cell: str) -> date:
    """Read a day like 2026-03-31."""
    if not _DATE.fullmatch(cell):
        raise ValueError(f"{shown(cell)} is not a date like 2026-03-31")
    try:
        found = date.fromisoformat(cell)
    except ValueError:
        raise ValueError(f"{shown(cell)} is a day that does not exist") from None
    if found.year not in YEARS:
        raise ValueError(f"{shown(cell)} is out of reach ({YEARS[0]} to {YEARS[-1]})")
    return found


def rate(cell: str) -> Rate:
    """Read a share like 20% or 8.875%."""
    try:
        return Rate.parse(cell)
    except ValueError:
        raise ValueError(f"{shown(cell)} is not a rate like 20% or 8.875%") from None


def bill_day(cell: str) -> int:
    """Read a day of the month, 1..31."""
    if not _BILL_DAY.fullmatch(cell) or int(cell) not in MONTH_DAYS:
        raise ValueError(f"{shown(cell)} is not a day of the month, 1 to 31")
    return int(cell)


def jurisdiction(cell: str) -> str:
    """Read where taxes are raised, as ISO 3166 names it: DE or US-NY."""
    if not _JURISDICTION.fullmatch(cell):
        raise ValueError(f"{shown(cell)} is not a jurisdiction like DE or US-NY")
    return cell


def mac(cell: str) -> str:
    """Read a MAC address in any usual notation, as AA:BB:CC:DD:EE:FF."""
    digits = re.sub(r"[:.\-]", "", cell).upper()
    if not _MAC.fullmatch(digits):
        raise ValueError(f"{shown(cell)} is not a MAC address like 00:1A:79:00:00:01")
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def address(cell: str) -> str:
    """Read where a box listens: a host, or host:port, with [IPv6]:port."""
    if why := misplaced(cell):
        raise ValueError(f"{shown(cell)} {why}")
    return cell


def zone(cell: str) -> str:
    """Read an IANA time zone."""
    iana_zone(cell)
    return cell


def _matching(pattern: re.Pattern[str], what: str) -> Callable[[str], str]:
    def read(cell: str) -> str:
        if not pattern.fullmatch(cell):
            raise ValueError(f"{shown(cell)} is not {what}")
        return cell

    return read


amount_text = _matching(_AMOUNT, "an amount like 19.90")
code = _matching(_CODE, "a code of letters, digits, '_', '.' and '-' (at most 40)")
contract = _matching(
    _CONTRACT, "a contract number of letters, digits, '/', '_', '.' and '-' (at most 26)"
)
serial = _matching(_SERIAL, f"a serial: it has {SERIAL_RULE}")
email = _matching(_EMAIL, "an e-mail address")
phone = _matching(_PHONE, "a telephone number")
locale = _matching(_LOCALE, "a language like en or de-AT")
currency = _matching(_CURRENCY, "a currency like EUR")
country = _matching(_COUNTRY, "a country like AT")
vendor_ref = _matching(_REF, "a reference of the provider (visible ASCII, at most 120)")
