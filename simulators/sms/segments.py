"""How many parts a text travels in: 3GPP TS 23.038, 6.2.1 and 6.2.1.1, and TS 23.040, 9.2.3.24."""

import re

# In the order of the table, from 0x00 to 0x7F; the escape stands at 0x1B.
_TABLE = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
_ESCAPED = {"\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F}
_ESCAPED |= {"[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65}
_LETTER = re.compile(rb"\x1b.|[^\x1b]", re.DOTALL)
_OCTETS, _HEADER = 140, 6


def septets(text: str) -> bytes | None:
    """Write a text in the default alphabet, a byte for a septet; None where it has another."""
    coded = bytearray()
    for letter in text:
        if letter in _ESCAPED:
            coded += bytes((0x1B, _ESCAPED[letter]))
        elif letter in _TABLE and letter != "\x1b":
            coded.append(_TABLE.index(letter))
        else:
            return None
    return bytes(coded)


def segments(text: str) -> int:
    """Count the parts of a text."""
    coded = septets(text)
    if coded is not None:
        return _packed([len(one) for one in _LETTER.findall(coded)], 7)
    return _packed([len(letter.encode("utf-16-be")) // 2 for letter in text], 16)


def _packed(letters: list[int], bits: int) -> int:
    """Fill parts with letters of so many units, none of which is torn."""
    if sum(letters) * bits <= _OCTETS * 8:
        return 1
    parts, room = 1, (_OCTETS - _HEADER) * 8 // bits
    left = room
    for size in letters:
        if size > left:
            parts, left = parts + 1, room
        left -= size
    return parts
