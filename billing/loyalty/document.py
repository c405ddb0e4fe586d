"""Loyalty in the document of a catalogue: what is given, and the tiers. Pure."""

from __future__ import annotations

from billing.catalog.document import Document, told
from billing.loyalty.model import Program, Tier
from terms.money import Money, Rate


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


def read(document: Document, currency: str) -> Program | None:
    """Read what was written; None of a document older than loyalty in it."""
    if "loyalty" not in document:
        return None
    said = next(iter(document["loyalty"]), {})
    gift = said.get("referral")
    return Program(
        referral=Money.parse(gift, currency) if gift else None,
        months=int(said.get("months", Program().months)),
        tiers=tuple(
            Tier(
                name=row["name"],
                from_minor=Money.parse(row.get("from_paid") or "0", currency).amount_minor,
                earns=Rate.parse(row["earns"]),
            )
            for row in document["loyalty_tiers"]
        ),
        currency=currency,
    )


def _plain(amount_minor: int, program: Program) -> str:
    return Money(amount_minor, program.currency).plain if amount_minor else ""
