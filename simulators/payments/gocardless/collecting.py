"""Payments and refunds, and what banks make of them days later."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from simulators.payments.gocardless.book import Book, Thing
from simulators.payments.gocardless.errors import ApiError, not_found, state, validation

CURRENCIES = {
    "AUD": "becs",
    "CAD": "pad",
    "DKK": "betalingsservice",
    "EUR": "sepa_core",
    "GBP": "bacs",
    "NZD": "becs_nz",
    "SEK": "autogiro",
    "USD": "ach",
}
METADATA_MAX, KEY_CHARS_MAX, VALUE_CHARS_MAX = 3, 50, 500
DESCRIPTION_CHARS_MAX = 100
REFUNDS_MAX = 5
CHARGEABLE = {"pending_customer_approval", "pending_submission", "submitted", "active"}
PAID = {"confirmed", "paid_out"}
PENDING = {"pending_customer_approval", "pending_submission", "submitted"}
# What a bank may say of a payment in a state, and the state that it comes to.
STEPS: Mapping[str, tuple[frozenset[str], str]] = {
    "submitted": (frozenset({"pending_submission"}), "submitted"),
    "confirmed": (frozenset({"pending_submission", "submitted"}), "confirmed"),
    "paid_out": (frozenset({"confirmed"}), "paid_out"),
    "failed": (frozenset({*PENDING, *PAID}), "failed"),
    "late_failure_settled": (frozenset({"failed"}), "failed"),
    "charged_back": (frozenset(PAID), "charged_back"),
    "chargeback_cancelled": (frozenset({"charged_back"}), "paid_out"),
    "chargeback_settled": (frozenset({"charged_back"}), "charged_back"),
    "resubmission_requested": (frozenset({"failed"}), "pending_submission"),
}


def pay(book: Book, body: Mapping[str, Any]) -> Thing:
    """Order a payment from a mandate."""
    _allow(body, "amount", "currency", "charge_date", "description", "reference", "metadata")
    links = _links(body)
    mandate = book.linked("mandates", links, "mandate")
    if mandate["status"] not in CHARGEABLE:
        raise state("mandate_is_inactive")
    amount = _amount(body.get("amount"))
    currency = body.get("currency")
    if CURRENCIES.get(str(currency)) != mandate["scheme"]:
        raise validation("currency", "is not the currency of the mandate")
    if len(str(body.get("description") or "")) > DESCRIPTION_CHARS_MAX:
        raise validation("description", "is too long")
    payment = book.new(
        "payments",
        amount=amount,
        amount_refunded=0,
        charge_date=body.get("charge_date") or mandate["next_possible_charge_date"],
        currency=currency,
        description=body.get("description"),
        reference=body.get("reference"),
        status="pending_submission",
        scheme=mandate["scheme"],
        retry_if_possible=False,
        metadata=metadata(body),
        links={"mandate": mandate["id"], "creditor": "CR000000000001"},
    )
    book.emit("payments", "created", payment, origin="api")
    return payment


def cancel(book: Book, payment: Thing, cause: str = "payment_cancelled") -> Thing:
    """Cancel a payment that has not gone to the banks."""
    if payment["status"] != "pending_submission":
        raise state("cancellation_failed")
    payment["status"] = "cancelled"
    book.emit("payments", "cancelled", payment, origin="api", cause=cause)
    return payment


def bank_says(book: Book, payment: Thing, action: str, cause: str, *, retries: bool) -> None:
    """Let a bank, or the collector, take a payment a step on."""
    allowed, to = STEPS[action]
    if payment["status"] not in allowed:
        raise state("payment_in_wrong_state")
    payment["status"] = to
    details: dict[str, Any] = {"cause": cause} if cause else {}
    if action == "failed":
        details["will_attempt_retry"] = retries
    book.emit("payments", action, payment, **details)


def give_back(book: Book, body: Mapping[str, Any]) -> Thing:
    """Give back of a payment; whoever asks says how much that makes in all."""
    _allow(body, "amount", "total_amount_confirmation", "reference", "metadata")
    payment = book.linked("payments", _links(body), "payment")
    if payment["status"] not in PAID:
        raise state("refund_payment_invalid_state")
    amount = _amount(body.get("amount"))
    made = [
        one for one in book.tables["refunds"].values() if one["links"]["payment"] == payment["id"]
    ]
    if len(made) >= REFUNDS_MAX:
        raise state("number_of_refunds_exceeded")
    if payment["amount_refunded"] + amount > payment["amount"]:
        raise validation("amount", "is more than is left of the payment")
    if body.get("total_amount_confirmation") != payment["amount_refunded"] + amount:
        message = "does not match what is refunded in all"
        raise validation("total_amount_confirmation", message, "total_amount_confirmation_invalid")
    payment["amount_refunded"] += amount
    refund = book.new(
        "refunds",
        amount=amount,
        currency=payment["currency"],
        reference=body.get("reference"),
        status="submitted",
        metadata=metadata(body),
        links={"payment": payment["id"], "mandate": payment["links"]["mandate"]},
    )
    links = {"payment": payment["id"]}
    book.emit("refunds", "created", refund, origin="api", links=links)
    return refund


def bounce(book: Book, refund: Thing) -> None:
    """Let a refund not arrive: its money is returned."""
    refund["status"] = "funds_returned"
    payment = book.find("payments", refund["links"]["payment"])
    payment["amount_refunded"] -= refund["amount"]
    links = {"payment": payment["id"]}
    book.emit("refunds", "failed", refund, links=links)
    book.emit("refunds", "funds_returned", refund, origin="gocardless", links=links)


def metadata(body: Mapping[str, Any]) -> dict[str, str]:
    """Read up to three pairs of texts."""
    found = body.get("metadata") or {}
    fits = (
        isinstance(found, dict)
        and len(found) <= METADATA_MAX
        and all(
            len(name) <= KEY_CHARS_MAX and isinstance(text, str) and len(text) <= VALUE_CHARS_MAX
            for name, text in found.items()
        )
    )
    if not fits:
        raise validation("metadata", "may have three pairs of texts")
    return dict(found)


def key_used(resource: str) -> ApiError:
    """Refuse a key under which something was made already, and name that."""
    return state(
        "idempotent_creation_conflict",
        HTTPStatus.CONFLICT,
        links={"conflicting_resource_id": resource},
    )


def _links(body: Mapping[str, Any]) -> Mapping[str, Any]:
    links = body.get("links")
    if not isinstance(links, dict):
        raise not_found()
    return links


def _allow(body: Mapping[str, Any], *names: str) -> None:
    unknown = body.keys() - {*names, "links", "retry_if_possible"}
    if unknown:
        raise validation(min(unknown), "is not a field of this resource")


def _amount(value: object) -> int:
    if type(value) is not int or value <= 0:
        raise validation("amount", "must be a whole number above nothing")
    return value
