"""Webhooks: who signed them, which events they bring, and what those tell once they are complete.

An event names a resource. What of it is needed is fetched and laid beside it: nothing of that
changes later, so an event tells the same whenever it is asked about.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson
from pydantic import SecretStr

from billing.payments.model import MethodTold, Moved, MovementKind, Refused
from billing.payments.provider import Event, Tidings
from billing.payments.providers.gocardless.client import Client, Refusal
from billing.payments.providers.gocardless.reading import cause_of, money, will_be_retried
from billing.payments.reading import inner, mark, object_of, ref
from runtime.options import signing_keys
from terms.errors import Forbidden, Invalid, Unreachable

EVENTS_MAX = 1_000  # GoCardless: at most 250 in one message
FETCHED, CONFIRMED = "fetched", "had_been_confirmed"
_PAYMENTS = frozenset(
    {"confirmed", "failed", "cancelled", "customer_approval_denied"}
    | {"charged_back", "chargeback_cancelled"}
)
_REFUNDS = frozenset({"created", "failed", "funds_returned"})
_MANDATES = frozenset(
    {"blocked", "cancelled", "consumed", "expired", "failed", "reinstated", "transferred"}
)
_LINKS = {"payments": "payment", "refunds": "refund", "billing_requests": "billing_request"}


def check_signature(header: str, body: bytes, secrets: Sequence[SecretStr]) -> None:
    """Raise Forbidden unless one of the secrets signed this very body."""
    told = header.encode("ascii", "replace")
    # Every one is compared, so that the time taken tells nothing about which one fits.
    matches = [hmac.compare_digest(_digest(key, body), told) for key in signing_keys(secrets)]
    if not any(matches):
        raise Forbidden("the signature is not the provider's")


def _digest(key: bytes, body: bytes) -> bytes:
    return hmac.new(key, body, hashlib.sha256).hexdigest().encode()


def events_in(body: bytes) -> Sequence[Event]:
    """Take a message apart. Raises Invalid."""
    found = object_of(body).get("events")
    if not isinstance(found, list) or len(found) > EVENTS_MAX:
        raise Invalid("events", "is not a list of events")
    return [event_of(one) for one in found]


def event_of(one: object) -> Event:
    """Read which event one is. Raises Invalid."""
    if not isinstance(one, dict):
        raise Invalid("events", "holds something that is no event")
    return Event(id=ref(one, "id"), body=orjson.dumps(one))


def _table_of(event: Mapping[str, Any]) -> str:
    """Tell of which table an event needs the resource, if it concerns money or a new mandate."""
    kind, action = event.get("resource_type"), event.get("action")
    needs = (
        (kind == "payments" and action in _PAYMENTS)
        or (kind == "refunds" and action in _REFUNDS)
        or (kind == "billing_requests" and action == "fulfilled")
    )
    return str(kind) if needs else ""


async def complete(client: Client, body: bytes) -> bytes:
    """Fetch the resource that an event names, and what had happened to a payment before."""
    event = object_of(body)
    table = _table_of(event)
    if not table or FETCHED in event:
        return body
    key = ref(inner(event, "links"), _LINKS[table])
    thing = await client.get(table, key)
    if isinstance(thing, Refusal):
        raise thing.raised()
    fetched: dict[str, Any] = {table: thing}
    if table == "payments" and event["action"] in ("confirmed", "failed"):
        every = await client.walk("events", {"payment": key})
        fetched[CONFIRMED] = _is_confirmed_before(every, event)
    return orjson.dumps({**event, FETCHED: fetched})


def _is_confirmed_before(every: Sequence[Mapping[str, Any]], event: Mapping[str, Any]) -> bool:
    """Tell whether a payment was confirmed before an event; the list has the newest first."""
    names = [one.get("id") for one in every]
    if event.get("id") not in names:
        raise Unreachable("an event is not among those of its payment yet")
    older = every[names.index(event.get("id")) + 1 :]
    return any(one.get("action") == "confirmed" for one in older)


def tidings(body: bytes) -> Sequence[Tidings]:
    """Read what a complete event tells. Raises Invalid, also while it is not complete."""
    event = object_of(body)
    if event.get("resource_type") == "mandates" and event.get("action") in _MANDATES:
        return (MethodTold(ref=ref(inner(event, "links"), "mandate")),)
    table = _table_of(event)
    if not table:
        return ()
    fetched = inner(event, FETCHED)
    thing = inner(fetched, table)
    if ref(inner(event, "links"), _LINKS[table]) != ref(thing, "id"):
        raise Invalid("links", "name another resource than was fetched")
    return tuple(_READERS[table](event, thing))


_Reader = Callable[[Mapping[str, Any], Mapping[str, Any]], Iterator[Tidings]]


def _payment(event: Mapping[str, Any], payment: Mapping[str, Any]) -> Iterator[Tidings]:
    action, twice = event["action"], event[FETCHED].get(CONFIRMED) is True
    if action == "confirmed":
        # Confirmed anew after it had failed: the charge came in once, and is here again.
        yield _moved(event, payment, MovementKind.REINSTATED if twice else MovementKind.CLEARED)
    elif action == "chargeback_cancelled":
        yield _moved(event, payment, MovementKind.REINSTATED)
    elif action == "charged_back" or (action == "failed" and twice):
        yield _moved(event, payment, MovementKind.DISPUTED)
    elif not will_be_retried(event):
        code, decline = cause_of(event)
        yield Refused(
            charge=ref(payment, "id"),
            ref=ref(payment, "id"),
            amount=money(payment),
            attempt=mark(payment, "attempt"),
            account=mark(payment, "account"),
            code=code,
            decline=decline,
        )


def _moved(event: Mapping[str, Any], payment: Mapping[str, Any], kind: MovementKind) -> Moved:
    key = ref(payment, "id")
    return Moved(
        charge=key,
        ref=key if kind is MovementKind.CLEARED else ref(event, "id"),
        amount=money(payment),
        attempt=mark(payment, "attempt") if kind is MovementKind.CLEARED else "",
        account=mark(payment, "account"),
        kind=kind,
    )


def of_refund(refund: Mapping[str, Any], kind: MovementKind) -> Moved:
    """Read what a refund moved, one way or back."""
    return Moved(
        charge=ref(inner(refund, "links"), "payment"),
        ref=ref(refund, "id"),
        amount=money(refund),
        kind=kind,
    )


def _refund(event: Mapping[str, Any], refund: Mapping[str, Any]) -> Iterator[Tidings]:
    yield of_refund(refund, MovementKind.GIVEN_BACK)
    if event["action"] != "created":
        yield of_refund(refund, MovementKind.BOUNCED)


def _mandate_given(_: Mapping[str, Any], request: Mapping[str, Any]) -> Iterator[Tidings]:
    links = inner(request, "links")
    yield MethodTold(
        account=mark(request, "account"),
        customer=ref(links, "customer"),
        ref=ref(links, "mandate_request_mandate"),
        replaces=mark(request, "replaces"),
    )


_READERS: Mapping[str, _Reader] = {
    "payments": _payment,
    "refunds": _refund,
    "billing_requests": _mandate_given,
}
