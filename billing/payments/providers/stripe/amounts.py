"""How the provider words amounts: with decimals of its own (docs.stripe.com/currencies).

Some currencies are told without decimals and some with three, of which the last is 0; all others
with two, ISK and UGX too, which have none in the world. An amount that is finer than the provider
takes is asked for rounded up: so what is owed is paid, and what is too much is the payer's credit.
"""

from __future__ import annotations

from terms.errors import Invalid
from terms.money import Money, exponent

_WHOLE = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA"}
    | {"PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"}
)
_THOUSANDTHS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
_LAST_DIGIT = 10  # of thousandths: "the least-significant (last) digit to be 0"


def worded(amount: Money) -> int:
    """Word an amount for the provider."""
    theirs, ours = decimals(amount.currency), exponent(amount.currency)
    step = _LAST_DIGIT if amount.currency in _THOUSANDTHS else 1
    units: int = -(-amount.amount_minor * 10**theirs // (10**ours * step))
    return units * step


def read(units: int, currency: str) -> Money:
    """Read what the provider tells. Raises Invalid for a part of what has none."""
    minor, rest = divmod(units * 10 ** exponent(currency), 10 ** decimals(currency))
    if rest:
        raise Invalid("amount", f"is finer than {currency} is")
    return Money(minor, currency)


def decimals(currency: str) -> int:
    """Tell how many decimals the provider gives a currency."""
    if currency in _WHOLE:
        return 0
    return 3 if currency in _THOUSANDTHS else 2
