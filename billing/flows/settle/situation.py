"""The situations of a household that prices depend on, from what it has. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from billing.accounts.model import Service
from billing.catalog.model import PriceBook
from billing.catalog.terms import Counts, Terms
from billing.flows.settle.facts import Household
from billing.rating.situation import Situations, Span, situations


def situations_of(household: Household, terms: Terms, first: date) -> Situations:
    """Lay out, from a day on, what the price of something with these terms depends on."""
    boxes: list[Span] = []
    bundle: list[Span] = []
    for rental in household.rentals:
        span = (rental.from_on, rental.until_on)
        if terms.counts is Counts.BOXES:
            boxes.append(span)
        if rental.offering in terms.bundle_with:
            bundle.append(span)
    bundle += (
        (one.from_on, one.until_on)
        for one in household.subscriptions
        if one.offering in terms.bundle_with
    )
    return situations(boxes, bundle, first)


def watched_at_once(household: Household, book: PriceBook, today: date) -> Service:
    """Give the service with the streams that it pays for, where it pays by their number."""
    for one in household.subscriptions:
        counts = book.offerings[one.offering].terms.counts
        if counts is Counts.STREAMS and one.is_current(today):
            return replace(household.service, streams=one.quantity)
    return household.service
