"""Whether a wallet has become low, and who is told. Pure; costs nothing where no rules say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from billing.accounts.model import Perk
from billing.flows.settle.facts import Facts
from billing.flows.settle.money import Moment, Purse
from billing.flows.settle.rules import Rules
from billing.payments.wallet import Need, is_low
from terms.ids import NoticeId
from terms.money import Money
from terms.notice import Notice

NOTICE_LIFE = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A wallet that is low now, of which is told, or that is above again."""

    is_above: bool
    notices: Sequence[Notice] = ()


def turn(facts: Facts, purse: Purse, rules: Rules, moment: Moment) -> Turn | None:
    """Tell whether a wallet has turned since it was looked at last.

    One that nothing was ever put into, or that all of it has paid at once, is not low: nobody waits
    for it.
    """
    account, mine, need = facts.account, rules.segment.wallet, rules.need
    if mine is None or mine.currency != account.currency:
        return None
    wallet = purse.wallet(account.currency)
    if not is_low(wallet.unused, mine, need):
        return None if account.perks & Perk.FUNDED else Turn(is_above=True)
    is_new = not account.perks & Perk.FUNDED and wallet.unused.amount_minor == 0
    if account.perks & Perk.TOLD_LOW or is_new:
        return None
    return Turn(
        is_above=False, notices=_notices(facts, wallet.unused, need, moment, rules.machine_now)
    )


def _notices(
    facts: Facts, unused: Money, need: Need | None, moment: Moment, machine_now: datetime
) -> list[Notice]:
    params = {"amount": str(unused)}
    kind = "wallet_low"
    if need is not None and unused.amount_minor < need.amount.amount_minor:
        kind = "wallet_renewal"
        missing = need.amount - unused
        params |= {
            "needed": str(need.amount),
            "missing": str(missing),
            "due_on": need.on.isoformat(),
        }
    return [
        Notice(
            id=NoticeId(f"{kind}.{moment.today:%Y%m%d}.{household.service.id}"),
            service=household.service.id,
            kind=kind,
            not_after=machine_now + NOTICE_LIFE,
            params={"contract": household.service.contract, **params},
            locale=facts.account.locale,
        )
        for household in facts.households
        if any(not one.is_over(moment.today) for one in household.subscriptions)
    ]
