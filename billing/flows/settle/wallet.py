"""Whether a wallet has become low, or will not cover a renewal that is near, and who is told. Pure.

Costs nothing where no rules say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from billing.accounts.model import Perk
from billing.flows.settle.facts import Facts, Household
from billing.flows.settle.money import Moment, Purse
from billing.flows.settle.rules import Rules
from billing.payments.allocation import Wallet
from billing.payments.wallet import Need, WalletRules, is_low
from terms.ids import NoticeId
from terms.notice import Notice

NOTICE_LIFE = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A wallet that is low now, of which is told, or that is above again.

    `warned_of` is the renewal of which is told that it is not covered.
    """

    is_above: bool
    notices: Sequence[Notice] = ()
    warned_of: date | None = None


def turn(facts: Facts, purse: Purse, rules: Rules, moment: Moment) -> Turn | None:
    """Tell whether a wallet has turned since it was looked at last, or lacks for a renewal.

    One that nothing was ever put into, or that all of it has paid at once, is not low: nobody waits
    for it. It lacks nothing where the rest is charged without anybody's doing.
    """
    account, mine, need = facts.account, rules.segment.wallet, rules.need
    if mine is None or mine.currency != account.currency:
        return None
    wallet = purse.wallet(account.currency)
    if need and (need.is_met(wallet.unused) or _is_charged(facts, purse)):
        need = None
    if need and _is_to_warn(facts, wallet, mine, need):
        notices = [
            _notice(f"wallet_renewal.{need.on:%Y%m%d}", home, _lacking(wallet, need), facts, rules)
            for home in _going_on(facts, moment.today)
        ]
        return Turn(is_above=False, notices=notices, warned_of=need.on)
    has_some, perks = wallet.unused.amount_minor > 0, account.perks
    if is_low(wallet.unused, mine):
        if perks & Perk.TOLD_LOW or not (has_some or perks & Perk.FUNDED):
            return None
        params = {"amount": str(wallet.unused)}
        notices = [
            _notice(f"wallet_low.{moment.today:%Y%m%d}", home, params, facts, rules)
            for home in _going_on(facts, moment.today)
        ]
        return Turn(is_above=False, notices=notices)
    return Turn(is_above=True) if has_some and not need and not perks & Perk.FUNDED else None


def _is_charged(facts: Facts, purse: Purse) -> bool:
    return facts.method is not None and purse.trusts(facts.method)


def _is_to_warn(facts: Facts, wallet: Wallet, mine: WalletRules, need: Need) -> bool:
    """Whether a household pays out of its wallet, and was told of no renewal so far ahead."""
    warned_of, perks = facts.account.warned_of, facts.account.perks
    if warned_of is not None and warned_of >= need.on:
        return False
    return mine.is_prepaid or wallet.unused.amount_minor > 0 or bool(perks & Perk.WALLET)


def _lacking(wallet: Wallet, need: Need) -> dict[str, str]:
    """Say what has to be put in: what is owed already is paid before the renewal."""
    needed = need.amount + wallet.owed
    return {
        "amount": str(wallet.unused),
        "needed": str(needed),
        "missing": str(needed - wallet.unused),
        "due_on": need.on.isoformat(),
    }


def _going_on(facts: Facts, today: date) -> Iterator[Household]:
    for one in facts.households:
        if any(not each.is_over(today) for each in one.subscriptions):
            yield one


def _notice(
    name: str, home: Household, params: Mapping[str, str], facts: Facts, rules: Rules
) -> Notice:
    """Write to a household; a name is a kind, and what tells two notices of it apart."""
    return Notice(
        id=NoticeId(f"{name}.{home.service.id}"),
        service=home.service.id,
        kind=name.partition(".")[0],
        not_after=rules.machine_now + NOTICE_LIFE,
        params={"contract": home.service.contract, **params},
        locale=facts.account.locale,
    )
