"""Contract one, downwards: what a service is for and whether it may be watched now.

A whole snapshot, never a delta; its revision only rises. Billing writes it, the gateway reads
it; neither knows the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import orjson

from terms.ids import ServiceId


class ServiceState(StrEnum):
    """The verdict over all holds of a service."""

    PENDING = "pending"  # signed up, nothing paid yet
    ACTIVE = "active"  # everything granted may be watched
    LIMITED = "limited"  # the remaining grants may be watched
    SUSPENDED = "suspended"  # held: known, but dark
    ENDED = "ended"  # no live subscription is left

    @property
    def is_live(self) -> bool:
        """Whether anything may be watched."""
        return self in (ServiceState.ACTIVE, ServiceState.LIMITED)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Grant:
    """One package code of our catalogue, for good or until a business instant."""

    code: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entitlement:
    """The newest rights of one service.

    `grants` says what the service is for, also while it is dark; `state` says whether it may be
    watched. So a restore changes the state alone. `label` names the service to people,
    `expires_at` is the business instant after which a target without contact should go dark.
    """

    service: ServiceId
    revision: int
    state: ServiceState
    grants: tuple[Grant, ...] = ()
    streams: int = 1
    devices: int = 1
    expires_at: datetime | None = None
    reason: str = ""
    label: str = ""
    locale: str = "en"

    def encode(self) -> str:
        """Canonical JSON without the revision: equal rights give equal text."""
        return orjson.dumps(
            {
                "service": self.service,
                "state": self.state.value,
                "grants": [[g.code, _text(g.until)] for g in sorted(self.grants, key=_order)],
                "streams": self.streams,
                "devices": self.devices,
                "expires_at": _text(self.expires_at),
                "reason": self.reason,
                "label": self.label,
                "locale": self.locale,
            },
            option=orjson.OPT_SORT_KEYS,
        ).decode()

    @classmethod
    def decode(cls, text: str | bytes, *, revision: int) -> Entitlement:
        """Read what `encode` wrote; the revision travels beside the text."""
        row = orjson.loads(text)
        return cls(
            service=ServiceId(row["service"]),
            revision=revision,
            state=ServiceState(row["state"]),
            grants=tuple(
                [Grant(code=code, until=_instant(until)) for code, until in row["grants"]]
            ),
            streams=row["streams"],
            devices=row["devices"],
            expires_at=_instant(row["expires_at"]),
            reason=row["reason"],
            label=row["label"],
            locale=row["locale"],
        )


def _order(grant: Grant) -> tuple[str, str]:
    return grant.code, _text(grant.until) or ""


def _text(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
