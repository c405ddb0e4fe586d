"""Payment intents: create, confirm, cancel, look up."""

from typing import Any

from simulators.payments.stripe.ask import Ask, Torn
from simulators.payments.stripe.book import Thing
from simulators.payments.stripe.customers import method_for
from simulators.payments.stripe.errors import ApiError, invalid
from simulators.payments.stripe.lists import CURSORS, created_within, page, search
from simulators.payments.stripe.params import (
    allow,
    amount,
    check_payable,
    currency,
    metadata,
    need,
    text,
)

_CREATE = (
    "amount",
    "automatic_payment_methods",
    "capture_method",
    "confirm",
    "currency",
    "customer",
    "description",
    "error_on_requires_action",
    "metadata",
    "off_session",
    "payment_method",
    "payment_method_types",
    "receipt_email",
    "return_url",
    "setup_future_usage",
    "statement_descriptor_suffix",
)
_CONFIRM = ("error_on_requires_action", "off_session", "payment_method", "return_url")
_OPEN = {"requires_payment_method", "requires_confirmation"}


def create(ask: Ask) -> Thing | Torn:
    """Create an intent and, with confirm=true, charge it at once."""
    allow(ask.params, _CREATE)
    wanted = amount(need(ask.params, "amount"))
    code = currency(need(ask.params, "currency"))
    check_payable(wanted, code)
    customer = text(ask.params, "customer")
    if customer is not None:
        ask.book.customer(customer)
    confirm = text(ask.params, "confirm") == "true"
    method = text(ask.params, "payment_method")
    if confirm and method is None:
        raise _no_method()
    number = None if method is None else method_for(ask.book, method, _keeper(ask, method))["id"]
    _same_customer(ask, number, customer)
    intent = new_intent(ask, wanted, code, metadata(ask.params))
    intent["customer"] = customer
    intent["description"] = text(ask.params, "description")
    if number is not None:
        intent.update(payment_method=number, status="requires_confirmation")
    return _charged(ask, intent, None) if confirm else _noted(ask, intent)


def confirm(ask: Ask) -> Thing | Torn:
    """Charge an intent that waits for it."""
    allow(ask.params, _CONFIRM)
    intent = ask.book.find(ask.book.intents, "payment_intent", ask.number)
    if intent["status"] not in _OPEN:
        raise _unexpected(intent, "confirm")
    before = _shown(intent)
    method = text(ask.params, "payment_method")
    if method is not None:
        number = method_for(ask.book, method, _keeper(ask, method))["id"]
        _same_customer(ask, number, intent["customer"])
        intent["payment_method"] = number
    if intent["payment_method"] is None:
        raise _no_method()
    return _charged(ask, intent, before)


def cancel(ask: Ask) -> Thing:
    """Cancel an intent that was not paid."""
    allow(ask.params, ("cancellation_reason",))
    intent = ask.book.find(ask.book.intents, "payment_intent", ask.number)
    if intent["status"] not in _OPEN:
        raise _unexpected(intent, "cancel")
    before = _shown(intent)
    intent.update(status="canceled", canceled_at=int(ask.book.clock.seconds()))
    ask.book.emit("payment_intent.canceled", intent, ask.key)
    ask.changed(intent, before)
    return intent


def update(ask: Ask) -> Thing:
    """Change the metadata or description of an intent."""
    allow(ask.params, ("metadata", "description"))
    intent = ask.book.find(ask.book.intents, "payment_intent", ask.number)
    before = {"metadata": intent["metadata"], "description": intent["description"]}
    intent["metadata"] = metadata(ask.params, intent["metadata"])
    if "description" in ask.params:
        intent["description"] = text(ask.params, "description")
    ask.changed(intent, before)
    return intent


def get(ask: Ask) -> Thing:
    """Show an intent."""
    return ask.book.find(ask.book.intents, "payment_intent", ask.number)


def list_all(ask: Ask) -> Thing:
    """List intents, all or a customer's."""
    allow(ask.params, (*CURSORS, "customer", "created"))
    customer, in_time = text(ask.params, "customer"), created_within(ask.params)
    chosen = [
        intent
        for intent in ask.book.intents.values()
        if customer in {None, intent["customer"]} and in_time(intent)
    ]
    return page(chosen, ask.params, "/v1/payment_intents")


def find(ask: Ask) -> Thing:
    """Search intents, by metadata for instance."""
    allow(ask.params, ("query", "limit", "page"))
    return search(ask.book.intents.values(), ask.params, "/v1/payment_intents/search")


def get_charge(ask: Ask) -> Thing:
    """Show a charge."""
    return ask.book.find(ask.book.charges, "charge", ask.number)


def list_charges(ask: Ask) -> Thing:
    """List charges, of an intent or of a customer."""
    allow(ask.params, (*CURSORS, "customer", "payment_intent", "created"))
    customer, intent = text(ask.params, "customer"), text(ask.params, "payment_intent")
    chosen = [
        charge
        for charge in ask.book.charges.values()
        if customer in {None, charge["customer"]} and intent in {None, charge["payment_intent"]}
    ]
    return page(chosen, ask.params, "/v1/charges")


def new_intent(ask: Ask, wanted: int, code: str, marks: dict[str, str]) -> Thing:
    """Make an intent without a payment method."""
    intent = ask.book.new(
        "pi",
        "payment_intent",
        amount=wanted,
        amount_received=0,
        canceled_at=None,
        capture_method="automatic",
        currency=code,
        customer=None,
        description=None,
        last_payment_error=None,
        latest_charge=None,
        metadata=marks,
        next_action=None,
        payment_method=None,
        payment_method_types=["card"],
        status="requires_payment_method",
    )
    intent["client_secret"] = f"{intent['id']}_secret_{ask.book.secret()}"
    ask.book.intents[intent["id"]] = intent
    return intent


def _charged(ask: Ask, intent: Thing, before: dict[str, Any] | None) -> Thing | Torn:
    outcome = ask.cashier.charge(intent, ask.key)
    ask.journal.effect(ask.call, intent["id"], before=before, after=_shown(intent))
    if outcome.error is not None:
        raise outcome.error
    return Torn(thing=intent) if outcome.is_lost else intent


def _noted(ask: Ask, intent: Thing) -> Thing:
    ask.journal.effect(ask.call, intent["id"], before=None, after=_shown(intent))
    return intent


def _shown(intent: Thing) -> dict[str, Any]:
    names = ("amount", "currency", "status", "customer", "metadata", "amount_received")
    return {name: intent[name] for name in names}


def _keeper(ask: Ask, number: str) -> str | None:
    """Tell to whom a fresh test card belongs: nobody, it is used once."""
    method = ask.book.methods.get(number)
    return None if method is None else method["customer"]


def _same_customer(ask: Ask, number: str | None, customer: str | None) -> None:
    if number is None:
        return
    owner = ask.book.methods[number]["customer"]
    if ask.book.methods[number].get("_is_detached"):
        message = (
            "The provided PaymentMethod was detached from a Customer. It may not be used again."
        )
        raise invalid(message, param="payment_method")
    if owner is not None and owner != customer:
        message = "The payment method supplied belongs to a Customer other than the one given."
        raise invalid(message, param="payment_method")


def _no_method() -> ApiError:
    message = "You cannot confirm this PaymentIntent because it's missing a payment method."
    return invalid(message, code="payment_intent_unexpected_state")


def _unexpected(intent: Thing, verb: str) -> ApiError:
    message = f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}."
    return invalid(message, code="payment_intent_unexpected_state")
