"""Contract three, upwards: what happened in the world. Past tense, never edited, never recalled.

The gateway publishes possession and service facts; billing publishes payment facts for those
above it. A fact is one line of the log: kind, key, value.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import orjson

from terms.entitlement import ServiceState
from terms.errors import Invalid
from terms.ids import ResourceId, ServiceId, TargetName


class Possession(StrEnum):
    """What can happen to who holds a box."""

    HANDED_OVER = "handed_over"
    ACTIVATED = "activated"
    SWAPPED = "swapped"
    RETURNED = "returned"
    LOST = "lost"
    FOUND = "found"


class Condition(StrEnum):
    """How a box is when it comes back: one word for each thing that follows from it."""

    GOOD = "good"  # it can be given out again
    FAULTY = "faulty"  # it does not work, and nobody has hurt it
    DAMAGED = "damaged"  # somebody has hurt it
    SCRAP = "scrap"  # somebody has hurt it beyond mending: it is to be written off

    @classmethod
    def parse(cls, text: str) -> Condition | None:
        """Read what somebody has chosen; None for nothing. Raises Invalid for any other word."""
        if not text:
            return None
        if text not in set(cls):
            raise Invalid("condition", f"{text[:40]!r} is none of {', '.join(cls)}")
        return cls(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class PossessionChanged:
    """A box changed hands. `serial` and `model` are labels for people; `on` is a local date.

    `condition` is that of a box that came back; None where nobody has said.
    """

    kind: Possession
    resource: ResourceId
    service: ServiceId
    serial: str
    model: str
    on: date
    old_resource: ResourceId | None = None
    condition: Condition | None = None

    KIND = "possession.changed"

    def encode(self) -> str:
        """JSON text."""
        return orjson.dumps(
            {
                "kind": self.kind.value,
                "resource": self.resource,
                "service": self.service,
                "serial": self.serial,
                "model": self.model,
                "on": self.on.isoformat(),
                "old_resource": self.old_resource,
                "condition": self.condition.value if self.condition else "",
            }
        ).decode()

    @classmethod
    def decode(cls, text: str | bytes) -> PossessionChanged:
        """Read what `encode` wrote."""
        row = orjson.loads(text)
        old = row["old_resource"]
        return cls(
            kind=Possession(row["kind"]),
            resource=ResourceId(row["resource"]),
            service=ServiceId(row["service"]),
            serial=row["serial"],
            model=row["model"],
            on=date.fromisoformat(row["on"]),
            old_resource=ResourceId(old) if old else None,
            condition=_condition(row["condition"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStateChanged:
    """A target was seen to hold a service's rights of some revision."""

    service: ServiceId
    target: TargetName
    revision: int
    state: ServiceState

    KIND = "service.state_changed"

    def encode(self) -> str:
        """JSON text."""
        return orjson.dumps(
            {
                "service": self.service,
                "target": self.target,
                "revision": self.revision,
                "state": self.state.value,
            }
        ).decode()

    @classmethod
    def decode(cls, text: str | bytes) -> ServiceStateChanged:
        """Read what `encode` wrote."""
        row = orjson.loads(text)
        return cls(
            service=ServiceId(row["service"]),
            target=TargetName(row["target"]),
            revision=row["revision"],
            state=ServiceState(row["state"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxProven:
    """A box was seen to hold what it should, of some revision: it is there, and it is ours."""

    resource: ResourceId
    service: ServiceId
    target: TargetName
    revision: int
    state: ServiceState

    KIND = "box.proven"

    def encode(self) -> str:
        """JSON text."""
        return orjson.dumps(
            {
                "resource": self.resource,
                "service": self.service,
                "target": self.target,
                "revision": self.revision,
                "state": self.state.value,
            }
        ).decode()

    @classmethod
    def decode(cls, text: str | bytes) -> BoxProven:
        """Read what `encode` wrote."""
        row = orjson.loads(text)
        return cls(
            resource=ResourceId(row["resource"]),
            service=ServiceId(row["service"]),
            target=TargetName(row["target"]),
            revision=row["revision"],
            state=ServiceState(row["state"]),
        )


def _condition(text: str) -> Condition | None:
    # A fact of the time when the condition was free text is a line of the log for ever.
    return Condition(text) if text in set(Condition) else None
