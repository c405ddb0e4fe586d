"""Webhooks: who signed them, and what the events tell of money.

Signature: header `Stripe-Signature: t=TIME,v1=HMAC`, several v1 while a secret is rotated.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from billing.payments.model import (
    DisputeFact,
    DisputeTold,
    MethodTold,
    Moved,
    MovementKind,
    Refused,
)
from billing.payments.provider import Tidings
from billing.payments.providers.stripe.reading import money, reason
from billing.payments.reading import inner, mark, object_of, ref, word
from runtime.options import signing_keys
from terms.errors import Forbidden
from terms.money import Money

SIGNATURE_CHARS_MAX = 4_096
SIGNATURES_MAX = 16
DIGITS_MAX = 12
DEAD = frozenset({"failed", "canceled"})  # a refund that did not arrive
# A bank that only asks takes nothing, and what is prevented takes what its transactions say.
REASON_CHARS_MAX = 80
STANDS = {
    "warning_needs_response": DisputeFact.ASKED,
    "warning_under_review": DisputeFact.ASKED,
    "warning_closed": DisputeFact.DROPPED,
    "lost": DisputeFact.LOST,
}
ASKED = frozenset({"warning_needs_response", "warning_under_review", "warning_closed", "prevented"})


def check_signature(
    header: str,
    body: bytes,
    *,
    secrets: Sequence[SecretStr],
    machine_now: datetime,
    tolerance_s: int,
) -> None:
    """Raise Forbidden unless one of the secrets signed this very body a short while ago."""
    told, marks = _signature(header)
    signed = told.encode() + b"." + body
    # Every pair is compared, so that the time taken tells nothing about which one fits.
    matches = [
        hmac.compare_digest(_digest(key, signed), each)
        for key in signing_keys(secrets)
        for each in marks
    ]
    if not any(matches):
        raise Forbidden("the signature is not the provider's")
    if abs(machine_now.timestamp() - int(told)) > tolerance_s:
        raise Forbidden("the message is too old or from the future")


def tidings(body: bytes) -> Sequence[Tidings]:
    """Read what an event tells; all kinds but those below concern nothing of ours."""
    event = object_of(body)
    read = READERS.get(str(event.get("type")))
    if read is None:
        return ()
    return tuple(read(inner(inner(event, "data"), "object")))


def _signature(header: str) -> tuple[str, list[bytes]]:
    """Take the header apart: the time it tells, and the marks of scheme v1."""
    if len(header) > SIGNATURE_CHARS_MAX:
        raise Forbidden("the signature is too long")
    pairs = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    marks = [value.encode() for name, _, value in pairs if name == "v1" and value.isascii()]
    if len(times) != 1 or not (
        times[0].isascii() and times[0].isdigit() and len(times[0]) <= DIGITS_MAX
    ):
        raise Forbidden("the signature has no time")
    return times[0], marks[:SIGNATURES_MAX]


def _digest(key: bytes, signed: bytes) -> bytes:
    return hmac.new(key, signed, hashlib.sha256).hexdigest().encode()


def _cleared(intent: Mapping[str, Any]) -> Iterator[Tidings]:
    yield Moved(
        charge=ref(intent, "id"),
        ref=ref(intent, "id"),
        amount=money(intent, "amount_received"),
        attempt=mark(intent, "attempt"),
        account=mark(intent, "account"),
        kind=MovementKind.CLEARED,
    )


def _failed(intent: Mapping[str, Any]) -> Iterator[Tidings]:
    code, decline = reason(intent.get("last_payment_error"))
    yield Refused(
        charge=ref(intent, "id"),
        ref=ref(intent, "id"),
        amount=money(intent, "amount"),
        attempt=mark(intent, "attempt"),
        account=mark(intent, "account"),
        code=code,
        decline=decline,
    )


def of_refund(refund: Mapping[str, Any], kind: MovementKind) -> Moved:
    """Read what a refund moved, one way or back."""
    return Moved(
        charge=_intent_of(refund),
        ref=ref(refund, "id"),
        amount=money(refund, "amount"),
        kind=kind,
    )


def _refund(refund: Mapping[str, Any]) -> Iterator[Tidings]:
    """Read how a refund stands: whichever message is lost, the last one tells all of it."""
    yield of_refund(refund, MovementKind.GIVEN_BACK)
    if refund.get("status") in DEAD:
        yield of_refund(refund, MovementKind.BOUNCED)


def _dispute(dispute: Mapping[str, Any]) -> Iterator[Tidings]:
    """Read how a dispute stands: whichever message is lost, the last one tells all of it."""
    status = dispute.get("status")
    if status not in ASKED or any(_is_taken(one) for one in _transactions(dispute)):
        yield _of_dispute(dispute, money(dispute, "amount"), MovementKind.DISPUTED)
    if status == "won":
        yield _of_dispute(dispute, money(dispute, "amount"), MovementKind.REINSTATED)
    if isinstance(status, str) and status in STANDS:
        yield DisputeTold(
            charge=_intent_of(dispute),
            ref=ref(dispute, "id"),
            amount=money(dispute, "amount"),
            stands=STANDS[status],
            reason=word(dispute.get("reason"), REASON_CHARS_MAX),
        )
    yield from _fees(dispute)


def _withdrawn(dispute: Mapping[str, Any]) -> Iterator[Tidings]:
    """Read that money was taken for a dispute, whatever it says of how it stands."""
    taken = _of_dispute(dispute, money(dispute, "amount"), MovementKind.DISPUTED)
    yield from dict.fromkeys((taken, *_dispute(dispute)))


def _of_dispute(dispute: Mapping[str, Any], amount: Money, kind: MovementKind) -> Tidings:
    return Moved(
        charge=_intent_of(dispute),
        ref=ref(dispute, "id"),
        amount=amount,
        kind=kind,
        reason=word(dispute.get("reason"), REASON_CHARS_MAX),
    )


def _fees(dispute: Mapping[str, Any]) -> Iterator[Tidings]:
    """Read what was kept for a dispute beside its amount, and what of it came back."""
    for one in _transactions(dispute):
        fee = one.get("fee")
        if type(fee) is int and fee < 0:
            amount = money({**one, "fee": -fee}, "fee")
            yield _of_dispute(dispute, amount, MovementKind.FEE_RETURNED)
        elif fee:
            yield _of_dispute(dispute, money(one, "fee"), MovementKind.FEE)


def _transactions(dispute: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List what moved in our balance because of a dispute."""
    moved = dispute.get("balance_transactions")
    return [one for one in moved if isinstance(one, dict)] if isinstance(moved, list) else []


