"""What rows of loyalty.csv and loyalty_tiers.csv mean, and what is wrong with them.

Each sheet is told as a whole, one without rows as well; of one that is not told stays what is
published.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.imports.loyalty_sheets import LOYALTY, LOYALTY_TIERS, LoyaltyRow, TierRow
from app.imports.problems import Problems
from app.imports.tables import read_table
from billing.loyalty.model import TIERS_MAX, Program, Tier
from terms.errors import Invalid
from terms.money import PER_MILLION, Money

TIERS = "tiers"  # what they are called inside a table that says all of it


def program_of(
    rows: Sequence[LoyaltyRow] | None, tiers: Sequence[TierRow] | None, currency: str, held: Program
) -> Program | None:
    """Make the program of checked rows; None where neither sheet is told."""
    if rows is None and tiers is None:
        return None
    program = replace(held, currency=currency)
    if rows is not None:
        program = replace(program, referral=None, months=Program().months)
        for row in rows:
            program = _given(row, currency, program)
    if tiers is not None:
        made = [(_from_minor(row, currency), row) for row in tiers]
        by_bound = sorted(made, key=lambda one: one[0])
        told = [Tier(name=row.name, from_minor=bound, earns=row.earns) for bound, row in by_bound]
        program = replace(program, tiers=tuple(told))
    return program


def told_program(told: Mapping[str, Any], currency: str, problems: Problems) -> Program | None:
    """Read a program from one table with its tiers inside; None where anything is wrong.

    A problem is noted for the sheet that would say the same.
    """
    gift = {name: value for name, value in told.items() if name != TIERS}
    rows = read_table("loyalty", [gift], problems)
    tiers = read_table("loyalty_tiers", told.get(TIERS, []), problems)
    wrong_gifts(rows, currency, problems)
    wrong_tiers(tiers, currency, problems)
    return None if problems else program_of(rows, tiers, currency, Program())


def wrong_gifts(rows: Sequence[LoyaltyRow], currency: str, problems: Problems) -> None:
    """Note what is wrong with the gift."""
    for row in rows:
        for column, why in _wrong_gift(row, currency):
            problems.add(LOYALTY.file, why, row=row.line, field=column)


def wrong_tiers(rows: Sequence[TierRow], currency: str, problems: Problems) -> None:
    """Note what is wrong with the tiers, where each can be read."""
    if LOYALTY_TIERS.file in problems.found:
        return
    for line, column, why in _wrong_tiers(rows, currency):
        problems.add(LOYALTY_TIERS.file, why, row=line, field=column)


def _given(row: LoyaltyRow, currency: str, program: Program) -> Program:
    gift = Money.parse(row.referral, currency) if row.referral else None
    return replace(program, referral=gift, months=row.months or Program().months)


def _from_minor(row: TierRow, currency: str) -> int:
    return Money.parse(row.from_paid or "0", currency).amount_minor


def _wrong_gift(row: LoyaltyRow, currency: str) -> Iterator[tuple[str, str]]:
    try:
        _given(row, currency, Program())
    except Invalid as error:
        yield error.field.removeprefix("loyalty."), error.reason
    except ValueError as error:
        yield "referral", str(error)


def _wrong_tiers(rows: Sequence[TierRow], currency: str) -> Iterator[tuple[int, str, str]]:
    if len(rows) > TIERS_MAX:
        yield rows[TIERS_MAX].line, "name", f"more than {TIERS_MAX} tiers"
    bounds: dict[int, TierRow] = {}
    for row in rows:
        if row.earns.ppm > PER_MILLION:
            yield row.line, "earns", "nobody earns more than is paid"
        try:
            bound = _from_minor(row, currency)
        except ValueError as error:
            yield row.line, "from_paid", str(error)
            return
        if (other := bounds.setdefault(bound, row)) is not row:
            yield row.line, "from_paid", f"'{other.name}' begins there already"
    if bounds and min(bounds) != 0:
        yield bounds[min(bounds)].line, "from_paid", "the lowest tier begins at nothing"
