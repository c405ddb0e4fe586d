"""A batch of accounts on its way: what was found of it, what each is charged, what is decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from billing.billdays.model import Gate
from billing.flows.desk import Catalogue
from billing.flows.settle.alike import Alike, Named
from billing.flows.settle.decide import Decision, Issued, decide
from billing.flows.settle.facts import Facts
from billing.flows.settle.load import facts_of
from billing.flows.settle.money import Moment
from billing.flows.settle.rate import Rated, rate
from billing.flows.settle.rules import Rules
from billing.invoicing.credit import CreditNote, NoteHeading, draw_up_note
from billing.invoicing.model import Heading, Invoice, draw_up
from billing.payments.wallet import Need, looks_at
from runtime.store import Tx
from terms.ids import AccountId, InvoiceId


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One account, or one that stands in for several, and what it is charged."""

    facts: Facts
    rated: Rated
    moment: Moment
    alike: Alike | None = None

    @property
    def id(self) -> AccountId:
        """The account."""
        return self.facts.account.id


class Like(NamedTuple):
    """What is decided of a stand-in, and for whom."""

    decision: Decision
    alike: Alike


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Where a batch is read and where it is written: often one transaction (`Store.decide`)."""

    look: Tx
    tx: Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """The names of the documents of each account that gets some; `fees` are invoices of fees."""

    invoices: Mapping[AccountId, Named] = field(default_factory=dict)
    fees: Mapping[AccountId, Named] = field(default_factory=dict)
    notes: Mapping[AccountId, Named] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What is decided of each, and of each that stands in for others, who get the same."""

    each: Sequence[Decision]
    alike: Sequence[Like]

    @property
    def next_look(self) -> dict[AccountId, datetime | None]:
        """When to look at each account again."""
        looks = {one.facts.account.id: one.next_look for one in self.each}
        for one, alike in self.alike:
            looks.update(dict.fromkeys(alike.accounts, one.next_look))
        return looks


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What accounts are settled by."""

    catalogue: Catalogue
    gate: Gate
    now: datetime
    machine_now: datetime
    is_braked: bool = False

    def rate(self, facts: Iterable[Facts], alike: Iterable[Alike] = ()) -> list[Case]:
        """Say what each account is charged. Raises NotFound for a missing price."""
        stand_ins = {one.stand_in: one for one in alike}
        return [self._rated(one, stand_ins.get(one.account.id)) for one in facts]

    def decide_alike(self, cases: Iterable[Case]) -> tuple[list[Case], list[Like]]:
        """Say what follows for those that are alike, as far as it is plain; the rest is left.

        Raises NotFound for a missing rate of a tax.
        """
        left: list[Case] = []
        plain: list[Like] = []
        for case in cases:
            if case.alike is None:
                left.append(case)
                continue
            named = {case.id: case.alike.invoice} if case.rated.lines else {}
            one = self._decide(case, Papers(invoices=named))
            if one.is_plain:
                plain.append(Like(one, case.alike))
            else:
                members = facts_of(case.alike.members, self.catalogue.promotions).values()
                left += self.rate(members)
        return left, plain

    def decide(self, cases: Iterable[Case], papers: Papers) -> list[Decision]:
        """Say what follows for each account. Raises NotFound for a missing rate of a tax."""
        return [self._decide(case, papers) for case in cases]

    def invoice(self, case: Case, named: Named | None) -> Invoice | None:
        """Draw up an invoice, where there is one."""
        if named is None:
            return None
        heading = Heading(
            id=InvoiceId(named.id),
            sequence=named.sequence,
            at=self.now,
            is_prepaid=case.rated.is_prepaid,
        )
        return draw_up(case.facts.account, heading, case.rated.lines, self.catalogue.taxes)

    def fees(self, case: Case, named: Named | None) -> Invoice | None:
        """Draw up an invoice of fees, where there is one."""
        if named is None:
            return None
        heading = Heading(
            id=InvoiceId(named.id), sequence=named.sequence, at=self.now, is_prepaid=False
        )
        return draw_up(case.facts.account, heading, case.rated.fees, self.catalogue.taxes)

    def note(self, case: Case, named: Named | None) -> CreditNote | None:
        """Draw up a credit note, where there is one."""
        if named is None:
            return None
        heading = NoteHeading(id=named.id, sequence=named.sequence, at=self.now)
        return draw_up_note(case.facts.account, heading, case.rated.credits)

    def _rated(self, facts: Facts, alike: Alike | None) -> Case:
        moment = Moment(now=self.now, today=facts.account.today(self.now))
        rated = rate(facts, self.catalogue.rates, moment.today, self.gate)
        return Case(facts=facts, rated=rated, moment=moment, alike=alike)

    def _decide(self, case: Case, papers: Papers) -> Decision:
        issued = Issued(
            invoice=self.invoice(case, papers.invoices.get(case.id)),
            note=self.note(case, papers.notes.get(case.id)),
            fees=self.fees(case, papers.fees.get(case.id)),
        )
        rules = Rules(
            book=self.catalogue.book,
            segment=self.catalogue.segments.of(case.facts.account.segment),
            machine_now=self.machine_now,
            is_braked=self.is_braked,
            need=self._need(case),
        )
        return decide(case.facts, case.rated, issued, rules, case.moment)

    def _need(self, case: Case) -> Need | None:
        """Work out what the next renewal needs, where it is near and somebody wants to know."""
        account, on = case.facts.account, case.rated.next_on
        from_on = looks_at(self.catalogue.segments.of(account.segment).wallet, on)
        if on is None or from_on is None or case.moment.today < from_on:
            return None
        then = rate(case.facts, self.catalogue.rates, on).lines
        lines = [line for line in then if line not in case.rated.lines]
        heading = Heading(id=InvoiceId(""), sequence=0, at=self.now, is_prepaid=False)
        if not lines:
            return None
        return Need(on=on, amount=draw_up(account, heading, lines, self.catalogue.taxes).total)
