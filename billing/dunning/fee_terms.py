"""Rules of fees as documents of plain values, as they are kept. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from billing.dunning.dispute_fees import Basis, DisputeFee
from billing.dunning.late_fees import By, LateFees, Per
from billing.dunning.reactivation import Needs, Reactivation
from terms.money import Rate

Document = Mapping[str, Any]


def late_written(one: LateFees) -> Document:
    """Write rules of late fees."""
    return {
        "from_on": one.from_on.isoformat(),
        "currency": one.currency,
        "once_minor": one.once_minor,
        "once_after_days": one.once_after_days,
        "rate_ppm": one.rate.ppm if one.rate else 0,
        "per": one.per.value,
        "by": one.by.value,
        "grace_days": one.grace_days,
        "least_minor": one.least_minor,
        "cap_minor": one.cap_minor,
        "cap_ppm": one.cap_share.ppm if one.cap_share else None,
        "tax": one.tax,
        "label": one.label,
        "despite_promise": one.despite_promise,
    }


def late_read(told: Document) -> LateFees:
    """Read rules of late fees."""
    return LateFees(
        from_on=date.fromisoformat(told["from_on"]),
        currency=told["currency"],
        once_minor=told["once_minor"],
        once_after_days=told["once_after_days"],
        rate=Rate(told["rate_ppm"]) if told["rate_ppm"] else None,
        per=Per(told["per"]),
        by=By(told["by"]),
        grace_days=told["grace_days"],
        least_minor=told["least_minor"],
        cap_minor=told["cap_minor"],
        cap_share=None if told["cap_ppm"] is None else Rate(told["cap_ppm"]),
        tax=told["tax"],
        label=told["label"],
        despite_promise=told["despite_promise"],
    )


def dispute_written(one: DisputeFee) -> Document:
    """Write what is charged for a dispute."""
    return {
        "basis": one.basis.value,
        "currency": one.currency,
        "amount_minor": one.amount_minor,
        "tax": one.tax,
        "label": one.label,
    }


def dispute_read(told: Document) -> DisputeFee:
    """Read what is charged for a dispute."""
    return DisputeFee(**{**told, "basis": Basis(told["basis"])})


def reactivation_written(one: Reactivation) -> Document:
    """Write what is asked for before an account is switched on again."""
    return {
        "needs": one.needs.value,
        "share_ppm": one.share.ppm if one.share else 0,
        "invoices": one.invoices,
        "fee_minor": one.fee_minor,
        "currency": one.currency,
        "tax": one.tax,
        "label": one.label,
    }


def reactivation_read(told: Document) -> Reactivation:
    """Read what is asked for before an account is switched on again."""
    return Reactivation(
        needs=Needs(told["needs"]),
        share=Rate(told["share_ppm"]) if told["share_ppm"] else None,
        invoices=told["invoices"],
        fee_minor=told["fee_minor"],
        currency=told["currency"],
        tax=told["tax"],
        label=told["label"],
    )
