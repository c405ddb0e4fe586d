"""What every story needs besides its transaction, and the catalogue all of them rate by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from billing.billdays import store as billdays
from billing.billdays.model import Gate
from billing.catalog import store as catalog
from billing.catalog.model import PriceBook
from billing.dunning import store as dunning
from billing.dunning.segment import Segments
from billing.equipment import store as equipment
from billing.equipment.model import Starts
from billing.invoicing.numbers import Numbers
from billing.loyalty import store as loyalty
from billing.loyalty.model import Program
from billing.payments.provider import Provider
from billing.promotions import store as promotions
from billing.promotions.promotion import Promotion
from billing.rating.due import Rates
from billing.tax import store as tax
from billing.tax.assessment import Assessor
from runtime.chance import Chance
from runtime.clock import Clock
from runtime.store import Tx
from runtime.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """One edition of everything published: prices, taxes, the segments of dunning, when rentals
    begin, the promotions by their codes, the program of loyalty. `gate` holds back the bill days
    that nobody has let go.
    """

    edition: int
    rates: Rates
    taxes: Assessor
    segments: Segments
    starts: Starts
    gate: Gate
    promotions: Mapping[str, Promotion]
    program: Program

    @property
    def book(self) -> PriceBook:
        """The offerings and their prices."""
        return self.rates.book


class Shelf:
    """Keeps the newest edition of the catalogue in memory; asks the database only which it is."""

    def __init__(self) -> None:
        self._edition = -1
        self._catalogue: Catalogue | None = None

    async def newest(self, tx: Tx, edition: int | None = None) -> Catalogue:
        """Return the published catalogue; `edition` spares the question where it is known."""
        if edition is None:
            edition = await catalog.edition(tx)
        if self._catalogue is None or edition != self._edition:
            self._catalogue = Catalogue(
                edition=edition,
                rates=Rates(await catalog.load(tx)),
                taxes=Assessor(await tax.load(tx), await tax.load_level(tx)),
                segments=await dunning.load_segments(tx),
                starts=await equipment.load_starts(tx),
                gate=await billdays.load_gate(tx),
                promotions=await promotions.load(tx),
                program=await loyalty.load_program(tx),
            )
            self._edition = edition
        return self._catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Marks work, tells the time, throws dice, knows the configured payment providers by name."""

    work: Work
    clock: Clock
    chance: Chance
    providers: Mapping[str, Provider] = field(default_factory=dict)
    shelf: Shelf = field(default_factory=Shelf)
    numbers: Numbers = field(default_factory=Numbers)
