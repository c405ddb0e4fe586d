"""The stride of a lane: how many rows it takes at once, sized by the time that a batch may take.

A batch holds what others wait for: the one connection that writes, and stretches of the event loop.
How long depends on the machine, the database and who else is at work, so that it is measured.
"""

from __future__ import annotations

# Of the time that a batch may take, what is aimed at: the rest is for what comes in between.
AIM = 0.6
# A batch that was quick lets the next one be so much larger; one that was slow halves it at once.
GROWS_BY = 0.25
FIRST_ROWS = 10
LEAST_S = 0.000_001


class Stride:
    """So many rows next: as many as are done within the time, from `rows_min` to `rows_max`.

    `rows_min` are quick on any machine: where they are not, it is busy with something else, and
    smaller batches would keep it busier.
    """

    def __init__(self, *, rows_max: int, within_s: float, rows_min: int = 1) -> None:
        self.rows_max = rows_max
        self.rows_min = min(rows_min, rows_max)
        self.within_s = within_s
        self.rows = min(max(FIRST_ROWS, rows_min), rows_max)

    def took(self, rows: int, seconds: float) -> None:
        """Learn from what a batch of so many rows took.

        One that was small because there was no more tells how slow things are, not how quick.
        """
        a_row_s = max(seconds, LEAST_S) / max(rows, 1)
        if seconds > self.within_s * AIM:
            fitting = max(int(self.within_s * AIM / a_row_s), rows // 2, self.rows_min)
            self.rows = min(fitting, self.rows_max)
        elif rows >= self.rows:
            # At the worst, were nothing of it the batch's own, so many would still be in time.
            safe = int(self.within_s / a_row_s)
            grown = rows + max(1, int(rows * GROWS_BY))
            self.rows = max(min(safe, grown, self.rows_max), self.rows_min)
