"""Credit notes: what they give back, with which tax, and what they do to what is owed."""

from __future__ import annotations

from billing.invoicing.crediting import Creditable, effect
from billing.payments.allocation import Wallet
from billing.rating.change import Debit, unused
from billing.rating.measure import Share
from billing.tax.levels import Split, on_top
from terms.ids import InvoiceId
from terms.money import Money, total
from tests.vectors.payments import owing
from tests.vectors.policies import manner
from tests.vectors.reading import EUR, Vector, money, percent, share_left, whole
from tests.vectors.registry import Found, maps

NOTHING = Money(0, EUR)


def _note(vector: Vector, left: Share) -> Found:
    """Give back what is left of a fee, with its tax."""
    fee, rate = vector.given.read("fee", money), vector.given.read("tax_pct", percent)
    debit = Debit(rate=fee, share=Share(0, left.of, left.of), adjusted=NOTHING)
    back = unused(debit, left, manner(vector).cut).amount
    return _shown(on_top(back, rate))


def _shown(note: Split) -> Found:
    return {"net": note.net, "tax": note.tax, "total": note.total}


@maps("creditnote.rounding", "fee tax_pct credited_fraction")
def net_and_tax_apart(vector: Vector) -> Found:
    """Net and tax are rounded each by itself and added."""
    return _note(vector, vector.given.read("credited_fraction", share_left))


@maps("creditnote.unused_advance", "fee tax_pct days month_days")
def unused_advance(vector: Vector) -> Found:
    """Days that were paid in advance and are not used."""
    days, month = (vector.given.read(name, whole) for name in ("days", "month_days"))
    return _note(vector, Share.rest(days, month))


@maps("creditnote.remainder", "fee tax_pct first_net second_net")
def remainder(vector: Vector) -> Found:
    """The last of several notes on a line takes exactly what is left."""
    given = vector.given
    line = Creditable.of(on_top(given.read("fee", money), given.read("tax_pct", percent)))
    first = line.note(given.read("first_net", money))
    second = line.less(first).note(given.read("second_net", money))
    return {
        "first_tax": first.tax,
        "first_total": first.total,
        "second_tax": second.tax,
        "second_total": second.total,
        "sum": total((first.total, second.total), EUR),
    }


@maps("creditnote.order", "invoice_total paid credit_note")
def order(vector: Vector) -> Found:
    """A note lowers what is unpaid first; its excess is divided without a rest."""
    invoice, paid, note = (
        vector.given.read(name, money) for name in ("invoice_total", "paid", "credit_note")
    )
    wallet: Wallet = owing([(InvoiceId("I"), invoice)])
    wallet.receive("M", paid.amount_minor)
    found = effect(note, wallet.owed)
    divided = found.divide(refund=NOTHING, out_of_band=NOTHING)
    shown = str(divided.total).partition(" ")[0]
    return {
        "pre_payment": found.lowers,
        "post_payment": found.excess,
        "rule": f"refund+balance+out_of_band == {shown}",
    }
