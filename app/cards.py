"""No number of a payment card comes in by any door: forms, bodies, files of an import, commands."""

from __future__ import annotations

from terms.cards import holds_card

WHY = "looks like the number of a payment card: that belongs on the provider's page alone"
# What makers have put on boxes may be as many digits.
_OF_BOXES = frozenset({"serial", "mac", "box", "found", "seen"})


def problem(field: str, text: str) -> str:
    """Say what is wrong with a text of a field, for people; empty where nothing is."""
    return WHY if field not in _OF_BOXES and holds_card(text) else ""
