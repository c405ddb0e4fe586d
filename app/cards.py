"""No number of a payment card comes in by any door: forms, bodies, files of an import, commands."""

from __future__ import annotations

from terms.cards import holds_card

WHY = "looks like the number of a payment card: that belongs on the provider's page alone"
# What makers have put on boxes may be as many digits, and so may the number of a bank account.
_OTHER_NUMBERS = frozenset({"serial", "mac", "box", "found", "seen", "iban"})


def problem(field: str, text: str) -> str:
    """Say what is wrong with a text of a field, for people; empty where nothing is."""
    return WHY if field not in _OTHER_NUMBERS and holds_card(text) else ""
