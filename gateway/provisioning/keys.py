"""The key of a reconcile row: one subject at one target, written "subject@target"."""

from __future__ import annotations

from terms.ids import SubjectId, TargetName

RECONCILE = "reconcile"
COMPOSE = "compose"


def key_of(subject: str, target: str) -> str:
    """Join a subject and a target to a work key."""
    return f"{subject}@{target}"


def parts_of(key: str) -> tuple[SubjectId, TargetName]:
    """Split a work key into its subject and its target."""
    subject, _, target = key.rpartition("@")
    return SubjectId(subject), TargetName(target)
