"""The key of a reconcile row: one service at one target, written "service@target"."""

from __future__ import annotations

from terms.ids import ServiceId, TargetName

RECONCILE = "reconcile"
COMPOSE = "compose"


def key_of(service: str, target: str) -> str:
    """Join a service and a target to a work key."""
    return f"{service}@{target}"


def parts_of(key: str) -> tuple[ServiceId, TargetName]:
    """Split a work key into its service and its target."""
    service, _, target = key.rpartition("@")
    return ServiceId(service), TargetName(target)
