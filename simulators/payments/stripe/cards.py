"""Test cards and how they behave, and the rules by which an admin decides it for a customer.

A behaviour is `ok`, `lost` (charged, but the answer never arrives), `processing` (decided later),
`dispute` (charged, then disputed), `inquiry` (charged, then asked about),
`authentication_required`, or `decline:CODE`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulators.payments.stripe.book import Thing
from simulators.simulator import BadOperation

MESSAGES = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "lost_card": "Your card was declined.",
    "stolen_card": "Your card was declined.",
    "do_not_honor": "Your card was declined.",
    "fraudulent": "Your card was declined.",
    "card_velocity_exceeded": "Your card was declined for making repeated attempts too frequently.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
}
# Decline codes that are error codes of their own; the others come under card_declined.
OWN_CODES = {"expired_card", "incorrect_cvc", "processing_error", "authentication_required"}

_VISA, _MASTERCARD = ("visa", "4242"), ("mastercard", "4444")
# test token (after pm_card_ or tok_) -> behaviour, brand, last four digits
TOKENS: dict[str, tuple[str, tuple[str, str]]] = {
    "visa": ("ok", _VISA),
    "mastercard": ("ok", _MASTERCARD),
    "chargeCustomerFail": ("decline:generic_decline", ("visa", "0341")),
    "chargeDeclined": ("decline:generic_decline", ("visa", "0002")),
    "chargeDeclinedInsufficientFunds": ("decline:insufficient_funds", ("visa", "9995")),
    "chargeDeclinedLostCard": ("decline:lost_card", ("visa", "9987")),
    "chargeDeclinedStolenCard": ("decline:stolen_card", ("visa", "9979")),
    "chargeDeclinedExpiredCard": ("decline:expired_card", ("visa", "0069")),
    "chargeDeclinedIncorrectCvc": ("decline:incorrect_cvc", ("visa", "0127")),
    "chargeDeclinedProcessingError": ("decline:processing_error", ("visa", "0119")),
    "authenticationRequired": ("authentication_required", ("visa", "3184")),
    "createDispute": ("dispute", ("visa", "0259")),
    "createDisputeInquiry": ("inquiry", ("visa", "1976")),
}
NUMBERS = {
    "4242424242424242": "visa",
    "5555555555554444": "mastercard",
    "4000000000000341": "chargeCustomerFail",
    "4000000000000002": "chargeDeclined",
    "4000000000009995": "chargeDeclinedInsufficientFunds",
    "4000000000009987": "chargeDeclinedLostCard",
    "4000000000009979": "chargeDeclinedStolenCard",
    "4000000000000069": "chargeDeclinedExpiredCard",
    "4000000000000127": "chargeDeclinedIncorrectCvc",
    "4000000000000119": "chargeDeclinedProcessingError",
    "4000002760003184": "authenticationRequired",
    "4000000000000259": "createDispute",
    "4000000000001976": "createDisputeInquiry",
}
_PLAIN = {"ok", "lost", "processing", "dispute", "inquiry", "authentication_required"}


def checked(behaviour: str) -> str:
    """Refuse a behaviour that does not exist."""
    if behaviour in _PLAIN or re.fullmatch(r"decline:[a-z_]+", behaviour):
        return behaviour
    known = ", ".join(sorted(_PLAIN))
    raise BadOperation(f"unknown behaviour {behaviour!r}; known: {known}, decline:CODE")


@dataclass(slots=True, kw_only=True)
class Rule:
    """What becomes of charges whose customer or payment method fits; the last behaviour stays."""

    customer: str = ""
    payment_method: str = ""
    email: str = ""
    metadata: Mapping[str, str]
    behaviours: list[str]

    def fits(self, customer: Thing | None, method: Thing) -> bool:
        """Tell whether a charge falls under this rule."""
        if self.payment_method and self.payment_method != method["id"]:
            return False
        if not (self.customer or self.email or self.metadata):
            return True
        if customer is None or self.customer not in {"", customer["id"]}:
            return False
        if self.email not in {"", customer["email"]}:
            return False
        known = customer["metadata"]
        return all(known.get(key) == value for key, value in self.metadata.items())

    def next_behaviour(self) -> str:
        """Tell the behaviour of the next charge."""
        return self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]

    def shown(self) -> dict[str, Any]:
        """Show the rule."""
        return {
            "customer": self.customer,
            "payment_method": self.payment_method,
            "email": self.email,
            "metadata": dict(self.metadata),
            "behaviours": list(self.behaviours),
        }


def rule_from(operation: Mapping[str, Any]) -> Rule:
    """Read a rule; without a selector it holds for everybody."""
    given = operation.get("behaviours", operation.get("behaviour"))
    behaviours = [given] if isinstance(given, str) else list(given or ())
    if not behaviours:
        raise BadOperation("behaviour or behaviours is missing")
    return Rule(
        customer=str(operation.get("customer", "")),
        payment_method=str(operation.get("payment_method", "")),
        email=str(operation.get("email", "")),
        metadata={str(k): str(v) for k, v in operation.get("metadata", {}).items()},
        behaviours=[checked(str(behaviour)) for behaviour in behaviours],
    )
