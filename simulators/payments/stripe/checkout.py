"""Checkout sessions and the page on which they are paid, or a card is left in setup mode.

The page takes a form with `card`: `ok`, `declined`, a test card number or a test token. Without
it the customer's own card behaviour decides.
"""

from html import escape
from typing import Any
from urllib.parse import parse_qs

from simulators.call import Reply
from simulators.page import page as write_page
from simulators.payments.stripe.ask import Ask
from simulators.payments.stripe.book import Book, Thing
from simulators.payments.stripe.cards import NUMBERS
from simulators.payments.stripe.charging import shown_method
from simulators.payments.stripe.customers import method_for
from simulators.payments.stripe.errors import ApiError, invalid, missing
from simulators.payments.stripe.intents import new_intent
from simulators.payments.stripe.lists import CURSORS, page
from simulators.payments.stripe.params import (
    THOUSANDTHS,
    WHOLE,
    allow,
    amount,
    check_payable,
    currency,
    metadata,
    need,
    text,
)

PAGE = "/c/pay/"
LIFE_S = 24 * 3600
_CREATE = (
    "cancel_url",
    "client_reference_id",
    "currency",
    "customer",
    "customer_email",
    "expires_at",
    "line_items",
    "metadata",
    "mode",
    "payment_intent_data",
    "payment_method_types",
    "setup_intent_data",
    "success_url",
)
_VERBS = {"payment": "Pay", "setup": "Save card"}
_WORDS = {"ok": "pm_card_visa", "declined": "pm_card_chargeDeclined"}


def create(ask: Ask) -> Thing:
    """Create a session for one payment, or for a card to be left."""
    allow(ask.params, _CREATE)
    mode = need(ask.params, "mode")
    if mode not in {"payment", "setup"}:
        raise invalid("Only the modes payment and setup are simulated", param="mode")
    total, code = _total(ask) if mode == "payment" else (None, _setup_currency(ask))
    customer = text(ask.params, "customer")
    if customer is not None:
        ask.book.customer(customer)
    data = ask.params.get(f"{mode}_intent_data")
    session = ask.book.new(
        "cs_test",
        "checkout.session",
        amount_total=total,
        cancel_url=text(ask.params, "cancel_url"),
        client_reference_id=text(ask.params, "client_reference_id"),
        currency=code,
        customer=customer,
        expires_at=int(ask.book.clock.seconds()) + LIFE_S,
        metadata=metadata(ask.params),
        mode=mode,
        payment_intent=None,
        payment_status="unpaid" if mode == "payment" else "no_payment_required",
        setup_intent=None,
        status="open",
        success_url=need(ask.params, "success_url"),
    )
    session["url"] = f"{ask.url}{PAGE}{session['id']}"
    session["_intent_data"] = data if isinstance(data, dict) else {}
    ask.book.sessions[session["id"]] = session
    ask.created(session, "amount_total", "currency", "customer", "metadata")
    return shown(session)


def get(ask: Ask) -> Thing:
    """Show a session."""
    return shown(ask.book.find(ask.book.sessions, "checkout.session", ask.number))


def expire(ask: Ask) -> Thing:
    """Close a session that was not paid."""
    session = ask.book.find(ask.book.sessions, "checkout.session", ask.number)
    if session["status"] != "open":
        raise invalid('Only Checkout Sessions with a status in ["open"] can be expired.')
    before = {"status": session["status"]}
    session["status"] = "expired"
    ask.changed(session, before)
    ask.book.emit("checkout.session.expired", shown(session), ask.key)
    return shown(session)


def list_all(ask: Ask) -> Thing:
    """List sessions, all or those of an intent."""
    allow(ask.params, (*CURSORS, "payment_intent", "customer"))
    intent, customer = text(ask.params, "payment_intent"), text(ask.params, "customer")
    chosen = [
        shown(session)
        for session in ask.book.sessions.values()
        if intent in {None, session["payment_intent"]} and customer in {None, session["customer"]}
    ]
    return page(chosen, ask.params, "/v1/checkout/sessions")


def shown(session: Thing) -> Thing:
    """Show a session without what only the simulator knows of it."""
    return {key: value for key, value in session.items() if not key.startswith("_")}


def settled(book: Book, intent: Thing) -> None:
    """Complete the session of an intent that was processing and is decided now."""
    for session in book.sessions.values():
        if session["payment_intent"] == intent["id"] and session["payment_status"] == "unpaid":
            paid = intent["status"] == "succeeded"
            session["payment_status"] = "paid" if paid else "unpaid"
            outcome = "succeeded" if paid else "failed"
            book.emit(f"checkout.session.async_payment_{outcome}", shown(session))


def visit(ask: Ask) -> Reply:
    """Answer the payment page: show it, or take its form."""
    session = ask.book.sessions.get(ask.number)
    if session is None:
        return _html("Nothing to pay here", "<p>This payment link is unknown.</p>", 404)
    if session["status"] == "open" and ask.book.clock.seconds() >= session["expires_at"]:
        session["status"] = "expired"
    if session["status"] == "complete":
        return _back(session) if ask.call.method == "POST" else _page(session, "Already paid.")
    if session["status"] != "open":
        return _html("Too late", "<p>This payment link has expired.</p>", 410)
    return _pay(ask, session) if ask.call.method == "POST" else _page(session, "")


