"""What payments, refunds and the causes of failures mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from billing.payments.model import Decline
from billing.payments.reading import AMOUNT_MAX, word
from terms.errors import Invalid
from terms.money import Money, exponent

CODE_CHARS_MAX = 80
DECIMALS = 2  # of every currency that the provider collects
PENDING = frozenset({"pending_customer_approval", "pending_submission", "submitted"})
# A payment that was charged back had come in: that it went is told by an event of its own.
PAID = frozenset({"confirmed", "paid_out", "charged_back"})
OVER = frozenset({"failed", "cancelled", "customer_approval_denied"})
BOUNCED = frozenset({"bounced", "cancelled", "failed", "funds_returned"})
# Asking the same bank account again makes no sense (GoCardless: "Event types", details[cause]).
HARD_CAUSES = frozenset(
    {
        "authorisation_disputed",
        "bank_account_closed",
        "bank_account_transferred",
        "customer_approval_denied",
        "direct_debit_not_enabled",
        "invalid_bank_details",
        "mandate_cancelled",
        "mandate_expired",
        "payer_deceased",
    }
)


def is_collected(currency: str) -> bool:
    """Tell whether amounts of a currency can be worded: all are in hundredths."""
    return exponent(currency) == DECIMALS


def money(thing: Mapping[str, Any]) -> Money:
    """Read the amount of a resource. Raises Invalid."""
    amount, currency = thing.get("amount"), thing.get("currency")
    if type(amount) is not int or not 0 < amount < AMOUNT_MAX or not isinstance(currency, str):
        raise Invalid("amount", "is not an amount")
    try:
        found = Money(amount, currency)
    except ValueError:
        raise Invalid("currency", "is not a currency") from None
    if not is_collected(currency):
        raise Invalid("currency", "is not one that is collected")
    return found


def cause_of(event: Mapping[str, Any]) -> tuple[str, Decline]:
    """Read why something failed, and whether to try again makes sense."""
    details = event.get("details")
    told = details.get("cause") if isinstance(details, dict) else None
    cause = word(told, CODE_CHARS_MAX) or "failed"
    return cause, Decline.HARD if cause in HARD_CAUSES else Decline.SOFT


def will_be_retried(event: Mapping[str, Any]) -> bool:
    """Tell whether the provider tries a failed payment again by itself."""
    details = event.get("details")
    return isinstance(details, dict) and details.get("will_attempt_retry") is True
