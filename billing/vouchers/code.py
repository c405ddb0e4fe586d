"""The codes on the cards: chance, spelled so that it can be read aloud, with a check character.

A code is its batch's prefix, then 16 characters. The weighted sum of them all is nothing modulo 31,
which is prime: one wrong character and any two that changed places are told without a look-up.
"""

from __future__ import annotations

import re

from terms.errors import Invalid

FIELD = "code"
# Digits and letters that nobody takes for each other: no 0 and O, no 1, I and L.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
PREFIX_CHARS_MAX = 6
CHANCE_CHARS = 15  # 74 bits
BODY_CHARS = CHANCE_CHARS + 1  # with the check character
CHARS_MAX = PREFIX_CHARS_MAX + BODY_CHARS
TYPED_CHARS_MAX = 60
# So many more than are needed that no code is likelier than another.
CHANCE_BITS = 128
_GROUP = 4
_BETWEEN = re.compile(r"[\s-]+")
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_MODULUS = len(ALPHABET)


def make(prefix: str, chance: int) -> str:
    """Make a code of so much chance, as it is kept and compared: without hyphens."""
    body = ""
    for _ in range(CHANCE_CHARS):
        chance, value = divmod(chance, _MODULUS)
        body += ALPHABET[value]
    plain = prefix + body
    weight = len(plain) + 1
    check = -_sum(plain) * pow(weight, -1, _MODULUS) % _MODULUS
    return plain + ALPHABET[check]


def shown(code: str) -> str:
    """Write a code as it is printed: the prefix, then four groups of four."""
    prefix, body = code[:-BODY_CHARS], code[-BODY_CHARS:]
    groups = [body[at : at + _GROUP] for at in range(0, BODY_CHARS, _GROUP)]
    return "-".join([prefix, *groups] if prefix else groups)


def read(typed: str) -> str:
    """Read what somebody typed, in any letters, with or without hyphens and blanks.

    Raises Invalid, which repeats nothing of it, where it can be no code.
    """
    code = _BETWEEN.sub("", typed[: TYPED_CHARS_MAX + 1]).upper()
    is_whole = len(typed) <= TYPED_CHARS_MAX and BODY_CHARS <= len(code) <= CHARS_MAX
    if not is_whole or not set(code) <= _VALUES.keys() or _sum(code) % _MODULUS:
        raise Invalid(FIELD, "this is not how a code reads: look for a typing mistake")
    return code


def read_prefix(typed: str) -> str:
    """Read a prefix. Raises Invalid."""
    prefix = typed.strip().upper()
    if len(prefix) > PREFIX_CHARS_MAX or not set(prefix) <= _VALUES.keys():
        raise Invalid("prefix", f"at most {PREFIX_CHARS_MAX} of {ALPHABET}")
    return prefix


def _sum(text: str) -> int:
    return sum(weight * _VALUES[one] for weight, one in enumerate(text, 1))
