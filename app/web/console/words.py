"""Plain words for what the product's parts call by their own names. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from app.web.page.words import Tone
from gateway.provisioning.orders import Outcome as OrderOutcome
from gateway.reads.targets import Condition
from messages.model import Delivery
from messages.model import Outcome as DeliveryOutcome
from messages.plan import Via
from terms.entitlement import ServiceState
from terms.facts import Possession

STATE_TONES: Mapping[ServiceState, Tone] = {
    ServiceState.PENDING: "warn",
    ServiceState.ACTIVE: "good",
    ServiceState.LIMITED: "warn",
    ServiceState.SUSPENDED: "bad",
    ServiceState.ENDED: "off",
}

CONDITIONS: Mapping[Condition, tuple[Tone, str]] = {
    Condition.UP: ("good", "up"),
    Condition.SLOWED: ("warn", "asked us to slow down"),
    Condition.STOPPED: ("warn", "asks before it goes on"),
    Condition.DOWN: ("bad", "down"),
    Condition.PARKED: ("bad", "refuses our credentials"),
    Condition.DISABLED: ("off", "switched off"),
}

ORDER_TONES: Mapping[OrderOutcome, Tone] = {
    OrderOutcome.OPEN: "calm",
    OrderOutcome.DONE: "calm",
    OrderOutcome.PENDING: "calm",
    OrderOutcome.PARKED: "bad",
    OrderOutcome.FAILED: "bad",
    OrderOutcome.UNKNOWN: "warn",
}

DELIVERIES: Mapping[DeliveryOutcome, tuple[Tone, str]] = {
    DeliveryOutcome.BEGUN: ("calm", "on its way"),
    DeliveryOutcome.SENT: ("good", "shown"),
    DeliveryOutcome.WAITING: ("warn", "waits for the target"),
    DeliveryOutcome.FAILED: ("bad", "not shown"),
    DeliveryOutcome.LATE: ("off", "dropped, too late"),
    DeliveryOutcome.UNKNOWN: ("warn", "perhaps shown"),
}

LETTERS: Mapping[DeliveryOutcome, tuple[Tone, str]] = {
    DeliveryOutcome.BEGUN: ("calm", "on its way"),
    DeliveryOutcome.SENT: ("good", "sent"),
    DeliveryOutcome.WAITING: ("warn", "waits"),
    DeliveryOutcome.FAILED: ("bad", "not sent"),
    DeliveryOutcome.LATE: ("off", "dropped, too late"),
    DeliveryOutcome.UNKNOWN: ("warn", "perhaps sent"),
}

POSSESSIONS: Mapping[Possession, str] = {
    Possession.HANDED_OVER: "box {serial} handed over",
    Possession.ACTIVATED: "box {serial} works",
    Possession.SWAPPED: "box {serial} in exchange",
    Possession.RETURNED: "box {serial} came back",
    Possession.LOST: "box {serial} is lost",
    Possession.FOUND: "box {serial} was found",
}

_SWITCH = {"yes": "on", "no": "off"}
_UNITS = ((86_400, "day"), (3_600, "h"), (60, "min"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field that differs."""

    field: str
    held: str
    wished: str


def age(seconds: float) -> str:
    """Write a length of time shortly: 0.4 s, 12 s, 3 min, 5 h, 2 days."""
    for size, unit in _UNITS:
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"  # noqa: PLR2004 - one digit


def offset(ahead: timedelta) -> str:
    """Write how far business time runs ahead; nothing where it does not."""
    return age(ahead.total_seconds()) if ahead > timedelta(0) else ""


def changes(fields: Mapping[str, tuple[str, str]]) -> tuple[Change, ...]:
    """Show fields that differ."""
    return tuple(_change(name, held, wished) for name, (held, wished) in fields.items())


def _change(name: str, held: str, wished: str) -> Change:
    if name == "enabled":
        return Change(field="picture", held=_SWITCH.get(held, held), wished=_SWITCH[wished])
    named = {"devices": "boxes"}.get(name, name)
    return Change(field=named, held=held or "none", wished=wished or "none")


def told(fields: Mapping[str, tuple[str, str]]) -> str:
    """Write fields that differ in one line."""
    return ", ".join(f"{c.field} {c.held} → {c.wished}" for c in changes(fields))


def delivered(one: Delivery) -> tuple[Tone, str]:
    """Say what became of a notice, a letter or a short message."""
    return (DELIVERIES if one.via is Via.SCREEN else LETTERS)[one.outcome]


def said(one: Delivery) -> str:
    """Say what it said; of a letter only what kind it was and to whom."""
    if one.text:
        return f"{one.text} ({one.to})" if one.to else one.text
    return f"{one.kind.replace('_', ' ')} to {one.to}" if one.to else ""
