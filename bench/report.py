"""What a benchmark found: values beside limits of the same run, for people and as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One case. `limit` and `ratio` are None where there is nothing to compare with."""

    case: str
    value: float
    unit: str
    target: float
    ok: bool
    limit: float | None = None
    ratio: float | None = None


def against(case: str, value: float, limit: float, *, unit: str, target: float) -> Result:
    """Compare a value with the limit measured beside it: at least `target` of it is wanted."""
    ratio = value / limit
    return Result(
        case=case,
        value=round(value, 1),
        unit=unit,
        limit=round(limit, 1),
        ratio=round(ratio, 3),
        target=target,
        ok=ratio >= target,
    )


def cost(case: str, value: float, limit: float, *, unit: str, target: float) -> Result:
    """Compare a cost with the limit measured beside it, which is to be at least `target` of it."""
    ratio = limit / value
    return Result(
        case=case,
        value=round(value, 1),
        unit=unit,
        limit=round(limit, 1),
        ratio=round(ratio, 3),
        target=target,
        ok=ratio >= target,
    )


def at_most(case: str, value: float, *, unit: str, target: float) -> Result:
    """Hold a value against the most it may be."""
    return Result(case=case, value=round(value, 2), unit=unit, target=target, ok=value <= target)


def at_least(case: str, value: float, *, unit: str, target: float) -> Result:
    """Hold a value against the least it may be."""
    return Result(case=case, value=round(value, 2), unit=unit, target=target, ok=value >= target)


def machine() -> str:
    """Name the machine in a few words."""
    python = platform.python_version()
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {python}"


def as_json(name: str, results: Sequence[Result]) -> str:
    """Return the report for programs."""
    found = {"name": name, "machine": machine(), "results": [asdict(each) for each in results]}
    return json.dumps(found, indent=2)


def as_text(name: str, results: Sequence[Result]) -> str:
    """Return the report for people."""
    lines = [f"{name} on {machine()}"]
    for each in results:
        verdict = "ok" if each.ok else "MISSED"
        beside = "" if each.limit is None else f" of {each.limit:,} = {each.ratio}"
        value = f"{each.value:,} {each.unit}{beside}"
        lines.append(f"  {each.case:<16} {value} (wanted: {each.target}) {verdict}")
    return "\n".join(lines)
