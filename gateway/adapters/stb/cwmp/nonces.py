"""Nonces of ours: made without a table, used with one.

A nonce carries its time and a seal that every process of ours makes alike, so that it costs no
memory and may be answered to another process; it serves the address it was made for alone. Only one
that was used with the right password is kept, with its count, where it was used; forgotten ones are
refused by their age. A proof serves once at each process, and a cookie binds a session to one.
"""

from __future__ import annotations

import base64
import hmac
from collections import OrderedDict
from enum import Enum

from runtime.chance import Chance

LASTS_S = 300.0
# How far the clocks of two machines may be apart.
SKEW_S = 30.0
KEPT_MAX = 20_000
_TIME_BYTES, _NUMBER_BYTES, _SEAL_BYTES = 8, 8, 16
_BYTES = _TIME_BYTES + _NUMBER_BYTES + _SEAL_BYTES


class Use(Enum):
    """What is to be said of a nonce."""

    FRESH = "fresh"
    STALE = "stale"  # it was ours; another one is needed
    FOREIGN = "foreign"  # it never was ours


class Nonces:
    """The nonces of one process. Times are seconds since 1970; a peer is an address."""

    def __init__(self, key: bytes, chance: Chance, *, kept_max: int = KEPT_MAX) -> None:
        self._key = key
        # Another process counts from elsewhere: no two nonces are alike.
        self._number = chance.bits(8 * _NUMBER_BYTES)
        self._kept_max = kept_max
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()
        # Nonces of this moment or before it are only taken where they are in the table.
        self._forgotten_until = -1.0

    def make(self, now_s: float, peer: str) -> str:
        """Make one; no two are alike, and nobody foretells the seal."""
        self._number = (self._number + 1) % (1 << 8 * _NUMBER_BYTES)
        head = round(now_s * 1000).to_bytes(_TIME_BYTES, "big")
        head += self._number.to_bytes(_NUMBER_BYTES, "big")
        return base64.urlsafe_b64encode(head + self._seal(head, peer)).rstrip(b"=").decode("ascii")

    def look(self, nonce: str, peer: str, now_s: float) -> Use:
        """Tell whether a nonce may be used now."""
        made_s = self._made_s(nonce, peer)
        if made_s is None:
            return Use.FOREIGN
        is_late = not -SKEW_S <= now_s - made_s <= LASTS_S
        is_forgotten = made_s <= self._forgotten_until and nonce not in self._counts
        return Use.STALE if is_late or is_forgotten else Use.FRESH

    def spend(self, nonce: str, count: int) -> bool:
        """Use a nonce that was looked at, by one who has proven himself; False for a replay."""
        made_s, last = self._counts.get(nonce, (None, 0))
        if count <= last:
            return False
        if made_s is None:
            made_s = _made_s(_raw(nonce) or b"")
        self._counts[nonce] = (made_s, count)
        if len(self._counts) > self._kept_max:
            _, (oldest_s, _) = self._counts.popitem(last=False)
            self._forgotten_until = max(self._forgotten_until, oldest_s)
        return True

    def _made_s(self, nonce: str, peer: str) -> float | None:
        raw = _raw(nonce)
        if raw is None:
            return None
        head, seal = raw[:-_SEAL_BYTES], raw[-_SEAL_BYTES:]
        return _made_s(raw) if hmac.compare_digest(seal, self._seal(head, peer)) else None

    def _seal(self, head: bytes, peer: str) -> bytes:
        return hmac.digest(self._key, head + peer.encode(), "sha256")[:_SEAL_BYTES]


def _raw(nonce: str) -> bytes | None:
    try:
        raw = base64.b64decode(nonce + "=" * (-len(nonce) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    return raw if len(raw) == _BYTES else None


def _made_s(raw: bytes) -> float:
    return int.from_bytes(raw[:_TIME_BYTES], "big") / 1000
