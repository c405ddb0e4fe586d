"""The one source of chance. Whoever needs some is given it, so that a test can repeat a run."""

from __future__ import annotations

import base64
import random
import secrets
from datetime import UTC, datetime, timedelta
from typing import Protocol

from terms.ids import CHANCE_BITS, make_id

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
CHANCE_BYTES = CHANCE_BITS // 8


class Chance(Protocol):
    """A source of chance."""

    def bits(self, count: int) -> int:
        """Return a whole number of that many random bits."""
        ...

    def fraction(self) -> float:
        """Return a number from 0 up to, not including, 1."""
        ...

    def token(self, bytes_count: int) -> str:
        """Return text that is safe in a URL and holds that many random bytes."""
        ...


class SystemChance:
    """Chance that nobody can foretell, fit for secrets."""

    def bits(self, count: int) -> int:
        """Return a whole number of that many random bits."""
        return secrets.randbits(count)

    def fraction(self) -> float:
        """Return a number from 0 up to, not including, 1."""
        return secrets.randbits(53) / (1 << 53)

    def token(self, bytes_count: int) -> str:
        """Return text that is safe in a URL and holds that many random bytes."""
        return secrets.token_urlsafe(bytes_count)


class SeededChance:
    """The same chance for the same seed: for tests and rehearsals, never for secrets."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose

    def bits(self, count: int) -> int:
        """Return a whole number of that many random bits."""
        return self._random.getrandbits(count)

    def fraction(self) -> float:
        """Return a number from 0 up to, not including, 1."""
        return self._random.random()

    def token(self, bytes_count: int) -> str:
        """Return text that is safe in a URL and holds that many random bytes."""
        raw = self._random.randbytes(bytes_count)
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def new_id(now: datetime, chance: Chance) -> str:
    """Make an id that sorts by the aware instant it was made at."""
    return new_ids(now, chance, 1)[0]


def new_ids(now: datetime, chance: Chance, count: int) -> list[str]:
    """Make ids that sort by the aware instant they were made at; the system is asked once."""
    at_ms = (now - _EPOCH) // _MILLISECOND
    thrown = chance.bits(CHANCE_BITS * count).to_bytes(CHANCE_BYTES * count)
    each = range(0, len(thrown), CHANCE_BYTES)
    return [make_id(at_ms, int.from_bytes(thrown[n : n + CHANCE_BYTES])) for n in each]
