"""Which policy each source uses. Ours are the defaults of the product."""

from __future__ import annotations

from billing.catalog.terms import TrialClock
from billing.rating.measure import OURS, Cut, Leading, Manner
from billing.tax.levels import Level
from tests.vectors.reading import Vector

# Whoever publishes, rounds each part by itself; only ours are cut so that they sum.
_APART = Manner(cut=Cut.APART)
_MANNERS = {
    # Steps an interval back from the clamped end of a leading part.
    "KB": Manner(leading=Leading.STEPPED, cut=Cut.APART),
    "DX": OURS,
}
_TRIALS = {"LG": TrialClock.HOURS}
# Adds the exact taxes of all lines up and rounds them once.
_LEVELS = {"LG": Level.DOCUMENT}


def manner(vector: Vector) -> Manner:
    """Tell how the source of a vector counts and rounds parts."""
    return _MANNERS.get(vector.source, _APART)


def trial_clock(vector: Vector) -> TrialClock:
    """Tell what the days of a trial are at the source of a vector."""
    return _TRIALS.get(vector.source, TrialClock.LOCAL)


def tax_level(vector: Vector) -> Level:
    """Tell at which level the source of a vector rounds tax."""
    return _LEVELS.get(vector.source, Level.GROUP)
