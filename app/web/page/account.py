"""What an account has, pays and has promised, as its holder and staff read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from app.desk.paying import promise_policy
from app.web.page.words import Tone, money, shown
from billing.payments.model import AttemptState, MovementKind
from billing.promises.model import PromiseState
from billing.reads.account import AccountView
from runtime.store import Tx
from terms.calendar import days_after

_MOVEMENTS: Mapping[MovementKind, tuple[Tone, str]] = {
    MovementKind.CLEARED: ("good", "paid"),
    MovementKind.REFUNDED: ("off", "given back"),
    MovementKind.GIVEN_BACK: ("off", "given back"),
    MovementKind.BOUNCED: ("warn", "did not arrive, is here again"),
    MovementKind.DISPUTED: ("bad", "taken back by the bank"),
    MovementKind.REINSTATED: ("good", "returned by the bank"),
}

# A cleared attempt is seen as the payment it became.
_ATTEMPTS: Mapping[AttemptState, tuple[Tone, str]] = {
    AttemptState.OPEN: ("calm", "being collected"),
    AttemptState.FAILED: ("bad", "failed"),
    AttemptState.UNKNOWN: ("warn", "answer awaited"),
}

_PROMISES: Mapping[PromiseState, str] = {
    PromiseState.STANDING: "stands",
    PromiseState.KEPT: "kept",
    PromiseState.BROKEN: "broken",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Having:
    """Something the household has: a subscription."""

    name: str
    detail: str
    since: str
    until: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRow:
    """One payment or attempt."""

    at: datetime
    amount: str
    how: str
    state: str
    tone: Tone
    why: str = ""
    receipt: str = ""


def having(about: AccountView) -> tuple[Having, ...]:
    """List what a household has, had, or will have."""
    return tuple(
        Having(
            name=one.name,
            detail="add-on" if one.kind == "addon" else one.kind,
            since=shown(one.from_on),
            until=shown(one.until_on) if one.until_on else "",
        )
        for one in about.subscriptions
    )


def payments(about: AccountView) -> tuple[PaymentRow, ...]:
    """List payments and tries to collect, the newest first."""
    rows = [
        PaymentRow(
            at=one.at,
            amount=money(one.amount),
            how=one.provider,
            state=_MOVEMENTS[one.kind][1],
            tone=_MOVEMENTS[one.kind][0],
            why=one.charge,
            receipt=one.receipt,
        )
        for one in about.payments
    ]
    rows += [
        PaymentRow(
            at=one.at,
            amount=money(one.amount),
            how=one.provider,
            state=_ATTEMPTS[one.state][1],
            tone=_ATTEMPTS[one.state][0],
            why=", ".join(filter(None, (one.code.replace("_", " "), f"for invoice {one.number}"))),
        )
        for one in about.attempts
        if one.state in _ATTEMPTS
    ]
    return tuple(sorted(rows, key=lambda row: row.at, reverse=True))


def promised(about: AccountView) -> str:
    """Tell of the newest promise; nothing where there is none."""
    one = about.promise
    if one is None:
        return ""
    word = _PROMISES[one.state]
    ended = f", {word} on {shown(one.ended_on)}" if one.ended_on else f": {word}"
    return f"{money(one.amount)} until {shown(one.until_on)}{ended}"


async def promise_last_on(tx: Tx, about: AccountView, today: date) -> date | None:
    """Tell until when a promise may be made; whether this household may is judged when it asks."""
    policy = await promise_policy(tx, about.id)
    stands = about.promise is not None and about.promise.is_standing
    if stands or not policy.days_max or not about.owed.amount_minor:
        return None
    return days_after(today, policy.days_max)
