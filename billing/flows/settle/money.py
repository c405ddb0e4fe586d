"""Money in one account: what came in or went back pays or frees invoices, and is posted. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from billing.cash.model import CASH
from billing.flows.settle.facts import Facts
from billing.invoicing.credit import CreditNote, taken_back
from billing.invoicing.model import Invoice
from billing.ledger.model import Book, Entry, Posting, PostingKind, entries
from billing.payments import model as payments
from billing.payments.allocation import Pair, Wallet
from billing.payments.model import AttemptState, Debt, Method, Movement, MovementKind
from billing.payments.resting import OF_DISPUTES, going_on
from billing.vouchers import model as vouchers
from terms.ids import AttemptId, InvoiceId
from terms.money import Money

# What came without a method, or is judged by who hears of it, says nothing about a method.
_UNJUDGED = payments.HOUSE | {payments.DEBIT, payments.BANK, CASH, vouchers.PROVIDER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When it is, for an account."""

    now: datetime
    today: date


@dataclass(slots=True, kw_only=True)
class Purse:
    """The money of one account at work: a wallet per currency, and what is to be written.

    `attempts` are the states their charges have come to; `went_back` is when we heard of the last
    money that did, `disputed` of that which its bank keeps, by provider and charge.
    """

    facts: Facts
    moment: Moment
    wallets: dict[str, Wallet] = field(default_factory=dict)
    debts: dict[InvoiceId, Debt] = field(default_factory=dict)
    postings: list[Posting] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)
    attempts: dict[AttemptId, AttemptState] = field(default_factory=dict)
    went_back: datetime | None = None
    disputed: dict[tuple[str, str], datetime] = field(default_factory=dict)

    @classmethod
    def of(cls, facts: Facts, moment: Moment) -> Purse:
        """Fill a purse with what is open and what is unused."""
        purse = cls(facts=facts, moment=moment)
        for debt in facts.debts:
            purse.debts[debt.invoice] = debt
            purse.wallet(debt.rest.currency).owe(debt.invoice, debt.order, debt.rest.amount_minor)
        for movement, rest in facts.credits.items():
            purse.wallet(rest.currency).credits[movement] = rest.amount_minor
        for one in facts.paid:
            debt = one.debt
            purse.debts.setdefault(debt.invoice, debt)
            wallet = purse.wallet(debt.rest.currency)
            wallet.orders[debt.invoice] = debt.order
            pair = (one.payer, debt.invoice)
            wallet.paid[pair] = wallet.paid.get(pair, 0) + debt.rest.amount_minor
        return purse

    def wallet(self, currency: str) -> Wallet:
        """Return the wallet of a currency: one never pays another's invoices."""
        found = self.wallets.get(currency)
        if found is None:
            found = self.wallets[currency] = Wallet(currency=currency)
        return found

    def invoice(self, invoice: Invoice) -> None:
        """Owe an invoice, and pay it from unused money."""
        debt = Debt(
            invoice=invoice.id,
            number=invoice.number,
            sequence=invoice.sequence,
            due_on=invoice.due_on,
            rest=invoice.total,
            is_fee=invoice.is_fee,
        )
        self.debts[invoice.id] = debt
        wallet = self.wallet(debt.rest.currency)
        wallet.owe(invoice.id, debt.order, debt.rest.amount_minor)
        if not wallet.credits:
            return
        before = wallet.unused
        wallet.use()
        used = before - wallet.unused
        if used.amount_minor:
            account = self.facts.account.id
            sides = entries((Book.CREDIT, account, used), (Book.RECEIVABLE, account, -used))
            self._post(f"{invoice.id}.credit", PostingKind.CREDIT_USED, sides)

    def credit(self, note: CreditNote) -> None:
        """Pay with what a credit note gives back: first what was written off of its own invoices,
        so that nobody is given what he has not paid.
        """
        wallet = self.wallet(note.total.currency)
        owed, unused = wallet.owed, wallet.unused
        given_up = self._replace_write_offs(wallet, note)
        rest = note.total - given_up
        if rest.amount_minor:
            wallet.receive(note.id, rest.amount_minor)
        account = self.facts.account.id
        sides = entries(
            *taken_back(note),
            (Book.RECEIVABLE, account, wallet.owed - owed),
            (Book.CREDIT, account, unused - wallet.unused - given_up),
        )
        self._post(note.id, PostingKind.CREDIT_NOTE, sides)
        if given_up.amount_minor:
            sides = entries((Book.CREDIT, account, given_up), (Book.WRITE_OFF, "", -given_up))
            self._post(f"{note.id}.given_up", PostingKind.RECOVERED, sides)

    def _replace_write_offs(self, wallet: Wallet, note: CreditNote) -> Money:
        """Have a note take the place of write-offs of what it gives back; returns how much."""
        replaced = 0
        for invoice, back in note.by_invoice().items():
            left = back
            for write_off, given_up in self.facts.given_up.get(invoice, {}).items():
                part = min(left, given_up)
                if part:
                    wallet.replace(write_off, invoice, part, by=note.id)
                left -= part
            replaced += back - left
        return Money(replaced, note.total.currency)

    def settle_movements(self, *, before: date = date.max) -> None:
        """Take up every movement of a day before one that is not settled yet.

        What waits for its charge goes on so.
        """
        if not self.facts.movements:
            return
        known: dict[tuple[str, str], list[Movement]] = {}
        fresh = []
        for one in self.facts.movements:
            if one.is_settled or one.id in self.settled:
                known.setdefault((one.provider, one.charge), []).append(one)
            elif self._day(one) < before:
                fresh.append(one)
        for one in sorted(fresh, key=_order):
            self._settle(one, known.setdefault((one.provider, one.charge), []))

    def open_debts(self) -> list[Debt]:
        """List what is owed now in the account's currency, in the order in which it is paid."""
        wallet = self.wallet(self.facts.account.currency)
        return [
            self.debts[invoice].less_paid(wallet.debts[invoice])
            for invoice in wallet.open_invoices()
        ]

    def trusts(self, method: Method) -> bool:
        """Whether a method may be charged after what went back: so may one that came later."""
        heard = [*self.disputed.values(), *([self.went_back] if self.went_back else [])]
        return all(method.since > at for at in heard)

    @property
    def going_on(self) -> list[str]:
        """Name the methods that rested for a dispute and are charged again."""
        told = (one for one in self.facts.disputes if one.provider not in _UNJUDGED)
        return going_on(self.facts.resting, told)

    @property
    def has_come_in(self) -> bool:
        """Whether money was taken up that came in."""
        return any(
            one.kind is MovementKind.CLEARED and one.id in self.settled
            for one in self.facts.movements
        )

    def is_open(self, invoice: InvoiceId | None) -> bool:
        """Whether something is left to pay of an invoice."""
        return any(invoice in wallet.debts for wallet in self.wallets.values())

    def moved(self) -> Mapping[Pair, int]:
        """List what money has paid of which invoice, or stopped paying."""
        wallets = self.wallets.values()
        return {pair: part for w in wallets for pair, part in w.moved.items() if part}

    def _settle(self, one: Movement, charge: list[Movement]) -> None:
        came_in = one if one.kind is MovementKind.CLEARED else _came_in(charge)
        if came_in is None:
            return
        if one.kind in payments.FEES:
            self._bear(one, on=max(self._day(one), self._day(came_in)))
            return
        before = payments.taken_back(charge)
        charge.append(one)
        back = payments.taken_back(charge) - before
        wallet = self.wallet(one.amount.currency)
        owed, unused = wallet.owed, wallet.unused
        if one.kind is MovementKind.CLEARED:
            change = one.amount.amount_minor
            wallet.receive(came_in.id, change)
        else:
            change = -back
            self._give_back(wallet, came_in.id, back)
            # What we take back of our own says nothing about who pays.
            if one.provider not in _UNJUDGED:
                self._judge(one, charge, back, is_owed=wallet.owed.amount_minor > owed.amount_minor)
        self.settled.append(one.id)
        self._note_attempt(came_in, charge)
        if change:
            on = max(self._day(one), self._day(came_in))
            self._post_movement(one, change, wallet.owed - owed, wallet.unused - unused, on=on)

    def _judge(self, one: Movement, charge: list[Movement], back: int, *, is_owed: bool) -> None:
        """Note what speaks against charging the methods of the account.

        Money that we give back so that nothing of it is owed again does not.
        """
        key = (one.provider, one.charge)
        if one.kind in OF_DISPUTES:
            if back > 0:
                self.disputed[key] = max(one.received_at, self.disputed.get(key, one.received_at))
            elif not payments.disputed(charge):
                self.disputed.pop(key, None)
        elif back > 0 and is_owed:
            self.went_back = max(one.received_at, self.went_back or one.received_at)

    def _bear(self, one: Movement, *, on: date) -> None:
        """Book what a provider kept: it is ours to bear, and changes nothing of what is owed."""
        cost = one.amount if one.kind is MovementKind.FEE else -one.amount
        sides = entries((Book.FEES, one.provider, cost), (Book.CLEARING, one.provider, -cost))
        self.settled.append(one.id)
        self._post(one.id, PostingKind.FEE, sides, on=on)

    def _give_back(self, wallet: Wallet, movement: str, back: int) -> None:
        if back > 0:
            wallet.give_back(movement, back)
        elif back:
            wallet.receive(movement, -back)

    def _note_attempt(self, came_in: Movement, charge: list[Movement]) -> None:
        if came_in.attempt:
            is_gone = payments.taken_back(charge) >= came_in.amount.amount_minor
            state = AttemptState.REVERSED if is_gone else AttemptState.CLEARED
            self.attempts[came_in.attempt] = state

    def _given_by(self, one: Movement) -> tuple[Book, str]:
        """Tell whose part of which book money comes from."""
        if one.provider == vouchers.PROVIDER:
            return Book.VOUCHERS, vouchers.batch_of(one.charge)
        if one.provider not in payments.HOUSE:
            return Book.CLEARING, one.provider
        if one.provider == payments.LOYALTY:
            return Book.LOYALTY, self.facts.account.id
        return Book.PROMOTION, ""

    def _day(self, one: Movement) -> date:
        return self.facts.account.today(one.received_at)

    def _post_movement(
        self, one: Movement, change: int, owed: Money, unused: Money, *, on: date
    ) -> None:
        account = self.facts.account.id
        sides = entries(
            (*self._given_by(one), Money(change, one.amount.currency)),
            (Book.RECEIVABLE, account, owed),
            (Book.CREDIT, account, -unused),
        )
        kind = PostingKind.PAYMENT if change > 0 else PostingKind.REVERSAL
        self._post(one.id, kind, sides, on=on)

    def _post(
        self, key: str, kind: PostingKind, sides: Sequence[Entry], *, on: date | None = None
    ) -> None:
        self.postings.append(
            Posting(
                id=key,
                kind=kind,
                account=self.facts.account.id,
                on=on or self.moment.today,
                at=self.moment.now,
                entries=sides,
            )
        )


def _order(one: Movement) -> tuple[bool, datetime, str]:
    """Money comes in before it goes back, whatever order we heard of it in."""
    return one.kind is not MovementKind.CLEARED, one.received_at, one.id


def _came_in(charge: list[Movement]) -> Movement | None:
    return next((one for one in charge if one.kind is MovementKind.CLEARED), None)
