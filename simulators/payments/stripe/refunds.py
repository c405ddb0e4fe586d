"""Refunds, and the disputes that can be looked at."""

from simulators.payments.stripe.ask import Ask
from simulators.payments.stripe.book import Book, Thing, copy_of
from simulators.payments.stripe.errors import invalid, missing
from simulators.payments.stripe.lists import CURSORS, page
from simulators.payments.stripe.params import allow, amount, check_payable, metadata, need, text

_CREATE = ("amount", "charge", "expand", "metadata", "payment_intent", "reason")
_EXPANDED, _EXPANDED_IN_LIST = "charge", "data.charge"


def create(ask: Ask) -> Thing:
    """Give back a part of a charge, or what is left of it."""
    allow(ask.params, _CREATE)
    charge = _charge(ask)
    disputes = [one for one in ask.book.disputes.values() if one["charge"] == charge["id"]]
    if not all(one["is_charge_refundable"] for one in disputes):
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise invalid(message, code="charge_disputed")
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left <= 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise invalid(message, code="charge_already_refunded")
    wanted = amount(need(ask.params, "amount")) if text(ask.params, "amount") else left
    check_payable(wanted, charge["currency"])
    if wanted > left:
        message = f"Refund amount ({wanted}) is greater than unrefunded amount on charge ({left})"
        raise invalid(message, param="amount")
    refund = ask.book.new(
        "re",
        "refund",
        amount=wanted,
        charge=charge["id"],
        currency=charge["currency"],
        metadata=metadata(ask.params),
        payment_intent=charge["payment_intent"],
        reason=text(ask.params, "reason"),
        failure_reason=None,
        status="succeeded",
    )
    ask.book.refunds[refund["id"]] = refund
    charge["amount_refunded"] += wanted
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    ask.book.emit("refund.created", refund, ask.key)
    ask.book.emit("charge.refunded", charge, ask.key)
    ask.created(refund, "amount", "currency", "charge", "payment_intent", "metadata")
    return _expanded(ask, refund, _EXPANDED)


def fail(book: Book, refund: Thing, reason: str) -> None:
    """Let the payer's bank send a refund back: its money is the merchant's again."""
    refund.update(status="failed", failure_reason=reason)
    charge = book.charges[refund["charge"]]
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    for name in ("refund.updated", "charge.refund.updated", "refund.failed"):
        book.emit(name, refund)


def get(ask: Ask) -> Thing:
    """Show a refund."""
    return ask.book.find(ask.book.refunds, "refund", ask.number)


def list_all(ask: Ask) -> Thing:
    """List refunds, of a charge or of an intent."""
    allow(ask.params, (*CURSORS, "charge", "expand", "payment_intent"))
    charge, intent = text(ask.params, "charge"), text(ask.params, "payment_intent")
    chosen = [
        refund
        for refund in ask.book.refunds.values()
        if charge in {None, refund["charge"]} and intent in {None, refund["payment_intent"]}
    ]
    found = page(chosen, ask.params, "/v1/refunds")
    return {**found, "data": [_expanded(ask, one, _EXPANDED_IN_LIST) for one in found["data"]]}


def get_dispute(ask: Ask) -> Thing:
    """Show a dispute."""
    return ask.book.find(ask.book.disputes, "dispute", ask.number)


def list_disputes(ask: Ask) -> Thing:
    """List disputes."""
    allow(ask.params, (*CURSORS, "charge", "payment_intent"))
    return page(ask.book.disputes.values(), ask.params, "/v1/disputes")


def _expanded(ask: Ask, refund: Thing, name: str) -> Thing:
    """Show the charge itself in the place of its id, where the caller wants it so."""
    wanted = ask.params.get("expand", [])
    if not isinstance(wanted, list):
        raise invalid("Invalid array", param="expand")
    if set(wanted) - {name}:
        raise invalid("This property cannot be expanded.", param="expand")
    if not wanted:
        return refund
    return {**refund, "charge": copy_of(ask.book.charges[refund["charge"]])}


def _charge(ask: Ask) -> Thing:
    number = text(ask.params, "charge")
    if number is not None:
        return ask.book.find(ask.book.charges, "charge", number, "charge")
    intent_number = text(ask.params, "payment_intent")
    if intent_number is None:
        raise missing("payment_intent")
    intent = ask.book.find(ask.book.intents, "payment_intent", intent_number, "payment_intent")
    if intent["status"] != "succeeded":
        message = (
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
        )
        raise invalid(message, param="payment_intent")
    return ask.book.charges[intent["latest_charge"]]