def _is_taken(transaction: Mapping[str, Any]) -> bool:
    amount = transaction.get("amount")
    return type(amount) is int and amount < 0


def _method_added(intent: Mapping[str, Any]) -> Iterator[Tidings]:
    yield MethodTold(
        account=mark(intent, "account"),
        customer=ref(intent, "customer"),
        ref=ref(intent, "payment_method"),
        replaces=mark(intent, "replaces"),
    )


def _method_changed(method: Mapping[str, Any]) -> Iterator[Tidings]:
    """Read which method is not what it was: renewed by its bank, or taken away."""
    yield MethodTold(ref=ref(method, "id"))


def _intent_of(thing: Mapping[str, Any]) -> str:
    return ref(thing, "payment_intent")


READERS = {
    "payment_intent.succeeded": _cleared,
    "payment_intent.payment_failed": _failed,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.dispute.created": _dispute,
    "charge.dispute.updated": _dispute,
    "charge.dispute.funds_withdrawn": _withdrawn,
    "charge.dispute.funds_reinstated": _dispute,
    "charge.dispute.closed": _dispute,
    "setup_intent.succeeded": _method_added,
    "payment_method.automatically_updated": _method_changed,
    "payment_method.updated": _method_changed,
    "payment_method.detached": _method_changed,
}
