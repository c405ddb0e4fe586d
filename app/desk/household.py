"""One household as the counter sees it: money, service, boxes, targets, and why it is dark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from billing.reads import account as accounts
from billing.reads.account import AccountView
from gateway.reads import services, targets
from gateway.reads.services import AtTarget, Overview
from messages import store as deliveries
from messages.model import Delivery
from runtime.store import Tx
from terms.ids import TargetName

MESSAGES_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """Everything known of one household. `why_dark` is empty where the picture is on."""

    account: AccountView
    gateway: Overview
    messages: Sequence[Delivery]
    why_dark: Sequence[str]


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
        why_dark=[*account.why_dark, *_why_dark(gateway, down)],
    )


def _why_dark(gateway: Overview, down: dict[TargetName, str]) -> list[str]:
    """Say what stands between the rights and the picture, at each target."""
    whys = [f"It cannot be switched: {problem}." for problem in gateway.problems]
    return whys + [why for at in gateway.targets if (why := _at_target(at, down))]


def _at_target(at: AtTarget, down: dict[TargetName, str]) -> str:
    if not at.wished.enabled or (at.held == at.wished and at.waiting is None):
        return ""
    if at.waiting and at.waiting.parked_at:
        since = f"{at.waiting.parked_at.astimezone(UTC):%d %b %Y, %H:%M} UTC"
        return f"{at.target} was set aside on {since}: {at.waiting.error.strip()}"
    if at.held and at.held.enabled:
        return ""
    if at.target in down:
        return f"{at.target} cannot be worked on: {down[at.target]}."
    return f"{at.target} is being brought in line."