def _pay(ask: Ask, session: Thing) -> Reply:
    fields = parse_qs(ask.call.body.decode("utf-8", "replace"))
    card = fields.get("card", [""])[0].replace(" ", "")
    try:
        method = _card(ask, session, card)
    except ApiError as error:
        return _page(session, str(error), 402)
    data = session["_intent_data"]
    if session["mode"] == "setup":
        return _keep(ask, session, method)
    intent = new_intent(ask, session["amount_total"], session["currency"], metadata(data))
    intent.update(customer=session["customer"], payment_method=method["id"])
    before = {"payment_status": session["payment_status"], "status": session["status"]}
    outcome = ask.cashier.charge(intent, None)
    session["payment_intent"] = intent["id"]
    if outcome.error is not None:
        return _page(session, str(outcome.error), 402)
    if session["customer"] and text(data, "setup_future_usage") == "off_session":
        method["customer"] = session["customer"]
    paid = intent["status"] == "succeeded"  # else it is processing and will be told later
    session.update(payment_status="paid" if paid else "unpaid", status="complete")
    ask.book.emit("checkout.session.completed", shown(session))
    ask.changed(session, before)
    return _back(session)


def _keep(ask: Ask, session: Thing, method: Thing) -> Reply:
    """Keep a card for the session's customer, without charging it."""
    before = {"status": session["status"]}
    intent = ask.book.new(
        "seti",
        "setup_intent",
        customer=session["customer"],
        last_setup_error=None,
        metadata=metadata(session["_intent_data"]),
        payment_method=method["id"],
        payment_method_types=["card"],
        status="succeeded",
        usage="off_session",
    )
    ask.book.setups[intent["id"]] = intent
    session.update(setup_intent=intent["id"], status="complete")
    if session["customer"]:
        method["customer"] = session["customer"]
        ask.book.emit("payment_method.attached", shown_method(method))
    ask.book.emit("setup_intent.succeeded", intent)
    ask.book.emit("checkout.session.completed", shown(session))
    ask.changed(session, before)
    return _back(session)


def get_setup(ask: Ask) -> Thing:
    """Show a setup intent."""
    return ask.book.find(ask.book.setups, "setup_intent", ask.number)


def _setup_currency(ask: Ask) -> str | None:
    """Read the currency, which a page in setup mode needs where it may choose the kinds."""
    if text(ask.params, "currency") is None:
        if not ask.params.get("payment_method_types"):
            raise missing("currency")
        return None
    return currency(need(ask.params, "currency"))


def _card(ask: Ask, session: Thing, card: str) -> Thing:
    own = [m for m in ask.book.methods.values() if m["customer"] == session["customer"]]
    if not card and session["customer"] and own and session["mode"] == "payment":
        return own[-1]
    number = _WORDS.get(card) or NUMBERS.get(card) or card or "visa"
    token = number if number.startswith("pm_") else f"pm_card_{number}"
    return method_for(ask.book, token, None, param="card")


def _total(ask: Ask) -> tuple[int, str]:
    items = ask.params.get("line_items")
    if not isinstance(items, list) or not items:
        raise missing("line_items")
    sums = [_line(item) for item in items]
    codes = {code for _, code in sums}
    if len(codes) != 1:
        raise invalid("All line items must have the same currency.", param="line_items")
    return sum(total for total, _ in sums), codes.pop()


def _line(item: Any) -> tuple[int, str]:
    price = item.get("price_data") if isinstance(item, dict) else None
    if not isinstance(price, dict):
        raise missing("line_items[0][price_data]")
    product = price.get("product_data")
    if not isinstance(product, dict) or not product.get("name"):
        raise missing("line_items[0][price_data][product_data][name]")
    unit = amount(str(price.get("unit_amount", "")), "line_items[0][price_data][unit_amount]")
    count = amount(str(item.get("quantity", "1")), "line_items[0][quantity]")
    code = currency(str(price.get("currency", "")))
    check_payable(unit, code, "line_items[0][price_data][unit_amount]")
    return unit * count, code


def _back(session: Thing) -> Reply:
    place = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
    return Reply(status=303, content_type="text/html", headers={"Location": place})


def _page(session: Thing, note: str, status: int = 200) -> Reply:
    form = (
        '<form method="post"><label>Card number '
        '<input name="card" value="4242 4242 4242 4242" autocomplete="off"></label> '
        f"<button>{_VERBS[session['mode']]}</button></form>"
    )
    body = (
        _amount(session)
        + f'<p class="note" role="status">{escape(note)}</p>'
        + (form if session["status"] == "open" else "")
    )
    return _html(_VERBS[session["mode"]], body, status)


def _amount(session: Thing) -> str:
    if session["amount_total"] is None:
        return ""
    code = session["currency"].upper()
    amount_text = f"{_major(session['amount_total'], code)} {code}"
    return (
        f'<p class="amount" data-amount="{session["amount_total"]}" '
        f'data-currency="{escape(session["currency"])}">{escape(amount_text)}</p>'
    )


def _html(title: str, body: str, status: int) -> Reply:
    written = write_page(title, f"<h1>{escape(title)}</h1>{body}")
    return Reply(status=status, body=written.encode(), content_type="text/html; charset=utf-8")


def _major(amount_minor: int, code: str) -> str:
    if code in WHOLE:
        return str(amount_minor)
    digits = 3 if code in THOUSANDTHS else 2
    whole, rest = divmod(amount_minor, 10**digits)
    return f"{whole}.{rest:0{digits}}"
