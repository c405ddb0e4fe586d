"""Payments: which invoices money pays, and what refunds open again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from billing.payments.allocation import Wallet
from billing.payments.model import Movement, MovementKind, taken_back
from billing.payments.standing import standing
from terms.ids import AccountId, InvoiceId
from terms.money import Money, total
from tests.vectors.reading import EUR, Vector, day, many, money, text
from tests.vectors.registry import Found, maps

LONG_AGO = date(2000, 1, 1)
AT = datetime(2000, 1, 1, tzinfo=UTC)
PAYMENT = "payment"


def owing(invoices: Iterable[tuple[InvoiceId, Money]], due_on: date = LONG_AGO) -> Wallet:
    """Make a wallet that owes invoices, in the order in which they are told."""
    wallet = Wallet(currency=EUR)
    for n, (invoice, amount) in enumerate(invoices):
        wallet.owe(invoice, (False, due_on, n), amount.amount_minor)
    return wallet


def _open(row: Any) -> tuple[InvoiceId, date, Money]:
    name, due_on, amount = row
    return InvoiceId(text(name)), day(due_on), money(amount)


@maps("allocation.oldest_first", "open payment")
def oldest_first(vector: Vector) -> Found:
    """Money pays what was due first, then by number."""
    wallet = Wallet(currency=EUR)
    for n, (invoice, due_on, amount) in enumerate(vector.given.read("open", many(_open))):
        wallet.owe(invoice, (False, due_on, n), amount.amount_minor)
    wallet.receive(PAYMENT, vector.given.read("payment", money).amount_minor)
    return {
        "alloc": [[invoice, Money(part, EUR)] for (_, invoice), part in wallet.moved.items()],
        "left": [
            [invoice, Money(wallet.debts[invoice], EUR)] for invoice in wallet.open_invoices()
        ],
    }


@maps("overpayment.credit", "invoice paid")
def overpayment(vector: Vector) -> Found:
    """What is paid too much stands to credit and pays the next invoice by itself."""
    amount = vector.given.read("invoice", money)
    wallet = owing([(InvoiceId("1"), amount)])
    wallet.receive(PAYMENT, vector.given.read("paid", money).amount_minor)
    status, credit = standing(amount, wallet.owed), wallet.unused
    wallet.owe(InvoiceId("2"), (False, LONG_AGO, 2), amount.amount_minor)
    wallet.use()
    return {
        "invoice_status": status.value,
        "credit": credit,
        "after_next_invoice": wallet.unused,
    }


def _step(row: Any) -> tuple[Money, Money | None]:
    """Read ["refund", "10.00", null] or ["refund", "10.00", "adjust 10.00"]."""
    verb, amount, adjusted = row
    if verb != "refund":
        raise ValueError(f"not a refund: {verb!r}")
    if adjusted is None:
        return money(amount), None
    return money(amount), money(text(adjusted).removeprefix("adjust "))


@maps("refund.without_adjustment", "invoice paid steps")
def refunds(vector: Vector) -> Found:
    """A refund opens an invoice again; one with a credit note for it does not."""
    wallet = owing([(InvoiceId("I"), vector.given.read("invoice", money))])
    paid = vector.given.read("paid", money)
    wallet.receive(PAYMENT, paid.amount_minor)
    balances, refunded, back = [], [], []
    for n, (refund, adjusted) in enumerate(vector.given.read("steps", many(_step))):
        wallet.give_back(PAYMENT, refund.amount_minor)
        if adjusted is not None:
            wallet.receive(f"note {n}", adjusted.amount_minor)
        balances.append(wallet.owed)
        back.append(refund)
        refunded.append(Money(taken_back(_movements(paid, total(back, EUR))), EUR))
    return {"invoice_balance": balances, "refunded": refunded}


def _movements(paid: Money, refunded: Money) -> list[Movement]:
    """Write down what a provider tells: what came in, and all that went back so far."""
    kinds = ((MovementKind.CLEARED, paid), (MovementKind.REFUNDED, refunded))
    return [
        Movement(
            id=kind.value,
            account=AccountId("A"),
            provider="p",
            charge="c",
            ref=kind.value,
            kind=kind,
            amount=amount,
            attempt=None,
            received_at=AT,
        )
        for kind, amount in kinds
    ]
