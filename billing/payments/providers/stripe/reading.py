"""Reads the provider's JSON strictly: amounts, times, reasons of refusals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from billing.payments.model import Decline
from billing.payments.providers.stripe.amounts import read
from billing.payments.reading import AMOUNT_MAX, MARK_CHARS_MAX, is_plain
from terms.errors import Invalid
from terms.money import Money

SECONDS_MAX = 10**11
# Trying the same card again makes no sense (Stripe: "Smart Retries", hard decline codes).
HARD_CODES = frozenset(
    {
        "authentication_required",
        "expired_card",
        "highest_risk_level",
        "incorrect_number",
        "lost_card",
        "pickup_card",
        "resource_missing",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "stolen_card",
        "transaction_not_allowed",
    }
)


def money(thing: Mapping[str, Any], name: str) -> Money:
    """Read an amount in the currency beside it. Raises Invalid."""
    amount, currency = thing.get(name), thing.get("currency")
    if type(amount) is not int or not 0 < amount < AMOUNT_MAX or not isinstance(currency, str):
        raise Invalid(name, "is not an amount")
    try:
        return read(amount, currency.upper())
    except ValueError:
        raise Invalid("currency", "is not a currency") from None


def moment(thing: Mapping[str, Any], name: str) -> datetime:
    """Read a time, told in seconds. Raises Invalid."""
    found = thing.get(name)
    if type(found) is not int or not 0 < found < SECONDS_MAX:
        raise Invalid(name, "is not a time")
    return datetime.fromtimestamp(found, UTC)


def reason(error: object) -> tuple[str, Decline]:
    """Read the code of an error, the decline code before the general one."""
    if not isinstance(error, dict):
        return "declined", Decline.SOFT
    codes = [error.get("decline_code"), error.get("code")]
    texts = [code[:MARK_CHARS_MAX] for code in codes if isinstance(code, str) and is_plain(code)]
    code = texts[0] if texts else "declined"
    return code, Decline.HARD if HARD_CODES & set(texts) else Decline.SOFT
