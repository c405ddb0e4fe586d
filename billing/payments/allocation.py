"""Which money pays which invoice: oldest due first, then by number, fees last. Pure.

No later invoice in this order is paid while an earlier one is open, also after money went back. So
what is open depends on the invoices and the money alone, never on the order in which it moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from terms.ids import InvoiceId
from terms.money import Money

Order = tuple[bool, date, int]  # whether it is of fees, due date, number
Pair = tuple[str, InvoiceId]  # which movement, or which credit note, paid which invoice


@dataclass(slots=True, kw_only=True)
class Wallet:
    """Open invoices and unused money of one account in one currency, while they are worked on.

    `paid` holds earlier payments of invoices; it is needed only where money goes back. `moved`
    collects what this work changes about it.
    """

    currency: str
    orders: dict[InvoiceId, Order] = field(default_factory=dict)
    debts: dict[InvoiceId, int] = field(default_factory=dict)
    credits: dict[str, int] = field(default_factory=dict)
    paid: dict[Pair, int] = field(default_factory=dict)
    moved: dict[Pair, int] = field(default_factory=dict)

    @property
    def owed(self) -> Money:
        """All that is open."""
        return Money(sum(self.debts.values()), self.currency)

    @property
    def unused(self) -> Money:
        """All money that has paid nothing yet."""
        return Money(sum(self.credits.values()), self.currency)

    def owe(self, invoice: InvoiceId, order: Order, amount_minor: int) -> None:
        """Add an open invoice; one of nothing is paid already."""
        self.orders[invoice] = order
        if amount_minor > 0:
            self.debts[invoice] = amount_minor

    def receive(self, movement: str, amount_minor: int) -> None:
        """Add money and pay with it."""
        self.credits[movement] = self.credits.get(movement, 0) + amount_minor
        self.use()

    def use(self) -> None:
        """Pay open invoices with unused money, as far as it goes."""
        if not self.credits:
            return
        for movement in sorted(self.credits):
            for invoice in self.open_invoices():
                part = min(self.credits[movement], self.debts[invoice])
                self.credits[movement] -= part
                self._pay(movement, invoice, part)
        self.credits = {movement: rest for movement, rest in self.credits.items() if rest}

    def replace(self, payer: str, invoice: InvoiceId, part: int, *, by: str) -> None:
        """Have one pay what another had paid of an invoice; nothing else is paid by that."""
        _add(self.moved, (payer, invoice), -part)
        _add(self.moved, (by, invoice), part)

    def give_back(self, movement: str, amount_minor: int) -> None:
        """Take money out again: what is unused of it first, then from the youngest it paid.

        Other money moves up behind it, so that again the oldest invoices are the paid ones.
        """
        unused = min(self.credits.get(movement, 0), amount_minor)
        if unused:
            self.credits[movement] -= unused
        left = amount_minor - unused
        for payer, invoice in self._youngest_paid():
            part = min(self.paid[payer, invoice], left) if payer == movement else 0
            left -= part
            self._pay(payer, invoice, -part)
        if left:
            raise ValueError(f"{movement} holds {left} less than is to be given back")
        self.use()
        self._move_up()

    def open_invoices(self) -> list[InvoiceId]:
        """Open invoices, oldest due first, then by number, fees last."""
        return sorted(self.debts, key=self.orders.__getitem__)

    def _move_up(self) -> None:
        for invoice in self.open_invoices():
            for payer, younger in self._youngest_paid():
                if self.orders[younger] > self.orders[invoice]:
                    part = min(self.paid[payer, younger], self.debts.get(invoice, 0))
                    self._pay(payer, younger, -part)
                    self._pay(payer, invoice, part)

    def _youngest_paid(self) -> list[Pair]:
        pairs = [pair for pair, part in self.paid.items() if part]
        return sorted(pairs, key=lambda pair: (self.orders[pair[1]], pair[0]), reverse=True)

    def _pay(self, movement: str, invoice: InvoiceId, part: int) -> None:
        if not part:
            return
        pair = (movement, invoice)
        _add(self.paid, pair, part)
        _add(self.moved, pair, part)
        rest = self.debts.pop(invoice, 0) - part
        if rest:
            self.debts[invoice] = rest


def _add(sums: dict[Pair, int], pair: Pair, part: int) -> None:
    sums[pair] = sums.get(pair, 0) + part


def canonical(debts: Mapping[InvoiceId, tuple[Order, int]], money: int) -> dict[InvoiceId, int]:
    """Tell what stays open of invoices, given as order and total, when money pays them in order."""
    rests = {}
    for invoice, (_, amount) in sorted(debts.items(), key=lambda item: item[1][0]):
        part = min(amount, money)
        money -= part
        if amount > part:
            rests[invoice] = amount - part
    return rests
