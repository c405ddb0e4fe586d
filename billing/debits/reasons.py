"""Why a debit did not go through, or went back: what its code means for the mandate. Pure.

Source: the external code sets of ISO 20022 as the SEPA Core Direct Debit Rulebook uses them
(EPC016-06). A code that is not listed says nothing against the mandate.
"""

from __future__ import annotations

import re
from enum import StrEnum

from billing.payments.model import Decline

CODE_CHARS_MAX = 4
UNSAID = "MS03"  # the bank gives no reason
_SHAPE = re.compile(r"[A-Z]{2}(?:[A-Z]{2}|[0-9]{2})")


class After(StrEnum):
    """What follows for the mandate."""

    TRY = "try"  # nothing: the ladder tries again
    ASK = "ask"  # the payer said no: a person may have it charged again
    END = "end"  # it is never charged again


# The account is wrong, closed, blocked, a consumer's, or none for debits: another one heals it.
OF_THE_ACCOUNT = frozenset({"AC01", "AC04", "AC06", "AC13", "AG01"})
_ENDS = OF_THE_ACCOUNT | frozenset(
    {
        "MD01",  # there is no mandate
        "MD07",  # the payer has died
        "SL01",  # the payer has barred us
    }
)
_ASKS = frozenset(
    {
        "MD06",  # the payer wants it back
        "MS02",  # the payer refuses, and says not why
    }
)


def is_code(word: str) -> bool:
    """Tell whether this may be a code of the sets: they grow, so one that is not listed may be."""
    return _SHAPE.fullmatch(word) is not None


def after(code: str) -> After:
    """Tell what a code means."""
    if code in _ENDS:
        return After.END
    return After.ASK if code in _ASKS else After.TRY


def decline(code: str) -> Decline:
    """Tell whether trying the same mandate again makes sense."""
    return Decline.HARD if after(code) is After.END else Decline.SOFT
