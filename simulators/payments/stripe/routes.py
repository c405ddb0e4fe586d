"""Which function answers which verb and path."""

import re
from collections.abc import Callable

from simulators.payments.stripe import checkout, customers, events, intents, refunds
from simulators.payments.stripe.ask import Ask, Torn
from simulators.payments.stripe.book import Thing

Handler = Callable[[Ask], Thing | Torn]

ROUTES: dict[tuple[str, str], Handler] = {
    ("POST", "customers"): customers.create,
    ("GET", "customers"): customers.list_all,
    ("GET", "customers/*"): customers.get,
    ("POST", "customers/*"): customers.update,
    ("DELETE", "customers/*"): customers.delete,
    ("GET", "customers/*/payment_methods"): customers.list_methods,
    ("POST", "payment_methods"): customers.create_method,
    ("GET", "payment_methods"): customers.list_methods,
    ("GET", "payment_methods/*"): customers.get_method,
    ("POST", "payment_methods/*/attach"): customers.attach,
    ("POST", "payment_methods/*/detach"): customers.detach,
    ("POST", "payment_intents"): intents.create,
    ("GET", "payment_intents"): intents.list_all,
    ("GET", "payment_intents/search"): intents.find,
    ("GET", "payment_intents/*"): intents.get,
    ("POST", "payment_intents/*"): intents.update,
    ("POST", "payment_intents/*/confirm"): intents.confirm,
    ("POST", "payment_intents/*/cancel"): intents.cancel,
    ("GET", "charges"): intents.list_charges,
    ("GET", "charges/*"): intents.get_charge,
    ("POST", "refunds"): refunds.create,
    ("GET", "refunds"): refunds.list_all,
    ("GET", "refunds/*"): refunds.get,
    ("GET", "disputes"): refunds.list_disputes,
    ("GET", "disputes/*"): refunds.get_dispute,
    ("POST", "checkout/sessions"): checkout.create,
    ("GET", "checkout/sessions"): checkout.list_all,
    ("GET", "checkout/sessions/*"): checkout.get,
    ("POST", "checkout/sessions/*/expire"): checkout.expire,
    ("GET", "setup_intents/*"): checkout.get_setup,
    ("GET", "events"): events.list_all,
    ("GET", "events/*"): events.get,
    ("POST", "webhook_endpoints"): events.create_endpoint,
    ("GET", "webhook_endpoints"): events.list_endpoints,
    ("DELETE", "webhook_endpoints/*"): events.delete_endpoint,
}
_ID = re.compile(r"/((?:cus|pm|pi|ch|re|du|cs|seti|evt|we)_\w+)")


def split(path: str) -> tuple[str, str]:
    """Split a path under /v1/ into its pattern and the id in it."""
    found = _ID.search(path)
    number = found[1] if found else ""
    pattern = path.removeprefix("/v1/").strip("/")
    if number:
        return pattern.replace(number, "*", 1), number
    head, _, tail = pattern.partition("/")
    if tail and ("GET", pattern) not in ROUTES and ("POST", pattern) not in ROUTES:
        first, slash, rest = tail.partition("/")
        return f"{head}/*{slash}{rest}", first
    return pattern, ""
