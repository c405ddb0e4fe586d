"""operator.toml: who the operator is, who sells, its targets, payment providers, dunning, rentals,
taxes, promises, refunds, jobs, guard, notices, the gateway for short messages.

"${NAME}" inside [targets], [payments] and [sms] is read from an environment that the caller passes
in, so that no password needs to stand in the file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from app.imports import cells
from app.imports.dunning_rules import Dunning, segments_of
from app.imports.loyalty_rows import TIERS, told_program
from app.imports.loyalty_sheets import LOYALTY_TIERS
from app.imports.problems import Problems
from app.imports.refund_rules import Refunds
from app.imports.sellers import SELLERS_MAX, SellerTable, sellers_of
from app.imports.tables import are_tables
from billing.billdays.model import WINDOW_DAYS_MAX
from billing.dunning.brake import BrakePolicy
from billing.dunning.segment import Segments
from billing.equipment.model import Starts
from billing.loyalty.model import Program
from billing.payments.refunds import Alone
from billing.promises.model import (
    COUNT_MAX,
    DAYS_MAX,
    PAID_MONTHS_MAX,
    STANDINGS_MAX,
    PromisePolicy,
    Standing,
)
from billing.sellers.model import Seller
from billing.tax.levels import Level
from gateway.inventory.sending import Sending
from gateway.provisioning.targets import CALLS_PER_S_MAX, CALLS_PER_S_MIN, IN_FLIGHT_MAX
from messages.policy import Policy
from messages.policy_store import SMS
from messages.preview import read_notices
from runtime.wording import of_file
from terms.errors import Invalid
from terms.money import Money

FILE = "operator.toml"
_USUAL = PromisePolicy()
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Business(_Strict):
    """[operator]: name, money, place."""

    name: str = Field(min_length=1, max_length=120)
    currency: str
    zone: str
    locale: str = "en"
    country: str

    _currency = field_validator("currency")(cells.currency)
    _zone = field_validator("zone")(cells.zone)
    _locale = field_validator("locale")(cells.locale)
    _country = field_validator("country")(cells.country)


class Rental(_Strict):
    """[rental]: when what a household holds begins to cost."""

    starts: str = Starts.HAND_OVER.value

    _starts = field_validator("starts")(cells.one_of(*Starts))


class Tax(_Strict):
    """[tax]: what tax is rounded once for."""

    rounding: str = Level.GROUP.value

    _rounding = field_validator("rounding")(cells.one_of(*Level))


class PromiseStanding(_Strict):
    """[[promises.standing]]: what holds for whoever has paid for so many months."""

    paid_months: int = Field(ge=0, le=PAID_MONTHS_MAX)
    days_max: int = Field(ge=0, le=DAYS_MAX)
    owed_max: str = Field(default="", max_length=20)


class Promises(_Strict):
    """[promises]: which promised payments are taken; days_max = 0 takes none."""

    days_max: int = Field(default=_USUAL.days_max, ge=0, le=DAYS_MAX)
    pause_days: int = Field(default=_USUAL.pause_days, ge=0, le=DAYS_MAX)
    owed_min: str = Field(default="", max_length=20)
    owed_max: str = Field(default="", max_length=20)
    count_max: int = Field(default=0, ge=0, le=COUNT_MAX)
    count_days: int = Field(default=_USUAL.count_days, ge=0, le=DAYS_MAX)
    broken_max: int = Field(default=0, ge=0, le=COUNT_MAX)
    standing: list[PromiseStanding] = Field(default_factory=list, max_length=STANDINGS_MAX)


class Billing(_Strict):
    """[billing]: for how many days a bill day waits for a person; 0: it does not."""

    preview_days: int = Field(default=0, ge=0, le=WINDOW_DAYS_MAX)


class Jobs(_Strict):
    """[jobs]: whether somebody is sent by itself to a household that lacks boxes."""

    install: str = Sending.AUTOMATIC.value

    _install = field_validator("install")(cells.one_of(*Sending))


class Guard(_Strict):
    """[guard]: how many may go dark before somebody is asked."""

    share_percent: int = Field(ge=1, le=100)
    floor: int = Field(ge=0, le=1_000_000)


class Limits(_Strict):
    """In each [targets.NAME], beside its options: how much the target stands, of all workers."""

    in_flight_max: int = Field(IN_FLIGHT_MAX, ge=1, le=512)
    calls_per_s: float | None = Field(None, ge=CALLS_PER_S_MIN, le=CALLS_PER_S_MAX)


class _Shape(_Strict):
    operator: Business
    seller: list[SellerTable] = Field(default_factory=list, max_length=SELLERS_MAX)
    targets: dict[str, dict[str, Any]] = Field(default_factory=dict)
    payments: dict[str, dict[str, Any]] = Field(default_factory=dict)
    dunning: Dunning = Dunning()
    rental: Rental = Rental()
    tax: Tax = Tax()
    promises: Promises = Promises()
    billing: Billing = Billing()
    refunds: Refunds = Refunds()
    loyalty: dict[str, Any] | None = None  # as the catalogue says it; without it that stays
    jobs: Jobs = Jobs()
    guard: Guard | None = None
    notices: dict[str, Any] = Field(default_factory=dict)
    sms: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """One configured thing outside: its name, its kind, and the options of that kind."""

    name: str
    kind: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limited(Outside):
    """A target, and how much it stands."""

    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """All of operator.toml."""

    business: Business
    sellers: Mapping[date, Seller]  # by the day from which each sells
    targets: tuple[Limited, ...]
    payments: tuple[Outside, ...]
    segments: Segments
    brake: BrakePolicy
    dunning: Mapping[str, Any]  # as it was told
    starts: Starts
    level: Level
    promises: PromisePolicy
    preview_days: int
    alone: Alone
    program: Program | None
    sending: Sending
    guard: Guard | None
    notices: Policy
    sms: Mapping[str, Any] | None


def read_operator(
    raw: bytes, environment: Mapping[str, str], problems: Problems
) -> Operator | None:
    """Read and check the file; None where it is not what it should be."""
    try:
        shape = _Shape.model_validate(tomllib.loads(raw.decode("utf-8-sig")))
    except UnicodeDecodeError:
        problems.add(FILE, "not UTF-8: save the file as UTF-8")
        return None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        problems.add(FILE, f"not readable as TOML: {error}")
        return None
    except ValidationError as error:
        _tell(_Shape, error, "", problems)
        return None
    before = len(problems)
    sellers = sellers_of(shape.seller, problems, FILE)
    targets = _limited(_outside("targets", shape.targets, environment, problems), problems)
    payments = _outside("payments", shape.payments, environment, problems)
    segments = _segments(shape.dunning, shape.operator.currency, problems)
    promises = _promises(shape.promises, shape.operator.currency, problems)
    alone = _alone(shape.refunds, problems)
    program = None
    if shape.loyalty is not None:
        program = _program(shape.loyalty, shape.operator.currency, problems)
    sms = _filled(shape.sms, SMS, environment, problems) if shape.sms is not None else None
    notices = _notices(shape.notices, sms, problems) if len(problems) == before else None
    if segments is None or promises is None or alone is None or notices is None:
        return None
    if len(problems) > before:
        return None
    return Operator(
        business=shape.operator,
        sellers=sellers,
        targets=targets,
        payments=payments,
        segments=segments,
        brake=shape.dunning.brake.policy,
        dunning=shape.dunning.model_dump(mode="json", exclude_unset=True),
        starts=Starts(shape.rental.starts),
        level=Level(shape.tax.rounding),
        promises=promises,
        preview_days=shape.billing.preview_days,
        alone=alone,
        program=program,
        sending=Sending(shape.jobs.install),
        guard=shape.guard,
        notices=notices,
        sms=sms,
    )


def _notices(
    told: Mapping[str, Any], sms: Mapping[str, Any] | None, problems: Problems
) -> Policy | None:
    try:
        return read_notices(told, sms)
    except Invalid as error:
        problems.add(FILE, error.reason, field=error.field)
        return None


def _segments(told: Dunning, currency: str, problems: Problems) -> Segments | None:
    try:
        return segments_of(told, currency)
    except Invalid as error:
        problems.add(FILE, error.reason, field=error.field)
        return None


def _alone(told: Refunds, problems: Problems) -> Alone | None:
    try:
        return told.alone
    except Invalid as error:
        problems.add(FILE, error.reason, field=f"refunds.{error.field}")
        return None


def _promises(table: Promises, currency: str, problems: Problems) -> PromisePolicy | None:
    before = len(problems)
    least = _amount("owed_min", table.owed_min, currency, problems)
    most = _amount("owed_max", table.owed_max, currency, problems)
    standings = tuple(
        Standing(
            paid_months=one.paid_months,
            days_max=one.days_max,
            owed_max_minor=_amount(f"standing.{n}.owed_max", one.owed_max, currency, problems),
        )
        for n, one in enumerate(table.standing)
    )
    if len(problems) > before:
        return None
    try:
        return PromisePolicy(
            days_max=table.days_max,
            pause_days=table.pause_days,
            owed_min_minor=least,
            owed_max_minor=most,
            count_max=table.count_max,
            count_days=table.count_days,
            broken_max=table.broken_max,
            standings=standings,
        )
    except Invalid as error:
        problems.add(FILE, error.reason, field=error.field)
        return None


def _program(told: Mapping[str, Any], currency: str, problems: Problems) -> Program | None:
    """Read what the sheets of the catalogue may say as well, by their readers."""
    if not are_tables(told.get(TIERS, [])):
        problems.add(FILE, f"must be tables: [[loyalty.{TIERS}]]", field=f"loyalty.{TIERS}")
        return None
    found = Problems()
    program = told_program(told, currency, found)
    for one in found:
        where = f"loyalty.{TIERS}.{one.row - 1}" if one.file == LOYALTY_TIERS.file else "loyalty"
        problems.add(FILE, one.why, field=f"{where}.{one.field}")
    return program


def _amount(name: str, text: str, currency: str, problems: Problems) -> int | None:
    if not text:
        return None
    try:
        return Money.parse(cells.amount_text(text), currency).amount_minor
    except ValueError as error:
        problems.add(FILE, str(error), field=f"promises.{name}")
        return None


def _outside(
    section: str,
    tables: Mapping[str, Mapping[str, Any]],
    environment: Mapping[str, str],
    problems: Problems,
) -> tuple[Outside, ...]:
    found = []
    for name, table in tables.items():
        where = f"{section}.{name}"
        try:
            cells.code(name)
        except ValueError as error:
            problems.add(FILE, str(error), field=where)
            continue
        options = _filled(dict(table), where, environment, problems)
        kind = options.pop("kind", None)
        if not isinstance(kind, str) or not kind:
            problems.add(FILE, "must not be empty", field=f"{where}.kind")
            continue
        found.append(Outside(name=name, kind=kind, options=options))
    return tuple(found)


def _limited(found: Sequence[Outside], problems: Problems) -> tuple[Limited, ...]:
    """Part what is said of every target from the options of its kind."""
    targets = []
    for one in found:
        options = dict(one.options)
        said = {name: options.pop(name) for name in Limits.model_fields if name in options}
        try:
            limits = Limits.model_validate(said)
        except ValidationError as error:
            _tell(Limits, error, f"targets.{one.name}.", problems)
        else:
            targets.append(Limited(name=one.name, kind=one.kind, options=options, limits=limits))
    return tuple(targets)


def _tell(model: type[BaseModel], error: ValidationError, where: str, problems: Problems) -> None:
    for wrong in error.errors(include_url=False):
        field = where + ".".join(str(part) for part in wrong["loc"])
        problems.add(FILE, of_file(model, wrong, field), field=field)


def _filled(value: Any, where: str, environment: Mapping[str, str], problems: Problems) -> Any:
    """Replace every "${NAME}" in the texts of a value."""
    if isinstance(value, dict):
        return {k: _filled(v, f"{where}.{k}", environment, problems) for k, v in value.items()}
    if isinstance(value, list):
        return [_filled(v, f"{where}[{n}]", environment, problems) for n, v in enumerate(value)]
    if not isinstance(value, str):
        return value
    for name in _VARIABLE.findall(value):
        if not environment.get(name):
            problems.add(FILE, f"the environment variable {name} is not set", field=where)
    return _VARIABLE.sub(lambda match: environment.get(match[1], ""), value)
