"""[dunning] of operator.toml: what follows from debts, for everybody and for each segment."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import pairwise
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from app.imports import cells
from app.imports.fee_rules import Disputed, Late, Reactivated
from billing.dunning import model
from billing.dunning.brake import FLOOR, FLOOR_MAX, SHARE_PERCENT, BrakePolicy
from billing.dunning.hours import DAY_HOURS, HOLIDAYS_MAX, WEEKDAYS, Hours
from billing.dunning.level import CODES_MAX, STREAMS_MAX, Level
from billing.dunning.model import AFTER_DAYS_MAX, Action, Ladder
from billing.dunning.reactivation import AS_USUAL
from billing.dunning.segment import (
    NAME_CHARS_MAX,
    PAYDAY_WAIT_DAYS_MAX,
    PAYDAYS_MAX,
    SEGMENTS_MAX,
    USUAL,
    Retries,
    Segment,
    Segments,
)
from billing.payments.wallet import AMOUNT_MINOR_MAX, RENEWAL_DAYS_MAX, WalletRules
from messages.plan import OF_SERVICE
from terms.errors import Invalid
from terms.money import Money

STEPS_MAX = 100
WARNING = "suspension_warning"
LEVELS_MAX = 50
T = TypeVar("T")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Step(_Strict):
    """[[dunning.steps]]: what happens so many days after the due date of the oldest debt."""

    after_days: int = Field(ge=0, le=AFTER_DAYS_MAX)
    action: str
    notice: str = ""
    level: str = ""

    _action = field_validator("action")(cells.one_of(*Action))
    _notice = field_validator("notice")(cells.one_of(*OF_SERVICE))


class LevelTable(_Strict):
    """[dunning.levels.NAME]: what is left of a service that is limited."""

    only: list[str] | None = Field(default=None, max_length=CODES_MAX)
    without: list[str] = Field(default_factory=list, max_length=CODES_MAX)
    adds: list[str] = Field(default_factory=list, max_length=CODES_MAX)
    streams: int | None = Field(default=None, ge=1, le=STREAMS_MAX)

    @field_validator("only", "without", "adds")
    @classmethod
    def _codes(cls, codes: list[str] | None) -> list[str] | None:
        return None if codes is None else [cells.code(code) for code in codes]

    def level(self, name: str) -> Level:
        """Give the level. Raises Invalid where it takes nothing away."""
        return Level(
            name=name,
            only=None if self.only is None else frozenset(self.only),
            without=frozenset(self.without),
            adds=frozenset(self.adds),
            streams_max=self.streams,
        )


class BrakeTable(_Strict):
    """[dunning.brake]: how many may climb the ladder within a day before somebody is asked."""

    share_percent: int = Field(default=SHARE_PERCENT, ge=1, le=100)
    floor: int = Field(default=FLOOR, ge=0, le=FLOOR_MAX)

    @property
    def policy(self) -> BrakePolicy:
        """Give the policy."""
        return BrakePolicy(share_percent=self.share_percent, floor=self.floor)


class AtHours(_Strict):
    """[dunning.cut_off]: on which weekdays, and from which hour until which."""

    days: list[str] = Field(default_factory=lambda: [*WEEKDAYS], max_length=len(WEEKDAYS))
    from_hour: int = Field(default=0, ge=0, le=DAY_HOURS)
    until_hour: int = Field(default=DAY_HOURS, ge=0, le=DAY_HOURS)

    @field_validator("days")
    @classmethod
    def _days(cls, days: list[str]) -> list[str]:
        return [cells.one_of(*WEEKDAYS)(day) for day in days]

    def hours(self, holidays: frozenset[date]) -> Hours:
        """Give the hours, on no holiday. Raises Invalid where there are none."""
        return Hours(
            weekdays=frozenset(WEEKDAYS.index(day) for day in self.days),
            from_hour=self.from_hour,
            until_hour=self.until_hour,
            holidays=holidays,
        )


class Tries(AtHours):
    """[dunning.retries]: at which hours a retry is made, and for which paydays it waits."""

    paydays: list[int] = Field(default_factory=list, max_length=PAYDAYS_MAX)
    payday_wait_days: int = Field(default=0, ge=0, le=PAYDAY_WAIT_DAYS_MAX)


class WalletTable(_Strict):
    """[dunning.wallet]: when a wallet counts as low, and how much may be put into one at once."""

    low: str = Field(default="0", max_length=20)
    renewal_days: int = Field(default=0, ge=0, le=RENEWAL_DAYS_MAX)
    top_up_min: str = Field(default="", max_length=20)
    top_up_max: str = Field(default="", max_length=20)

    def rules(self, currency: str, *, is_prepaid: bool) -> WalletRules:
        """Give the rules. Raises Invalid naming the field."""
        return WalletRules(
            currency=currency,
            low_minor=_minor(self.low, currency, "low"),
            renewal_days=self.renewal_days,
            top_up_min_minor=_minor(self.top_up_min, currency, "top_up_min") or 1,
            top_up_max_minor=_minor(self.top_up_max, currency, "top_up_max") or AMOUNT_MINOR_MAX,
            is_prepaid=is_prepaid,
        )


class Rules(_Strict):
    """[dunning.segments.NAME]: what a segment has of its own; the rest is as in [dunning]."""

    steps: list[Step] | None = Field(default=None, max_length=STEPS_MAX)
    least: str | None = Field(default=None, max_length=20)
    exempt: bool | None = None
    cut_off: AtHours | None = None
    retries: Tries | None = None
    late_fees: Late | None = None
    dispute_fee: Disputed | None = None
    wallet: WalletTable | None = None
    reactivation: Reactivated | None = None


class Dunning(Rules):
    """[dunning]: the usual segment, the others, and the days on which nobody is suspended."""

    holidays: list[date] = Field(default_factory=list, max_length=HOLIDAYS_MAX)
    segments: dict[str, Rules] = Field(default_factory=dict, max_length=SEGMENTS_MAX)
    levels: dict[str, LevelTable] = Field(default_factory=dict, max_length=LEVELS_MAX)
    brake: BrakeTable = BrakeTable()


def segments_of(told: Dunning, currency: str) -> Segments:
    """Read all segments. Raises Invalid naming the field."""
    levels = {name: _level(name, table) for name, table in told.levels.items()}
    found = {USUAL: _segment(told, told, levels, currency, "dunning")}
    for name, rules in told.segments.items():
        where = f"dunning.segments.{name}"
        _check_name(name, where)
        found[name] = _segment(rules, told, levels, currency, where)
    return Segments(found)


def _check_name(name: str, where: str) -> None:
    try:
        cells.text_of(NAME_CHARS_MAX)(cells.code(name))
    except ValueError as error:
        raise Invalid(where, str(error)) from None


def _level(name: str, table: LevelTable) -> Level:
    _check_name(name, f"dunning.levels.{name}")
    return table.level(name)


def _segment(
    rules: Rules, usual: Dunning, levels: Mapping[str, Level], currency: str, where: str
) -> Segment:
    cut_off = _own(rules.cut_off, usual.cut_off) or AtHours()
    tries = _own(rules.retries, usual.retries) or Tries()
    late = _own(rules.late_fees, usual.late_fees)
    disputed = _own(rules.dispute_fee, usual.dispute_fee)
    tells = _own(rules.wallet, usual.wallet)
    reactivated = _own(rules.reactivation, usual.reactivation)
    with _named(where):
        ladder = _ladder(_own(rules.steps, usual.steps) or [], levels)
        least_minor = _minor(_own(rules.least, usual.least), currency)
        with _named("cut_off"):
            cut_off_hours = cut_off.hours(frozenset(usual.holidays))
        with _named("retries"):
            retries = Retries(
                # A payday on a holiday is one all the same.
                hours=tries.hours(frozenset()),
                paydays=tuple(tries.paydays),
                payday_wait_days=tries.payday_wait_days,
            )
        with _named("late_fees"):
            late_fees = late.rules(currency) if late else None
        with _named("wallet"):
            # A segment that has a wallet of its own was made for those who pay ahead.
            is_prepaid = rules is not usual and rules.wallet is not None
            wallet = tells.rules(currency, is_prepaid=is_prepaid) if tells else None
        with _named("dispute_fee"):
            dispute_fee = disputed.rules(currency) if disputed else None
        with _named("reactivation"):
            reactivation = reactivated.rules(currency) if reactivated else AS_USUAL
        return Segment(
            ladder=ladder,
            least_minor=least_minor,
            is_exempt=bool(_own(rules.exempt, usual.exempt)),
            cut_off=cut_off_hours,
            retries=retries,
            late_fees=late_fees,
            dispute_fee=dispute_fee,
            wallet=wallet,
            reactivation=reactivation,
        )


@contextmanager
def _named(where: str) -> Iterator[None]:
    """Name the place of what is refused inside."""
    try:
        yield
    except Invalid as error:
        raise Invalid(f"{where}.{error.field.removeprefix('dunning.')}", error.reason) from None


def _own(one: T | None, usual: T | None) -> T | None:
    return usual if one is None else one


def _ladder(steps: list[Step], levels: Mapping[str, Level]) -> Ladder:
    _check_order(steps)
    return Ladder(
        tuple(
            model.Step(
                after_days=s.after_days,
                action=Action(s.action),
                notice=s.notice,
                level=_found(s.level, levels) if s.level else None,
            )
            for s in steps
        )
    )


def _check_order(steps: Sequence[Step]) -> None:
    """Refuse steps that come in another order than they are read in, and a warning too late."""
    for n, (before, step) in enumerate(pairwise(steps), 1):
        if step.after_days < before.after_days:
            why = f"day {step.after_days} stands behind day {before.after_days}"
            raise Invalid(f"steps.{n}.after_days", f"{why}: write the steps in order of their days")
    dark = next((step.after_days for step in steps if step.action == Action.SUSPEND), None)
    for n, step in enumerate(steps):
        if dark is not None and step.notice == WARNING and step.after_days > dark:
            why = f"a warning on day {step.after_days} comes too late: day {dark} suspends"
            raise Invalid(f"steps.{n}.after_days", why)


def _found(name: str, levels: Mapping[str, Level]) -> Level:
    if name not in levels:
        known = ", ".join(sorted(levels)) or "none"
        raise Invalid("steps.level", f"there is no level {name!r}; known: {known}")
    return levels[name]


def unrouted(segments: Segments, routed: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield each level that adds a package code which leads nowhere, with that code."""
    steps = [step for one in segments.each.values() for step in one.ladder.steps]
    added = {(step.level.name, code) for step in steps if step.level for code in step.level.adds}
    yield from sorted(one for one in added if one[1] not in routed)


def _minor(text: str | None, currency: str, field: str = "least") -> int:
    if not text:
        return 0
    try:
        return Money.parse(cells.amount_text(text), currency).amount_minor
    except ValueError as error:
        raise Invalid(field, str(error)) from None
