"""Loyalty in the document of a catalogue: what is given, and the tiers. Pure."""

from __future__ import annotations

from billing.catalog.document import Document, told
from billing.loyalty.model import Program
from terms.money import Money


def written(program: Program) -> Document:
    """Write what is given, the lowest tier first; no row where nothing is."""
    gift = program.referral
    said = told({"referral": gift.plain if gift else "", "months": str(program.months)})
    tiers = [
        told(
            {
                "name": tier.name,
                "from_paid": _plain(tier.from_minor, program),
                "earns": str(tier.earns),
            }
        )
        for tier in program.tiers
    ]
    return {"loyalty": [said] if program != Program() else [], "loyalty_tiers": tiers}


def _plain(amount_minor: int, program: Program) -> str:
    return Money(amount_minor, program.currency).plain if amount_minor else ""
