"""Mandates, and the hosted page on which a person gives one."""

from collections.abc import Mapping
from html import escape
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from simulators.call import Call, Reply
from simulators.page import page as write_page
from simulators.payments.gocardless import collecting
from simulators.payments.gocardless.book import Book, Thing
from simulators.payments.gocardless.collecting import CURRENCIES, metadata
from simulators.payments.gocardless.errors import state, validation

PAGE = "/flow/"


def new_customer(book: Book, name: str) -> Thing:
    """Make a customer."""
    return book.new("customers", given_name=name, family_name="", metadata={})


def new_mandate(book: Book, customer: Thing, currency: str, ending: str = "1234") -> Thing:
    """Make a mandate of a customer, with a bank account of its own."""
    account = book.new(
        "customer_bank_accounts",
        account_holder_name=customer["given_name"],
        account_number_ending=ending[-4:],
        bank_name="BANK OF SIMULATION",
        currency=currency,
        enabled=True,
        links={"customer": customer["id"]},
        metadata={},
    )
    mandate = book.new(
        "mandates",
        reference=book.name("R")[-10:],
        scheme=CURRENCIES[currency],
        status="pending_submission",
        next_possible_charge_date=book.working_day(3),
        metadata={},
        links={
            "customer": customer["id"],
            "customer_bank_account": account["id"],
            "creditor": "CR000000000001",
        },
    )
    book.emit("mandates", "created", mandate, origin="api")
    return mandate


def cancel(book: Book, mandate: Thing) -> Thing:
    """Cancel a mandate and what has not gone to the banks yet."""
    if mandate["status"] in {"cancelled", "failed", "expired"}:
        raise state("cancellation_failed")
    mandate["status"] = "cancelled"
    book.emit("mandates", "cancelled", mandate, origin="api")
    for payment in book.tables["payments"].values():
        mine = payment["links"]["mandate"] == mandate["id"]
        if mine and payment["status"] == "pending_submission":
            collecting.cancel(book, payment, "mandate_cancelled")
    return mandate


def request(book: Book, body: Mapping[str, Any]) -> Thing:
    """Ask for a mandate."""
    wish = body.get("mandate_request")
    if not isinstance(wish, dict):
        raise validation("mandate_request", "must be there: only mandates are simulated")
    currency = str(wish.get("currency"))
    if currency not in CURRENCIES:
        raise validation("currency", "is not supported")
    links = body.get("links") or {}
    if links.get("customer"):
        links = {"customer": book.linked("customers", links, "customer")["id"]}
    made = book.new(
        "billing_requests",
        status="pending",
        mandate_request={"currency": currency, "scheme": CURRENCIES[currency]},
        metadata=metadata(body),
        links=dict(links),
    )
    book.emit("billing_requests", "created", made, origin="api", links={})
    return made


def flow(book: Book, body: Mapping[str, Any], url: str) -> Thing:
    """Make the page of a request."""
    asked = book.linked("billing_requests", body.get("links") or {}, "billing_request")
    made = book.new(
        "billing_request_flows",
        redirect_uri=body.get("redirect_uri"),
        exit_uri=body.get("exit_uri"),
        links={"billing_request": asked["id"]},
    )
    made["authorisation_url"] = f"{url}{PAGE}{made['id']}"
    return made


def visit(book: Book, call: Call) -> Reply:
    """Show the page of a request, or take its form: an account number, or nothing."""
    found = book.tables["billing_request_flows"].get(call.path.removeprefix(PAGE))
    if found is None:
        return _html("Nothing to sign here", "<p>This link is unknown.</p>", HTTPStatus.NOT_FOUND)
    asked = book.find("billing_requests", found["links"]["billing_request"])
    if call.method != "POST":
        return _form(asked)
    if asked["status"] != "fulfilled":
        _fulfil(book, asked, parse_qs(call.body.decode("utf-8", "replace")))
    place = str(found["redirect_uri"] or "/")
    return Reply(status=HTTPStatus.SEE_OTHER, headers={"Location": place})


def _fulfil(book: Book, asked: Thing, form: Mapping[str, list[str]]) -> None:
    number = form.get("account", ["0000001234"])[0]
    known = asked["links"].get("customer")
    customer = book.find("customers", known) if known else new_customer(book, "Payer")
    mandate = new_mandate(book, customer, asked["mandate_request"]["currency"], number)
    asked["status"] = "fulfilled"
    asked["links"] |= {"customer": customer["id"], "mandate_request_mandate": mandate["id"]}
    links = {"customer": customer["id"], "mandate_request_mandate": mandate["id"]}
    # "billing_request" is no plural cut short: the link is named so.
    book.emit("billing_requests", "fulfilled", asked, origin="payer", links=links)


def _form(asked: Thing) -> Reply:
    currency = escape(asked["mandate_request"]["currency"])
    body = (
        f"<h1>Pay by bank debit</h1><p>A mandate in {currency}.</p>"
        '<form method="post"><label>Account number<input name="account"></label>'
        "<button>Give the mandate</button></form>"
    )
    return _html("Bank debit", body)


def _html(title: str, body: str, status: int = HTTPStatus.OK) -> Reply:
    return Reply(
        status=status,
        body=write_page(title, body).encode(),
        content_type="text/html; charset=utf-8",
    )
