"""One household as the counter sees it: money, service, boxes, targets.

Why it is dark by its rights is one thing, what holds up what it has a right to another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.desk import business
from app.desk.parked import in_short
from billing.reads import account as accounts
from billing.reads.account import AccountView
from gateway.reads import services, targets
from gateway.reads.services import AtTarget, Overview
from gateway.reads.targets import Condition, Out
from messages import store as deliveries
from messages.model import Delivery
from runtime.store import Tx
from terms.calendar import zone
from terms.ids import SubjectId, TargetName

MESSAGES_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """Everything known of one household.

    `why_dark` says why it may not watch, or not all of it; `held_up` what stands between
    its rights and its picture. Both are empty where the picture is on and may be.
    `out` are the targets on which nothing can be done now.
    """

    account: AccountView
    gateway: Overview
    messages: Sequence[Delivery]
    why_dark: Sequence[str]
    held_up: Sequence[str]
    out: Mapping[TargetName, Out]

    @property
    def is_still_on(self) -> bool:
        """Whether a target shows the picture that should not any more."""
        return bool(_still_on(self.gateway))


async def view(tx: Tx, contract: str) -> Household:
    """Show one household; what it says of time is of the operator's zone. Raises NotFound."""
    account = await accounts.view(tx, contract)
    gateway = await services.overview(tx, account.service.id)
    out = await targets.out_of_work(tx)
    sent = await deliveries.latest(tx, rows_max=MESSAGES_MAX, service=account.service.id)
    known = await business.find(tx)
    return Household(
        account=account,
        gateway=gateway,
        messages=sent,
        why_dark=account.why_dark,
        held_up=_held_up(gateway, out, known.zone if known else "UTC"),
        out=out,
    )


def _held_up(gateway: Overview, out: Mapping[TargetName, Out], zone_name: str) -> list[str]:
    """Say what stands between the rights and the picture, at each target."""
    whys = [f"It cannot be switched: {problem}." for problem in gateway.problems]
    places = [at for at in gateway.targets if at.wished.enabled] + _still_on(gateway)
    return whys + [why for at in places if (why := _at_target(at, out, zone_name))]


def _still_on(gateway: Overview) -> list[AtTarget]:
    """List where the picture is on that should not be any more.

    A box that is switched off answers nobody: the household's account says more.
    """
    of_household = [at for at in gateway.targets if at.subject == SubjectId(gateway.service)]
    places = of_household or gateway.targets
    return [at for at in places if at.held and at.held.enabled and not at.wished.enabled]


def _at_target(at: AtTarget, out: Mapping[TargetName, Out], zone_name: str) -> str:
    is_lit = at.held is not None and at.held.enabled
    waiting = at.waiting
    if waiting and waiting.parked_at:
        since = _told(waiting.parked_at, zone_name)
        still = "" if at.wished.enabled else " It still shows the picture."
        return f"{at.target} was set aside on {since}: {in_short(waiting.error)}.{still}"
    if is_lit is at.wished.enabled:
        return ""
    if at.target in out:
        return _out_of_work(at, out[at.target], zone_name)
    return f"{at.target} is being brought in line."


def _out_of_work(at: AtTarget, out: Out, zone_name: str) -> str:
    """Say that nothing can be done there, in words for whoever talks to the household."""
    if out.since is None:
        return f"{at.target} is {out.reason}."
    since = _told(out.since, zone_name)
    words = {
        Condition.DOWN: f"cannot be reached: nobody has answered there since {since}",
        Condition.PARKED: f"has refused our credentials since {since}",
    }
    # Whether it goes off, the guard or a person may have a word to say.
    over = (
        "The picture is switched on there"
        if at.wished.enabled
        else "It still shows the picture, and is looked at again"
    )
    return f"{at.target} {words[out.condition]}. {over} as soon as that is over."


def _told(instant: datetime, zone_name: str) -> str:
    at = instant.astimezone(zone(zone_name))
    return f"{at.day} {at:%b %Y, %H:%M} ({zone_name})"
