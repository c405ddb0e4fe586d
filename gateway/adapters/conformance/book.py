"""The book of checks: name, sentence and function. A check gets a harness and asserts."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from gateway.adapters.conformance.harness import Harness

Run = Callable[[Harness], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that is true of every honest adapter."""

    name: str
    says: str
    run: Run


CHECKS: dict[str, Check] = {}


def check(run: Run) -> Run:
    """Enter a function under its own name."""
    enter(run.__name__, (run.__doc__ or "").strip(), run)
    return run


def enter(name: str, says: str, run: Run) -> None:
    """Enter a check that was made from a table."""
    if name in CHECKS or not says:
        raise ValueError(f"check {name!r} needs a name of its own and a sentence")
    CHECKS[name] = Check(name=name, says=says, run=run)
