"""One household as the counter sees it: money, service, boxes, targets.

Why it is dark by its rights is one thing, what holds up what it has a right to another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from billing.reads import account as accounts
from billing.reads.account import AccountView
from gateway.reads import services, targets
from gateway.reads.services import AtTarget, Overview
from gateway.reads.targets import Condition, Out
from messages import store as deliveries
from messages.model import Delivery
from runtime.store import Tx
from terms.ids import TargetName

MESSAGES_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """Everything known of one household.

    `why_dark` says why it may not watch, or not all of it; `held_up` what stands between
    that and its picture. Both are empty where the picture is on.
    """

    account: AccountView
    gateway: Overview
    messages: Sequence[Delivery]
    why_dark: Sequence[str]
    held_up: Sequence[str]


async def view(tx: Tx, contract: str) -> Household:
    """Show one household. Raises NotFound."""
    account = await accounts.view(tx, contract)
    gateway = await services.overview(tx, account.service.id)
    down = await targets.out_of_work(tx)
    sent = await deliveries.latest(tx, rows_max=MESSAGES_MAX, service=account.service.id)
    return Household(
        account=account,
        gateway=gateway,
        messages=sent,
        why_dark=account.why_dark,
        held_up=_held_up(gateway, down),
    )


def _held_up(gateway: Overview, down: Mapping[TargetName, Out]) -> list[str]:
    """Say what stands between the rights and the picture, at each target."""
    whys = [f"It cannot be switched: {problem}." for problem in gateway.problems]
    return whys + [why for at in gateway.targets if (why := _at_target(at, down))]


def _at_target(at: AtTarget, down: Mapping[TargetName, Out]) -> str:
    if not at.wished.enabled or (at.held == at.wished and at.waiting is None):
        return ""
    if at.waiting and at.waiting.parked_at:
        since = _told(at.waiting.parked_at)
        return f"{at.target} was set aside on {since}: {at.waiting.error.strip()}"
    if at.held and at.held.enabled:
        return ""
    if at.target in down:
        return _out_of_work(at.target, down[at.target])
    return f"{at.target} is being brought in line."


def _out_of_work(target: TargetName, out: Out) -> str:
    if out.since is None:
        return f"{target} is {out.reason}."
    words = {Condition.DOWN: "does not answer", Condition.PARKED: "refuses our credentials"}
    return (
        f"{target} {words[out.condition]} since {_told(out.since)} ({out.reason}). "
        "It is switched on there as soon as that is over."
    )


def _told(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%d %b %Y, %H:%M} UTC"
