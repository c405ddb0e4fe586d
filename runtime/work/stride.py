"""The stride: how many rows a lane takes at once, sized by the time that a batch may take.

A batch holds what others wait for: the one connection that writes, and stretches of the event loop.
What it takes depends on the machine, the database and who else is at work, so it is measured.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

# Of the time that a batch may take, this share is aimed at: the rest is for what comes between.
AIM = 0.6
# A batch that was quick lets the next one be larger by so much, one that was slow halves it at once.
GROWS_BY = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Stride:
    """So many rows next, never more than `rows_max`; a batch should take less than `within_s`."""

    rows: int = 1
    rows_max: int
    within_s: float

    def after(self, rows: int, took_s: float) -> Stride:
        """Tell the next stride from what a batch of so many rows took.

        Who takes less than was allowed, because there was no more, learns nothing from being quick.
        """
        if rows < 1:
            return self
        aim_s = self.within_s * AIM
        fitting = int(rows * aim_s / took_s) if took_s > 0 else self.rows_max
        if fitting < rows:
            return self._of(max(fitting, rows // 2))
        if rows < self.rows:
            return self
        return self._of(min(fitting, self.rows + max(1, int(self.rows * GROWS_BY))))

    def _of(self, rows: int) -> Stride:
        return replace(self, rows=max(1, min(rows, self.rows_max)))


class Pace:
    """The stride of one lane as it goes: told what each batch took, asked for the next."""

    def __init__(self, stride: Stride) -> None:
        self.stride = stride

    @property
    def rows(self) -> int:
        """How many rows to take next."""
        return self.stride.rows

    def took(self, rows: int, seconds: float) -> None:
        """Note what a batch took."""
        self.stride = self.stride.after(rows, seconds)
