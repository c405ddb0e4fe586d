"""Settle: compute what each account should be charged and may watch, write the difference.

The only writer of lines, invoices, entries, holds, snapshots and the notices that follow. It is
the bill run, the renewal and the answer to every payment; an account with nothing to do is read
and left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from time import perf_counter as now_s

from billing.accounts.model import Perk
from billing.billdays.model import Gate
from billing.catalog import store as catalog
from billing.dunning import braking
from billing.flows.desk import Desk
from billing.flows.settle.alike import Named, sort_out
from billing.flows.settle.batch import Batch, Case, Decided, Papers, Sight
from billing.flows.settle.brake import hold_back
from billing.flows.settle.decide import Decision
from billing.flows.settle.load import Loaded, load, load_facts
from billing.flows.settle.load_given_up import load_given_up
from billing.flows.settle.load_late import load_disputed, load_late
from billing.flows.settle.load_resting import load_resting
from billing.flows.settle.pages import close_pages
from billing.flows.settle.write_alike import write_all
from billing.invoicing import credit
from billing.invoicing.credit import CreditLine, CreditNote, within_rest
from billing.invoicing.model import SERIES, Invoice
from runtime.chance import new_ids
from runtime.retry import pause
from runtime.store import Tx
from terms.ids import AccountId

ACCOUNTS_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """When to look at each account again (business time); None where nothing is to come.

    Accounts that do not exist are left out. `busy_s` is the longest time without a pause.
    """

    next_look: Mapping[AccountId, datetime | None] = field(default_factory=dict)
    busy_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """The documents that would be drawn up for an account; that of fees is another invoice."""

    account: AccountId
    currency: str
    invoice: Invoice | None
    note: CreditNote | None
    fees: Invoice | None

    @property
    def invoices(self) -> list[Invoice]:
        """All invoices among them."""
        return [one for one in (self.invoice, self.fees) if one]


async def settle(
    desk: Desk,
    tx: Tx,
    account_ids: Sequence[AccountId],
    now: datetime,
    *,
    look: Tx | None = None,
    goodwill: CreditLine | None = None,
) -> Settled:
    """Settle a batch of accounts; one account is a batch of one, and may be given some goodwill.

    `look` is where facts are read if that is elsewhere: then whoever commits insists on the rows
    of these accounts (`Work.insist`). Raises NotFound where a price or a tax rate is missing,
    ValueError for too large a batch.
    """
    sight = Sight(look=look or tx, tx=tx)
    loaded = await _load(sight.look, account_ids)
    if not loaded.found.accounts:
        return Settled()
    batch = await _batch(desk, sight.look, loaded, now)
    if tx.is_later:
        await catalog.insist_on(tx, batch.catalogue.edition)
    await pause(0)  # others of this process have a turn
    begun_s = now_s()
    found, alike = sort_out(loaded.found, loaded.busy)
    facts = await load_facts(sight.look, found, loaded.rest, batch.catalogue.promotions)
    await load_late(sight.look, facts.values(), batch.catalogue.segments, now)
    await load_disputed(sight.look, facts.values())
    await load_resting(sight.look, facts.values())
    await load_given_up(sight.look, facts.values())
    cases = batch.rate(facts.values(), alike)
    if goodwill:
        (case,) = cases
        case.rated.credits = within_rest([goodwill, *case.rated.credits])
    rating_s = now_s() - begun_s
    await pause(0)
    # From here on nothing pauses: batches are written in the order in which they take numbers.
    begun_s = now_s()
    left, plain = batch.decide_alike(cases)
    papers = await _papers(desk, sight, left, now)
    each, brake = await hold_back(batch, sight, left, papers, batch.decide(left, papers))
    decided = Decided(each=each, alike=plain)
    await write_all(desk, sight, decided, now)
    # What follows for loyalty is worked out beside: only who has any of it is marked.
    paid = (one for one in decided.each if one.facts.account.perks & Perk.REWARD)
    if rewarded := [one.facts.account.id for one in paid if one.purse.settled]:
        await desk.work.mark(tx, "reward", rewarded)
    await desk.work.mark(tx, "recover", _recovering(decided.each))
    await close_pages(desk, tx, decided.each)
    if brake:
        await braking.turn(tx, brake)
    return Settled(next_look=decided.next_look, busy_s=max(rating_s, now_s() - begun_s))


def _recovering(each: Sequence[Decision]) -> list[AccountId]:
    """Name who has left, and unused money while something it owed was given up."""
    return [
        one.facts.account.id
        for one in each
        if one.facts.account.perks & Perk.GIVEN_UP
        and any(wallet.credits for wallet in one.purse.wallets.values())
        and one.facts.has_left(one.moment.today)
    ]


async def foresee(
    desk: Desk,
    tx: Tx,
    account_ids: Sequence[AccountId],
    now: datetime,
    *,
    gate: Gate | None = None,
) -> list[Foreseen]:
    """Tell which documents settling accounts would draw up now; writes nothing but their numbers.

    For a transaction that is not going to be committed. `gate` is another than the operator's.
    Raises what `settle` raises.
    """
    loaded = await _load(tx, account_ids)
    if not loaded.found.accounts:
        return []
    batch = await _batch(desk, tx, loaded, now, gate)
    facts = await load_facts(tx, loaded.found, loaded.rest, batch.catalogue.promotions)
    cases = batch.rate(facts.values())
    papers = await _papers(desk, Sight(look=tx, tx=tx), cases, now)
    return [
        Foreseen(
            account=case.id,
            currency=case.facts.account.currency,
            invoice=batch.invoice(case, papers.invoices.get(case.id)),
            note=batch.note(case, papers.notes.get(case.id)),
            fees=batch.fees(case, papers.fees.get(case.id)),
        )
        for case in cases
    ]


async def _load(tx: Tx, account_ids: Sequence[AccountId]) -> Loaded:
    if len(account_ids) > ACCOUNTS_MAX:
        raise ValueError(f"at most {ACCOUNTS_MAX} accounts at once")
    return await load(tx, account_ids)


async def _batch(
    desk: Desk, tx: Tx, loaded: Loaded, now: datetime, gate: Gate | None = None
) -> Batch:
    catalogue = await desk.shelf.newest(tx, loaded.edition)
    return Batch(
        catalogue=catalogue,
        gate=gate or catalogue.gate,
        now=now,
        machine_now=desk.clock.machine_now(),
    )


async def _papers(desk: Desk, sight: Sight, cases: Sequence[Case], now: datetime) -> Papers:
    """Name one invoice for each account with new lines, another for its fees, and one credit note
    for each that gets something back: each kind numbered as one block.
    """

    async def named(series: str, keys: Sequence[AccountId]) -> dict[AccountId, Named]:
        if not keys:
            return {}
        first = await desk.numbers.take(sight.look, sight.tx, series, len(keys))
        ids = new_ids(now, desk.chance, len(keys))
        return dict(zip(keys, map(Named, ids, count(first)), strict=True))

    return Papers(
        invoices=await named(SERIES, [case.id for case in cases if case.rated.lines]),
        fees=await named(SERIES, [case.id for case in cases if case.rated.fees]),
        notes=await named(credit.SERIES, [case.id for case in cases if case.rated.credits]),
    )
