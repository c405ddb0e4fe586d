"""A batch of accounts on its way: what was found of it, what each is charged, what is decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from billing.billdays.model import Gate
from billing.flows.desk import Catalogue
from billing.flows.settle.alike import Alike, Named
from billing.flows.settle.decide import Decision, Issued, Rules, decide
from billing.flows.settle.facts import Facts
from billing.flows.settle.load import facts_of
from billing.flows.settle.money import Moment
from billing.flows.settle.rate import Rated, rate
from billing.invoicing.credit import CreditNote, NoteHeading, draw_up_note
from billing.invoicing.model import Heading, Invoice, draw_up
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

    @property
    def accounts(self) -> Sequence[AccountId]:
        """The accounts that it is about."""
        return self.alike.accounts if self.alike else [self.id]


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """The names of the documents of each account that gets some."""

    invoices: Mapping[AccountId, Named]
    notes: Mapping[AccountId, Named]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What is decided of each, and of each that stands in for others, who get the same."""

    each: list[Decision] = field(default_factory=list)
    alike: list[tuple[Decision, Alike]] = field(default_factory=list)

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

    def rate(self, facts: Iterable[Facts], alike: Iterable[Alike] = ()) -> list[Case]:
        """Say what each account is charged. Raises NotFound for a missing price."""
        stand_ins = {one.stand_in: one for one in alike}
        return [self._rated(one, stand_ins.get(one.account.id)) for one in facts]

    def decide(self, cases: Iterable[Case], papers: Papers) -> Decided:
        """Say what follows for each account. Raises NotFound for a missing rate of a tax."""
        decided = Decided()
        for case in cases:
            one = self._decide(case, papers)
            if case.alike is None:
                decided.each.append(one)
            elif one.is_plain:
                decided.alike.append((one, case.alike))
            else:
                members = facts_of(case.alike.members, self.catalogue.promotions).values()
                decided.each.extend([self._decide(each, papers) for each in self.rate(members)])
        return decided

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
        )
        rules = Rules(
            book=self.catalogue.book, ladder=self.catalogue.ladder, machine_now=self.machine_now
        )
        return decide(case.facts, case.rated, issued, rules, case.moment)
