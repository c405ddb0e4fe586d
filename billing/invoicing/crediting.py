"""How much a credit note gives back of a line, and what it does to what is owed. Pure.

Net and tax are rounded each by itself and added. Several notes on one line give back its tax by
what has been reached, so that the last of them takes exactly what is left.
"""

from __future__ import annotations

from dataclasses import dataclass

from billing.tax.levels import Split
from terms.errors import Invalid
from terms.money import Money


@dataclass(frozen=True, slots=True)
class Creditable:
    """A line with its tax, and what notes have given back of both."""

    line: Split
    given: Split

    @classmethod
    def of(cls, line: Split) -> Creditable:
        """Begin with a line of which nothing was given back."""
        nothing = Money(0, line.net.currency)
        return cls(line, Split(nothing, nothing))

    def note(self, net: Money) -> Split:
        """Give back a net amount and its tax. Raises Invalid for more than is left."""
        if not 0 <= net.amount_minor <= (self.line.net - self.given.net).amount_minor:
            raise Invalid(
                "credit_note.net", "must lie between nothing and what is left of the line"
            )
        if not self.line.net.amount_minor:
            return Split(net, Money(0, net.currency))
        reached = (self.given.net + net).amount_minor
        tax = self.line.tax.portion(reached, self.line.net.amount_minor) - self.given.tax
        return Split(net, tax)

    def less(self, note: Split) -> Creditable:
        """Return it after a note."""
        given = Split(self.given.net + note.net, self.given.tax + note.tax)
        return Creditable(self.line, given)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a note does: it lowers what is owed first; the excess goes back or stands to credit."""

    lowers: Money
    excess: Money

    def divide(self, *, refund: Money, out_of_band: Money) -> Excess:
        """Say how the excess goes back; what is not said stays as balance.

        Raises Invalid for more than there is.
        """
        balance = self.excess - refund - out_of_band
        return Excess(refund=refund, balance=balance, out_of_band=out_of_band)


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """How an excess goes back: to the payer, to the balance of the account, or by other ways."""

    refund: Money
    balance: Money
    out_of_band: Money

    def __post_init__(self) -> None:
        for name in ("refund", "balance", "out_of_band"):
            if getattr(self, name).amount_minor < 0:
                raise Invalid(f"credit_note.{name}", "must not be below nothing")

    @property
    def total(self) -> Money:
        """All of it."""
        return self.refund + self.balance + self.out_of_band


def effect(note: Money, owed: Money) -> Effect:
    """Tell what a note of a total does to what is owed of its invoice."""
    lowers = min(note, owed)
    return Effect(lowers=lowers, excess=note - lowers)
