"""Settle: compute what each account should be charged and may watch, write the difference.

The only writer of lines, invoices, entries, holds, snapshots and the notices that follow. It is
the bill run, the renewal and the answer to every payment; an account with nothing to do is read
and left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter as now_s

from billing.accounts.model import Perk
from billing.billdays.model import Gate
from billing.catalog import store as catalog
from billing.flows.desk import Catalogue, Desk
from billing.flows.settle.decide import Decision, Issued, Rules, decide
from billing.flows.settle.facts import Facts
from billing.flows.settle.load import load
from billing.flows.settle.load_discounts import load_discounts
from billing.flows.settle.money import Moment
from billing.flows.settle.rate import Rated, rate
from billing.flows.settle.write import write
from billing.invoicing import credit
from billing.invoicing.credit import CreditLine, CreditNote, NoteHeading, draw_up_note, within_rest
from billing.invoicing.model import SERIES, Heading, Invoice, draw_up
from billing.rating.due import Rates
from runtime.chance import new_id
from runtime.retry import pause
from runtime.store import Tx
from terms.ids import AccountId, InvoiceId

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
    """The documents that would be drawn up for an account."""

    account: AccountId
    currency: str
    invoice: Invoice | None
    note: CreditNote | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    facts: Facts
    rated: Rated
    moment: Moment

    @property
    def id(self) -> AccountId:
        return self.facts.account.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Where a batch is read and where it is written: often one transaction (`Store.decide`)."""

    look: Tx
    tx: Tx


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
    catalogue, loaded = await _load(desk, sight.look, account_ids)
    if catalogue is None:
        return Settled()
    if tx.is_later:
        await catalog.insist_on(tx, catalogue.edition)
    await pause(0)  # others of this process have a turn
    begun_s = now_s()
    cases = [_case(facts, catalogue.rates, now, catalogue.gate) for facts in loaded]
    if goodwill:
        (case,) = cases
        case.rated.credits = within_rest([goodwill, *case.rated.credits])
    rating_s = now_s() - begun_s
    await pause(0)
    # From here on nothing pauses: batches are written in the order in which they take numbers.
    begun_s = now_s()
    invoices = await _invoices(desk, sight, cases, catalogue)
    notes = await _notes(desk, sight, cases)
    rules = Rules(
        book=catalogue.book, ladder=catalogue.ladder, machine_now=desk.clock.machine_now()
    )
    decisions = [
        decide(
            case.facts,
            case.rated,
            Issued(invoice=invoices.get(case.id), note=notes.get(case.id)),
            rules,
            case.moment,
        )
        for case in cases
    ]
    await write(desk, tx, decisions)
    # What follows for loyalty is worked out beside: only who has any of it is marked.
    paid = (one for one in decisions if one.facts.account.perks & Perk.REWARD)
    if rewarded := [_id(one) for one in paid if one.purse.settled]:
        await desk.work.mark(tx, "reward", rewarded)
    return Settled(
        next_look={_id(one): one.next_look for one in decisions},
        busy_s=max(rating_s, now_s() - begun_s),
    )


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
    catalogue, loaded = await _load(desk, tx, account_ids)
    if catalogue is None:
        return []
    gate = gate or catalogue.gate
    cases = [_case(facts, catalogue.rates, now, gate) for facts in loaded]
    sight = Sight(look=tx, tx=tx)
    invoices = await _invoices(desk, sight, cases, catalogue)
    notes = await _notes(desk, sight, cases)
    return [
        Foreseen(
            account=case.id,
            currency=case.facts.account.currency,
            invoice=invoices.get(case.id),
            note=notes.get(case.id),
        )
        for case in cases
    ]


async def _load(
    desk: Desk, tx: Tx, account_ids: Sequence[AccountId]
) -> tuple[Catalogue | None, Collection[Facts]]:
    """Load a batch; no catalogue where none of the accounts exists."""
    if len(account_ids) > ACCOUNTS_MAX:
        raise ValueError(f"at most {ACCOUNTS_MAX} accounts at once")
    edition, loaded = await load(tx, account_ids)
    if not loaded:
        return None, []
    catalogue = await desk.shelf.newest(tx, edition)
    await load_discounts(tx, loaded, catalogue.promotions)
    return catalogue, loaded.values()


def _case(facts: Facts, rates: Rates, now: datetime, gate: Gate) -> _Case:
    moment = Moment(now=now, today=facts.account.today(now))
    return _Case(facts=facts, rated=rate(facts, rates, moment.today, gate), moment=moment)


async def _invoices(
    desk: Desk, sight: Sight, cases: Sequence[_Case], catalogue: Catalogue
) -> dict[AccountId, Invoice]:
    """Draw up one invoice for each account with new lines, numbered as one block."""
    charged = [case for case in cases if case.rated.lines]
    if not charged:
        return {}
    first = await desk.numbers.take(sight.look, sight.tx, SERIES, len(charged))
    invoices = {}
    for sequence, case in enumerate(charged, first):
        heading = Heading(
            id=InvoiceId(new_id(case.moment.now, desk.chance)),
            sequence=sequence,
            at=case.moment.now,
            is_prepaid=case.rated.is_prepaid,
        )
        invoice = draw_up(case.facts.account, heading, case.rated.lines, catalogue.taxes)
        invoices[case.id] = invoice
    return invoices


async def _notes(desk: Desk, sight: Sight, cases: Sequence[_Case]) -> dict[AccountId, CreditNote]:
    """Draw up one credit note for each account that gets something back, numbered as one block."""
    credited = [case for case in cases if case.rated.credits]
    if not credited:
        return {}
    first = await desk.numbers.take(sight.look, sight.tx, credit.SERIES, len(credited))
    notes = {}
    for sequence, case in enumerate(credited, first):
        heading = NoteHeading(
            id=new_id(case.moment.now, desk.chance), sequence=sequence, at=case.moment.now
        )
        notes[case.id] = draw_up_note(case.facts.account, heading, case.rated.credits)
    return notes


def _id(decision: Decision) -> AccountId:
    return decision.facts.account.id
