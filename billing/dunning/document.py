"""A segment as a document of plain values, as it is kept. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from billing.dunning.fee_terms import (
    dispute_read,
    dispute_written,
    late_read,
    late_written,
    reactivation_read,
    reactivation_written,
)
from billing.dunning.hours import Hours
from billing.dunning.level import Level
from billing.dunning.model import Action, Ladder, Step
from billing.dunning.reactivation import AS_USUAL
from billing.dunning.segment import Retries, Segment
from billing.payments.wallet import WalletRules

Document = Mapping[str, Any]


def written(one: Segment) -> Document:
    """Write a segment."""
    return {
        "steps": [_step(step) for step in one.ladder.steps],
        "least_minor": one.least_minor,
        "is_exempt": one.is_exempt,
        "cut_off": _hours(one.cut_off),
        "retries": {
            "hours": _hours(one.retries.hours),
            "paydays": list(one.retries.paydays),
            "payday_wait_days": one.retries.payday_wait_days,
        },
        "late_fees": late_written(one.late_fees) if one.late_fees else None,
        "dispute_fee": dispute_written(one.dispute_fee) if one.dispute_fee else None,
        "wallet": asdict(one.wallet) if one.wallet else None,
        "reactivation": reactivation_written(one.reactivation),
    }


def read(told: Document) -> Segment:
    """Read a segment."""
    retries = told["retries"]
    return Segment(
        ladder=Ladder(
            tuple(
                Step(
                    after_days=days,
                    action=Action(action),
                    notice=notice,
                    level=_read_level(*level) if level else None,
                )
                for days, action, notice, *level in told["steps"]
            )
        ),
        least_minor=told["least_minor"],
        is_exempt=told["is_exempt"],
        cut_off=_read_hours(told["cut_off"]),
        retries=Retries(
            hours=_read_hours(retries["hours"]),
            paydays=tuple(retries["paydays"]),
            payday_wait_days=retries["payday_wait_days"],
        ),
        late_fees=late_read(told["late_fees"]) if told.get("late_fees") else None,
        dispute_fee=dispute_read(told["dispute_fee"]) if told.get("dispute_fee") else None,
        wallet=WalletRules(**told["wallet"]) if told.get("wallet") else None,
        reactivation=reactivation_read(told["reactivation"])
        if told.get("reactivation")
        else AS_USUAL,
    )


def _step(one: Step) -> list[Any]:
    told = [one.after_days, one.action.value, one.notice]
    return [*told, _level(one.level)] if one.level else told


def _level(one: Level) -> Document:
    return {
        "name": one.name,
        "only": None if one.only is None else sorted(one.only),
        "without": sorted(one.without),
        "adds": sorted(one.adds),
        "streams_max": one.streams_max,
    }


def _read_level(told: Document) -> Level:
    only = told["only"]
    return Level(
        name=told["name"],
        only=None if only is None else frozenset(only),
        without=frozenset(told["without"]),
        adds=frozenset(told["adds"]),
        streams_max=told["streams_max"],
    )


def _hours(one: Hours) -> Document:
    return {
        "weekdays": sorted(one.weekdays),
        "from_hour": one.from_hour,
        "until_hour": one.until_hour,
        "holidays": sorted(day.isoformat() for day in one.holidays),
    }


def _read_hours(told: Document) -> Hours:
    return Hours(
        weekdays=frozenset(told["weekdays"]),
        from_hour=told["from_hour"],
        until_hour=told["until_hour"],
        holidays=frozenset(date.fromisoformat(day) for day in told["holidays"]),
    )
