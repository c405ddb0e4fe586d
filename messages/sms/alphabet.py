"""How long a short message is: 3GPP TS 23.038 (alphabets) and TS 23.040 (parts). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# TS 23.038, 6.2.1 and 6.2.1.1: an escape before each of the second.
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
# 140 octets; a part of several gives six of them to its header (TS 23.040, 9.2.3.24.1).
_SEPTETS, _SEPTETS_OF_PART = 160, 153
_UNITS, _UNITS_OF_PART = 70, 67
_BEYOND_UNIT = 0xFFFF


class Alphabet(StrEnum):
    """How the letters of a message are coded."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """A message as it travels: `units` are septets or 16-bit units."""

    alphabet: Alphabet
    units: int
    parts: int

    def __str__(self) -> str:
        many = "part" if self.parts == 1 else "parts"
        return f"{self.units} in {self.alphabet}, {self.parts} {many}"


def measure(text: str) -> Length:
    """Tell how long a message is. What an alphabet writes as a pair stays in one part."""
    if _BASIC.issuperset(text) or (_BASIC | _EXTENDED).issuperset(text):
        sizes = [2 if letter in _EXTENDED else 1 for letter in text]
        alphabet, whole, part = Alphabet.GSM7, _SEPTETS, _SEPTETS_OF_PART
    else:
        sizes = [2 if ord(letter) > _BEYOND_UNIT else 1 for letter in text]
        alphabet, whole, part = Alphabet.UCS2, _UNITS, _UNITS_OF_PART
    units = sum(sizes)
    parts = 1 if units <= whole else _parts(sizes, part)
    return Length(alphabet=alphabet, units=units, parts=parts)


def _parts(sizes: list[int], most: int) -> int:
    parts, used = 1, 0
    for size in sizes:
        if used + size > most:
            parts, used = parts + 1, 0
        used += size
    return parts
