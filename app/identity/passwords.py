"""Passwords: which are taken, and their Argon2id hashes, made beside the event loop.

Cost by the second recommendation of RFC 9106 (64 MiB, 3 passes): about 0.1 s and never more than
two at once. A name nobody has costs the same work as one that somebody has.
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
from itertools import pairwise

from argon2 import Parameters, PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from runtime.chance import Chance
from terms.errors import Invalid

PASSWORD_CHARS_MIN = 10
PASSWORD_CHARS_MAX = 200
HASH_CHARS_MAX = 200
AT_ONCE_MAX = 2
MADE_BYTES = 12
_DIFFERENT_MIN = 5
_NAME_CHARS_MIN = 3
_COMMON = re.compile(
    r"passw|kennw|qwert|asdfg|letmein|welcome|iloveyou|administrator|changeme|boxoffice|12345",
    re.IGNORECASE,
)
# What is left beside a common word, a name or a row of neighbours has to be a password by itself.
_REST_CHARS_MIN = 8


class Passwords:
    """Makes and checks hashes; `cost` is a test's to lower."""

    def __init__(self, chance: Chance, cost: Parameters = RFC_9106_LOW_MEMORY) -> None:
        self._chance = chance
        self._hasher = PasswordHasher.from_parameters(cost)
        self._salt_bits = 8 * cost.salt_len
        # Nobody's password: compared where a name is unknown, so that it takes as long.
        self._nobodys = (
            f"$argon2id$v={cost.version}$m={cost.memory_cost},t={cost.time_cost}"
            f",p={cost.parallelism}${'A' * 22}${'A' * 43}"
        )
        self._room = asyncio.Semaphore(AT_ONCE_MAX)

    async def hash(self, password: str) -> str:
        """Make what is kept of a password."""
        salt = self._chance.bits(self._salt_bits).to_bytes(self._salt_bits // 8, "big")
        async with self._room:
            return await asyncio.to_thread(self._hasher.hash, normal(password), salt=salt)

    async def fits(self, password: str, kept: str | None) -> bool:
        """Whether it is the password that was kept; None stands for nobody's."""
        async with self._room:
            return await asyncio.to_thread(self._fits, normal(password), kept or self._nobodys)

    def is_dated(self, kept: str) -> bool:
        """Whether it was made at another cost than today's."""
        return self._hasher.check_needs_rehash(kept)

    def make(self) -> str:
        """Make a password that nobody guesses."""
        return self._chance.token(MADE_BYTES)

    def _fits(self, password: str, kept: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False


def normal(password: str) -> str:
    """Give one spelling of what a keyboard may spell in two ways (RFC 8265, OpaqueString)."""
    text = unicodedata.normalize("NFC", password)
    return "".join(" " if unicodedata.category(mark) == "Zs" else mark for mark in text)


def check(password: str, name: str, field: str = "password") -> None:
    """Raise Invalid for a password that is too short or among the first that are guessed."""
    if len(password) < PASSWORD_CHARS_MIN:
        raise Invalid(field, f"take at least {PASSWORD_CHARS_MIN} characters")
    if len(password) > PASSWORD_CHARS_MAX:
        raise Invalid(field, f"take at most {PASSWORD_CHARS_MAX} characters")
    if any(unicodedata.category(mark) in {"Cc", "Cs", "Cn"} for mark in password):
        raise Invalid(field, "it holds a character that no keyboard types")
    rest = _COMMON.sub("", password)
    if len(name) >= _NAME_CHARS_MIN:
        rest = re.sub(re.escape(name), "", rest, flags=re.IGNORECASE)
    if len(set(rest)) < _DIFFERENT_MIN or _steps(rest) < _REST_CHARS_MIN:
        raise Invalid(field, "it is among the first that are guessed: take another one")


def _steps(text: str) -> int:
    """Count the characters, those that only go on from the one before not."""
    marks = [ord(mark) for mark in text]
    return len(marks) - sum(abs(b - a) <= 1 for a, b in pairwise(marks))
