"""What a household rents, as the API shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.web.api.shapes import Amount
from billing.reads.rentals import RentalView


@dataclass(frozen=True, slots=True, kw_only=True)
class Rented:
    """A box that is paid for; `until_on` is the first day no longer charged, none while it runs.

    `deposit` is what is held of it since a day; where it is `deposit_waiting`, a person has to
    decide about it. `ending` is returned, damaged or lost.
    """

    id: str
    serial: str
    model: str
    offering: str
    since: date
    until_on: date | None
    ending: str | None
    deposit: Amount
    deposit_since: date | None
    deposit_waiting: bool


def rented(one: RentalView) -> Rented:
    """Show a rental."""
    return Rented(
        id=one.id,
        serial=one.serial,
        model=one.model,
        offering=one.offering,
        since=one.from_on,
        until_on=one.until_on,
        ending=one.ending.value if one.ending else None,
        deposit=Amount.of(one.deposit),
        deposit_since=one.deposit_since,
        deposit_waiting=one.is_waiting,
    )
