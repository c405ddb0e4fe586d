"""Nonces of ours: made without a table, used with one.

A nonce carries its time and its own seal, so that a challenge costs no memory. Only one that was
used with the right password is kept, with its count; forgotten ones are refused by their age.
"""

from __future__ import annotations

import base64
import hmac
from collections import OrderedDict
from enum import Enum

from runtime.chance import Chance

LASTS_S = 300.0
KEPT_MAX = 20_000
_KEY_BYTES = 32
_TIME_BYTES, _NUMBER_BYTES, _SEAL_BYTES = 8, 8, 16
_BYTES = _TIME_BYTES + _NUMBER_BYTES + _SEAL_BYTES


class Use(Enum):
    """What is to be said of a nonce."""

    FRESH = "fresh"
    STALE = "stale"  # it was ours; another one is needed
    FOREIGN = "foreign"  # it never was ours


class Nonces:
    """The nonces of one process. Times are seconds of a clock that never goes back."""

    def __init__(self, chance: Chance, *, kept_max: int = KEPT_MAX) -> None:
        self._made = 0
        self._key = chance.bits(8 * _KEY_BYTES).to_bytes(_KEY_BYTES, "big")
        self._kept_max = kept_max
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()
        # Nonces of this moment or before it are only taken where they are in the table.
        self._forgotten_until = -1.0

    def make(self, now_s: float) -> str:
        """Make one; no two are alike, and nobody foretells the seal."""
        self._made += 1
        head = round(now_s * 1000).to_bytes(_TIME_BYTES, "big")
        head += self._made.to_bytes(_NUMBER_BYTES, "big")
        return base64.urlsafe_b64encode(head + self._seal(head)).rstrip(b"=").decode("ascii")

    def look(self, nonce: str, now_s: float) -> Use:
        """Tell whether a nonce may be used now."""
        known = self._counts.get(nonce)
        made_s = known[0] if known else self._made_s(nonce)
        if made_s is None:
            return Use.FOREIGN
        is_late = now_s - made_s > LASTS_S
        is_forgotten = made_s <= self._forgotten_until and known is None
        return Use.STALE if is_late or is_forgotten else Use.FRESH

    def spend(self, nonce: str, count: int) -> bool:
        """Use a nonce that was looked at, by one who has proven himself; False for a replay."""
        made_s, last = self._counts.get(nonce, (None, 0))
        if count <= last:
            return False
        if made_s is None:
            made_s = self._made_s(nonce) or 0.0
        self._counts[nonce] = (made_s, count)
        if len(self._counts) > self._kept_max:
            _, (oldest_s, _) = self._counts.popitem(last=False)
            self._forgotten_until = max(self._forgotten_until, oldest_s)
        return True

    def _made_s(self, nonce: str) -> float | None:
        try:
            raw = base64.b64decode(nonce + "=" * (-len(nonce) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return None
        head, seal = raw[:-_SEAL_BYTES], raw[-_SEAL_BYTES:]
        if len(raw) != _BYTES or not hmac.compare_digest(seal, self._seal(head)):
            return None
        return int.from_bytes(head[:_TIME_BYTES], "big") / 1000

    def _seal(self, head: bytes) -> bytes:
        return hmac.digest(self._key, head, "sha256")[:_SEAL_BYTES]
