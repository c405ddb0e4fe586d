"""/dunning: the rules by which debts are followed, what others would come to, and the brake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import Field

from app.desk import dunning
from app.desk.dunning import BrakeView
from app.web.api.shapes import Amount, OptionalText
from app.web.api.ways import ask, change, look
from app.web.route import Body, Call
from billing.flows.fees_ahead import FeesAhead
from billing.reads.dunning import DAYS_MAX, HAPPENINGS, Effects, First
from runtime.store import Tx

Rules = Mapping[str, Any]


class DunningBody(Body):
    """The table [dunning] of operator.toml, whole: what it does not say is as it is usually."""

    rules: dict[str, Any]
    reason: OptionalText = ""


class OutlookBody(Body):
    """Other rules to look ahead by, and how many days; the published ones where none are told."""

    rules: dict[str, Any] | None = None
    days: Annotated[int, Field(ge=0, le=DAYS_MAX)] = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class DunningRules:
    """The rules that are published, as they were told; none before any were kept."""

    rules: Rules | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DunningPublished:
    """What has changed, in words."""

    changes: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstOne:
    """An account that something would happen to, and on which day."""

    account: str
    segment: str
    on: date
    owed: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """How many accounts something would happen to, and to whom first."""

    what: str
    accounts: int
    first: Sequence[FirstOne]


@dataclass(frozen=True, slots=True, kw_only=True)
class LateFeesAhead:
    """How many late fees of how many accounts, and what they come to in each currency."""

    accounts: int
    fees: int
    amounts: Sequence[Amount]


@dataclass(frozen=True, slots=True, kw_only=True)
class DunningOutlook:
    """What would happen within so many days if nobody paid, by either rules."""

    days: int
    accounts: int
    published: Sequence[Happening]
    wished: Sequence[Happening]
    fees: LateFeesAhead
    fees_wished: LateFeesAhead


@dataclass(frozen=True, slots=True, kw_only=True)
class BrakeStanding:
    """How the brake stands; none before an operator was imported."""

    brake: BrakeView | None


async def show(call: Call) -> DunningRules:
    """Show the rules that are published."""
    async with call.house.store.read() as tx:
        return DunningRules(rules=await dunning.rules(tx))


async def publish(call: Call, tx: Tx) -> DunningPublished:
    """Publish other rules, with the checks of an import."""
    body: DunningBody = call.body
    done = await dunning.publish(call.house, tx, body.rules, call.actor, reason=body.reason)
    return DunningPublished(changes=done.changes)


async def foresee(call: Call) -> DunningOutlook:
    """Look ahead by the published rules and by others; nothing is written."""
    body: OutlookBody = call.body
    async with call.house.store.read() as tx:
        found = await dunning.foresee(call.house, tx, body.rules, days=body.days)
    return DunningOutlook(
        days=found.days,
        accounts=found.accounts,
        published=_happenings(found.published),
        wished=_happenings(found.wished),
        fees=_fees(found.fees),
        fees_wished=_fees(found.fees_wished),
    )


async def brake(call: Call) -> BrakeStanding:
    """Tell whether the brake holds anybody back. Only a person lets them go, at the console."""
    async with call.house.store.read() as tx:
        return BrakeStanding(brake=await dunning.brake(tx))


def _happenings(effects: Effects) -> list[Happening]:
    return [
        Happening(
            what=what,
            accounts=getattr(effects, what),
            first=[_first(one) for one in getattr(effects, f"first_{what}")],
        )
        for what in HAPPENINGS
    ]


def _fees(found: FeesAhead) -> LateFeesAhead:
    amounts = [Amount.of(one) for one in found.amounts.values()]
    return LateFeesAhead(accounts=found.accounts, fees=found.fees, amounts=amounts)


def _first(one: First) -> FirstOne:
    return FirstOne(account=one.account, segment=one.segment, on=one.on, owed=Amount.of(one.owed))


ROUTES = (
    look("dunning", show, DunningRules),
    change("dunning", publish, DunningPublished, body=DunningBody),
    ask("dunning/preview", foresee, DunningOutlook, body=OutlookBody, problems=()),
    look("dunning/brake", brake, BrakeStanding),
)
