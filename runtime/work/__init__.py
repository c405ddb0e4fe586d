"""Dirty rows: "look at this key". The queue of record, in the database of the facts.

A row carries no payload; whoever claims it reads the truth afresh. One row per (kind, key), so any
number of marks becomes one look, and a mark during a look causes exactly one more.
"""

from runtime.work.lane import Handler, Lane, is_suspect, without_suspects
from runtime.work.rows import Cause, Claim, Failure, Parking, Work
from runtime.work.stride import Stride
from runtime.work.table import work

__all__ = [
    "Cause",
    "Claim",
    "Failure",
    "Handler",
    "Lane",
    "Parking",
    "Stride",
    "Work",
    "is_suspect",
    "without_suspects",
    "work",
]
