"""What a service may watch: its subscriptions' grants, and the verdict of all holds over them.

Recomputed whole every time, never patched. `expires_at` stays empty: with a date that follows the
paid period every renewal would rewrite every account at every target, for nothing; a debt holds
the service on its day all the same. So does the `until` of what a subscription grants: it is looked
at again on the day it ends. A title that was bought has its end from the start.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from billing.accounts.model import Service
from billing.catalog.model import OfferingKind
from billing.dunning.model import EFFECT, Hold, HoldKind
from terms.entitlement import Entitlement, Grant, ServiceState

KNOWN_MAX = 8_192


class Granted(NamedTuple):
    """The package codes that a service has from a day up to, not including, another one."""

    kind: OfferingKind
    grants: tuple[str, ...]
    from_on: date
    until_on: date | None

    def is_current(self, day: date) -> bool:
        """Whether they are had on a day."""
        return self.from_on <= day and not self.is_over(day)

    def is_over(self, day: date) -> bool:
        """Whether they have ended before a day begins."""
        return self.until_on is not None and self.until_on <= day


class Rights(NamedTuple):
    """Whether a service may be watched, why not, and what it is for."""

    state: ServiceState
    reason: str
    grants: tuple[Grant, ...]


def project(
    service: Service, granted: Iterable[Granted], holds: Iterable[Hold], locale: str, today: date
) -> Entitlement:
    """Compute the rights of a service on a day, under the revision it was last issued with.

    What is granted comes in the order in which it was agreed.
    """
    kinds = frozenset([hold.kind for hold in holds])
    state, reason, grants = rights_on(tuple(granted), kinds, today)
    return Entitlement(
        service=service.id,
        revision=service.revision,
        state=state,
        grants=grants,
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


@lru_cache(maxsize=KNOWN_MAX)
def rights_on(granted: tuple[Granted, ...], holds: frozenset[HoldKind], today: date) -> Rights:
    """Judge what is granted by all holds: most households have what others have."""
    codes = {code for one in _counting(granted, today) for code in one.grants}
    state, reason = _verdict(granted, holds, today)
    return Rights(state, reason, tuple(Grant(code=code) for code in sorted(codes)))


def _verdict(
    granted: Sequence[Granted], holds: frozenset[HoldKind], today: date
) -> tuple[ServiceState, str]:
    """Judge the state of a service, and name the reason where it is dark."""
    if any(one.is_current(today) for one in granted):
        deciding = next((kind for kind in EFFECT if kind in holds), None)
        return (EFFECT[deciding], deciding.value) if deciding else (ServiceState.ACTIVE, "")
    if any(not one.is_over(today) for one in granted):
        return ServiceState.PENDING, "not_begun"
    return ServiceState.ENDED, "cancelled"


def _counting(granted: Sequence[Granted], today: date) -> list[Granted]:
    """Those whose grants count: the current ones, else those to come, else those that ended last.

    So a service always says what it is for, also before it begins and after it ended.
    """
    begun = [one for one in granted if one.from_on <= today]
    current = [one for one in begun if one.is_current(today)]
    to_come = [one for one in granted if not one.is_over(today)]
    last = max((one.until_on or today for one in begun), default=today)
    ended_last = [one for one in begun if one.until_on == last]
    return current or _with_one_plan(to_come) or _with_one_plan(ended_last)


def _with_one_plan(granted: Sequence[Granted]) -> list[Granted]:
    """Leave out plans that were replaced on the day on which they began, or on which all ended."""
    plans = [n for n, one in enumerate(granted) if one.kind is OfferingKind.PLAN]
    replaced = sorted(plans, key=lambda n: granted[n].from_on)[:-1]
    return [one for n, one in enumerate(granted) if n not in replaced]
