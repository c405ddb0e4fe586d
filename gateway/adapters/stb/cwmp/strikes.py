"""Wrong passwords: counted by who was named from where, and slowed down. Bounded.

Nobody is locked out by what another address does, unless they share it; many wrong names from one
address slow that address down.
"""

from __future__ import annotations

from collections import OrderedDict

FREE_MAX = 5
FREE_PER_ADDRESS_MAX = 100
WAIT_S_MAX = 300.0
FORGOTTEN_AFTER_S = 900.0
KEPT_MAX = 10_000


class Strikes:
    """The wrong passwords of one process."""

    def __init__(self, *, kept_max: int = KEPT_MAX) -> None:
        self._kept_max = kept_max
        self._kept: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def wait_s(self, address: str, name: str, now_s: float) -> float:
        """Tell for how many seconds this caller is not listened to; 0 where he is."""
        waits = (
            self._wait_s((address, name), FREE_MAX, now_s),
            self._wait_s((address, ""), FREE_PER_ADDRESS_MAX, now_s),
        )
        return max(waits)

    def count(self, address: str, name: str, now_s: float) -> None:
        """Count a wrong password."""
        for key in ((address, name), (address, "")):
            many, at_s = self._kept.pop(key, (0, now_s))
            if now_s - at_s > FORGOTTEN_AFTER_S:
                many = 0
            self._kept[key] = (many + 1, now_s)
        while len(self._kept) > self._kept_max:
            self._kept.popitem(last=False)

    def forgive(self, address: str, name: str) -> None:
        """Forget the wrong passwords of one who knows the right one."""
        if self._kept:
            self._kept.pop((address, name), None)

    def _wait_s(self, key: tuple[str, str], free: int, now_s: float) -> float:
        many, at_s = self._kept.get(key, (0, 0.0))
        if many <= free:
            return 0.0
        until_s = at_s + min(2.0 ** min(many - free, 16), WAIT_S_MAX)
        return max(until_s - now_s, 0.0)
