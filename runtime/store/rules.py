"""An invariant as a question to the live database: what breaks it? Nothing does, or keys come back.

A rule is one statement that only reads, so that it sees one state of things and can be asked beside
whoever writes. What it is about its SQL knows; nothing here does. What no statement can tell is
walked through.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from runtime.store.lease import Engine
from runtime.store.unit import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`sql` yields a key and a word about each row that breaks what the rule `says`.

    One text for both engines, or one for each. `code` is the invariant that it is a part of.
    """

    code: str
    says: str
    sql: str | Mapping[Engine, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offence:
    """A row that breaks a rule."""

    key: str
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A rule of what only grows, read page by page: `breaks` yields what breaks it."""

    code: str
    says: str
    breaks: Callable[[Tx], AsyncIterator[Offence]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found of one rule: how many rows break it, and the first of them."""

    code: str
    says: str
    count: int
    offences: tuple[Offence, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing breaks it."""
        return self.count == 0


async def judge(tx: Tx, rule: Rule | Walk, *, offences_max: int) -> Verdict:
    """Ask what breaks a rule."""
    if isinstance(rule, Walk):
        return await _walked(tx, rule, offences_max)
    sql = rule.sql if isinstance(rule.sql, str) else rule.sql[tx.engine]
    # Few rows break it, which no planner expects: it must not look for the first of very many.
    counted = (
        f"WITH broken(key, told) AS MATERIALIZED ({sql}) "  # noqa: S608 - rules are constants of ours
        f"SELECT key, told, COUNT(*) OVER () FROM broken ORDER BY key LIMIT {offences_max}"
    )
    rows = await tx.fetch(counted)
    offences = tuple(Offence(key=str(key), told=str(told)) for key, told, _ in rows)
    count = int(rows[0][2]) if rows else 0
    return Verdict(code=rule.code, says=rule.says, count=count, offences=offences)


async def _walked(tx: Tx, rule: Walk, offences_max: int) -> Verdict:
    count, shown = 0, []
    async for one in rule.breaks(tx):
        count += 1
        if count <= offences_max:
            shown.append(one)
    return Verdict(code=rule.code, says=rule.says, count=count, offences=tuple(shown))
