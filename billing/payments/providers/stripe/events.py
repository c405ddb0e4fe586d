"""Webhooks: who signed them, and what the events tell of money.

Signature: header `Stripe-Signature: t=TIME,v1=HMAC`, several v1 while a secret is rotated.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from billing.payments.model import MethodTold, Moved, MovementKind, Refused
from billing.payments.provider import Tidings
from billing.payments.providers.stripe.reading import inner, mark, money, object_of, reason, ref
from terms.errors import Forbidden

SIGNATURE_CHARS_MAX = 4_096
SIGNATURES_MAX = 16
DIGITS_MAX = 12


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
        hmac.compare_digest(_digest(secret, signed), each) for secret in secrets for each in marks
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
    found = read(inner(inner(event, "data"), "object"))
    return () if found is None else (found,)


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


def _digest(secret: SecretStr, signed: bytes) -> bytes:
    key = secret.get_secret_value().encode()
    return hmac.new(key, signed, hashlib.sha256).hexdigest().encode()


def _cleared(intent: Mapping[str, Any]) -> Tidings:
    return Moved(
        charge=ref(intent, "id"),
        ref=ref(intent, "id"),
        amount=money(intent, "amount_received"),
        attempt=mark(intent, "attempt"),
        account=mark(intent, "account"),
        kind=MovementKind.CLEARED,
    )


def _failed(intent: Mapping[str, Any]) -> Tidings:
    code, decline = reason(intent.get("last_payment_error"))
    return Refused(
        charge=ref(intent, "id"),
        ref=ref(intent, "id"),
        amount=money(intent, "amount"),
        attempt=mark(intent, "attempt"),
        account=mark(intent, "account"),
        code=code,
        decline=decline,
    )


def refunded(charge: Mapping[str, Any]) -> Moved:
    """Read how much of a charge was refunded so far; each sum is a tiding of its own."""
    amount = money(charge, "amount_refunded")
    return Moved(
        charge=_intent_of(charge),
        ref=f"{ref(charge, 'id')}/{amount.amount_minor}",
        amount=amount,
        attempt=mark(charge, "attempt"),
        account=mark(charge, "account"),
        kind=MovementKind.REFUNDED,
    )


def _disputed(dispute: Mapping[str, Any]) -> Tidings:
    return _of_dispute(dispute, MovementKind.DISPUTED)


def _dispute_closed(dispute: Mapping[str, Any]) -> Tidings | None:
    won = dispute.get("status") == "won"
    return _of_dispute(dispute, MovementKind.REINSTATED) if won else None


def _of_dispute(dispute: Mapping[str, Any], kind: MovementKind) -> Tidings:
    return Moved(
        charge=_intent_of(dispute),
        ref=ref(dispute, "id"),
        amount=money(dispute, "amount"),
        kind=kind,
    )


def _fee_kept(dispute: Mapping[str, Any]) -> Tidings | None:
    """Read what was kept for a dispute beside its amount."""
    moved = dispute.get("balance_transactions")
    for one in moved if isinstance(moved, list) else ():
        if isinstance(one, dict) and one.get("fee"):
            return Moved(
                charge=_intent_of(dispute),
                ref=ref(dispute, "id"),
                amount=money(one, "fee"),
                kind=MovementKind.FEE,
            )
    return None


def _method_added(intent: Mapping[str, Any]) -> Tidings:
    return MethodTold(
        account=mark(intent, "account"),
        customer=ref(intent, "customer"),
        ref=ref(intent, "payment_method"),
        replaces=mark(intent, "replaces"),
    )


def _method_changed(method: Mapping[str, Any]) -> Tidings:
    """Read which method is not what it was: renewed by its bank, or taken away."""
    return MethodTold(ref=ref(method, "id"))


def _intent_of(thing: Mapping[str, Any]) -> str:
    return ref(thing, "payment_intent")


READERS = {
    "payment_intent.succeeded": _cleared,
    "payment_intent.payment_failed": _failed,
    "charge.refunded": refunded,
    "charge.dispute.created": _disputed,
    "charge.dispute.funds_withdrawn": _fee_kept,
    "charge.dispute.closed": _dispute_closed,
    "setup_intent.succeeded": _method_added,
    "payment_method.automatically_updated": _method_changed,
    "payment_method.updated": _method_changed,
    "payment_method.detached": _method_changed,
}
