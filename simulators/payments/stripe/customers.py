"""Customers and their payment methods."""

from collections.abc import Mapping
from typing import Any

from simulators.payments.stripe.ask import Ask
from simulators.payments.stripe.book import Book, Thing
from simulators.payments.stripe.cards import NUMBERS, TOKENS
from simulators.payments.stripe.charging import shown_method
from simulators.payments.stripe.errors import invalid, missing, unknown_object
from simulators.payments.stripe.lists import CURSORS, created_within, page
from simulators.payments.stripe.params import allow, metadata, need, text

_TEXTS = ("description", "email", "name", "phone")
_EXPIRY = ("exp_month", "exp_year")
_FIELDS = (*_TEXTS, "invoice_settings", "metadata", "payment_method")


def create(ask: Ask) -> Thing:
    """Create a customer."""
    allow(ask.params, _FIELDS)
    customer = ask.book.new(
        "cus",
        "customer",
        **{name: text(ask.params, name) for name in _TEXTS},
        currency=None,
        invoice_settings={"default_payment_method": None},
        metadata=metadata(ask.params),
    )
    ask.book.customers[customer["id"]] = customer
    if text(ask.params, "payment_method"):
        method_for(ask.book, need(ask.params, "payment_method"), customer["id"])
    _set_default(ask, customer)
    ask.created(customer, "email", "metadata")
    return customer


def load(book: Book, row: Mapping[str, Any]) -> None:
    """Take over a customer of the state file: id, name, card `card` as `payment_method`."""
    customer = book.new(
        "cus",
        "customer",
        **{name: row.get(name) for name in _TEXTS},
        currency=None,
        invoice_settings={"default_payment_method": None},
        metadata=dict(row.get("metadata", {})),
    )
    customer["id"] = str(row["id"])
    book.customers[customer["id"]] = customer
    if "payment_method" in row:
        method = _new_method(book, str(row.get("card", "visa")))
        del book.methods[method["id"]]
        method.update(id=str(row["payment_method"]), customer=customer["id"])
        method["card"].update({name: int(row[name]) for name in _EXPIRY if name in row})
        book.methods[method["id"]] = method
        customer["invoice_settings"]["default_payment_method"] = method["id"]


def update(ask: Ask) -> Thing:
    """Change a customer."""
    allow(ask.params, _FIELDS)
    customer = ask.book.customer(ask.number, param="id")
    before = {name: customer[name] for name in (*_TEXTS, "metadata")}
    for name in _TEXTS:
        if name in ask.params:
            customer[name] = text(ask.params, name)
    customer["metadata"] = metadata(ask.params, customer["metadata"])
    _set_default(ask, customer)
    ask.changed(customer, before)
    return customer


def get(ask: Ask) -> Thing:
    """Show a customer."""
    found = ask.book.customers.get(ask.number)
    if found is None:
        raise unknown_object("customer", ask.number)
    return found


def delete(ask: Ask) -> Thing:
    """Delete a customer; his id stays known as deleted."""
    customer = ask.book.customer(ask.number, param="id")
    gone = {"id": customer["id"], "object": "customer", "deleted": True}
    ask.book.customers[customer["id"]] = gone
    ask.journal.effect(ask.call, customer["id"], before={"deleted": False}, after={"deleted": True})
    return gone


def list_all(ask: Ask) -> Thing:
    """List customers."""
    allow(ask.params, (*CURSORS, "email", "created"))
    email, in_time = text(ask.params, "email"), created_within(ask.params)
    chosen = [
        customer
        for customer in ask.book.customers.values()
        if not customer.get("deleted") and email in {None, customer["email"]} and in_time(customer)
    ]
    return page(chosen, ask.params, "/v1/customers")


def create_method(ask: Ask) -> Thing:
    """Create a payment method from a test token or a test card number."""
    allow(ask.params, ("type", "card", "metadata", "billing_details"))
    if need(ask.params, "type") != "card":
        raise invalid("Only cards are simulated", param="type")
    card = ask.params.get("card")
    if not isinstance(card, dict):
        raise missing("card")
    number = str(card.get("number", "")).replace(" ", "")
    name = str(card.get("token", "")).removeprefix("tok_") or NUMBERS.get(number, "")
    method = _new_method(ask.book, name)
    method["metadata"] = metadata(ask.params)
    ask.created(method, "card")
    return shown_method(method)


def get_method(ask: Ask) -> Thing:
    """Show a payment method."""
    return shown_method(ask.book.find(ask.book.methods, "PaymentMethod", ask.number))


def attach(ask: Ask) -> Thing:
    """Attach a payment method, or a fresh one of a test token, to a customer."""
    allow(ask.params, ("customer",))
    customer = ask.book.customer(need(ask.params, "customer"))
    method = method_for(ask.book, ask.number, customer["id"], param="id")
    ask.created(method, "customer", "card")
    return shown_method(method)


def detach(ask: Ask) -> Thing:
    """Take a payment method from its customer for good."""
    method = ask.book.find(ask.book.methods, "PaymentMethod", ask.number)
    if method["customer"] is None:
        message = "The payment method you provided is not attached to a customer."
        raise invalid(f"{message[:-1]} so detachment is impossible.")
    before = {"customer": method["customer"]}
    method.update(customer=None, _is_detached=True)
    ask.changed(method, before)
    ask.book.emit("payment_method.detached", shown_method(method), ask.key)
    return shown_method(method)


def list_methods(ask: Ask) -> Thing:
    """List payment methods of the customer in the path or in the parameters."""
    allow(ask.params, (*CURSORS, "customer", "type"))
    number = ask.number or text(ask.params, "customer")
    chosen = [m for m in ask.book.methods.values() if number is None or m["customer"] == number]
    return page([shown_method(m) for m in chosen], ask.params, ask.call.path)


def method_for(book: Book, number: str, customer: str | None, *, param: str = "") -> Thing:
    """Find a payment method, or make one of a test token, and attach it where it is free."""
    method = book.methods.get(number)
    if method is None:
        if not number.startswith("pm_card_") or number[8:] not in TOKENS:
            raise unknown_object("PaymentMethod", number, param=param or "payment_method")
        method = _new_method(book, number[8:])
    if customer is not None:
        if method["customer"] not in {None, customer}:
            message = "The payment method you provided has already been attached to a customer."
            raise invalid(message, param=param or "payment_method")
        method["customer"] = customer
    return method


def _new_method(book: Book, token: str) -> Thing:
    if token not in TOKENS:
        raise unknown_object("token", token, param="card")
    brand, last4 = TOKENS[token][1]
    method: dict[str, Any] = book.new(
        "pm",
        "payment_method",
        billing_details={"email": None, "name": None},
        card={"brand": brand, "exp_month": 12, "exp_year": 2040, "last4": last4},
        customer=None,
        metadata={},
        type="card",
        _token=token,
    )
    book.methods[method["id"]] = method
    return method


def _set_default(ask: Ask, customer: Thing) -> None:
    settings = ask.params.get("invoice_settings")
    if isinstance(settings, dict) and "default_payment_method" in settings:
        number = settings["default_payment_method"] or None
        if number is not None:
            number = method_for(ask.book, number, customer["id"])["id"]
        customer["invoice_settings"]["default_payment_method"] = number
