"""What a service may watch: its subscriptions' grants, and the verdict of all holds over them.

Recomputed whole every time, never patched. `expires_at` stays empty: with a date that follows the
paid period every renewal would rewrite every account at every target, for nothing; a debt holds
the service on its day all the same. So does the `until` of what a subscription grants: it is looked
at again on the day it ends. A title that was bought has its end from the start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from billing.accounts.model import Service
from billing.catalog.model import OfferingKind
from billing.dunning.model import EFFECT, Hold
from billing.subscriptions.model import Subscription
from terms.entitlement import Entitlement, Grant, ServiceState
from terms.ids import SubscriptionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A subscription with the kind of its offering and the package codes that grants."""

    subscription: Subscription
    kind: OfferingKind
    grants: Sequence[str]


def project(
    service: Service, granted: Sequence[Granted], holds: Sequence[Hold], locale: str, today: date
) -> Entitlement:
    """Compute the rights of a service on a day, under the revision it was last issued with."""
    state, reason = verdict(granted, holds, today)
    codes = {code for one in _counting(granted, today) for code in one.grants}
    return Entitlement(
        service=service.id,
        revision=service.revision,
        state=state,
        grants=tuple(Grant(code=code) for code in sorted(codes)),
        streams=service.streams,
        devices=service.devices,
        reason=reason,
        label=service.label,
        locale=locale,
    )


def with_titles(rights: Entitlement, titles: Sequence[Grant]) -> Entitlement:
    """Add titles that may be watched for a while; what is had for good has no end.

    Each says when it ends, which never moves: so a target that knows ends needs no other word.
    """
    if rights.state in (ServiceState.PENDING, ServiceState.ENDED):
        return rights
    ends = {one.code: one.until for one in sorted(titles, key=lambda one: str(one.until))}
    ends |= {one.code: None for one in rights.grants}
    grants = tuple(Grant(code=code, until=ends[code]) for code in sorted(ends))
    return replace(rights, grants=grants)


def verdict(
    granted: Sequence[Granted], holds: Sequence[Hold], today: date
) -> tuple[ServiceState, str]:
    """Judge the state of a service by all its holds, and name the reason where it is dark."""
    subscriptions = [one.subscription for one in granted]
    if any(subscription.is_current(today) for subscription in subscriptions):
        kinds = {hold.kind for hold in holds}
        deciding = next((kind for kind in EFFECT if kind in kinds), None)
        return (EFFECT[deciding], deciding.value) if deciding else (ServiceState.ACTIVE, "")
    if any(not subscription.is_over(today) for subscription in subscriptions):
        return ServiceState.PENDING, "not_begun"
    return ServiceState.ENDED, "cancelled"


def _counting(granted: Sequence[Granted], today: date) -> list[Granted]:
    """Those whose grants count: the current ones, else those to come, else those that ended last.

    So a service always says what it is for, also before it begins and after it ended.
    """
    begun = [one for one in granted if one.subscription.from_on <= today]
    current = [one for one in begun if one.subscription.is_current(today)]
    to_come = [one for one in granted if not one.subscription.is_over(today)]
    last = max((one.subscription.until_on or today for one in begun), default=today)
    ended_last = [one for one in begun if one.subscription.until_on == last]
    return current or _with_one_plan(to_come) or _with_one_plan(ended_last)


def _with_one_plan(granted: Sequence[Granted]) -> list[Granted]:
    """Leave out plans that were replaced on the day on which they began, or on which all ended."""
    plans = [one for one in granted if one.kind is OfferingKind.PLAN]
    replaced = sorted(plans, key=_age)[:-1]
    return [one for one in granted if one not in replaced]


def _age(one: Granted) -> tuple[date, SubscriptionId]:
    return one.subscription.from_on, one.subscription.id
