"""[[seller]] of operator.toml: who sells, by law, from which day on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from pydantic import BaseModel, ConfigDict, Field, field_validator

from app.imports import cells
from app.imports.problems import Problems
from billing.sellers.model import ADDRESS_LINES_MAX, ALWAYS, Seller, Sellers, changed_sellers
from terms.calendar import in_reach
from terms.errors import Invalid

SELLERS_MAX = 100


class SellerTable(BaseModel):
    """[[seller]]: its legal name, address, tax number, where it is entered, since when it sells."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    name: str = Field(max_length=120)
    address: list[str] = Field(max_length=ADDRESS_LINES_MAX)
    tax_number: str = Field(max_length=40)
    entered: str = Field(default="", max_length=120, alias="register")
    from_on: date = Field(default=ALWAYS, alias="from")

    _lines = field_validator("name", "tax_number")(cells.line)
    _entered = field_validator("entered")(cells.cleaned)

    @field_validator("address")
    @classmethod
    def _address(cls, lines: list[str]) -> list[str]:
        if not lines:
            raise ValueError("must not be empty")
        return [cells.text_of(120)(cells.line(line)) for line in lines]

    @field_validator("from_on")
    @classmethod
    def _from(cls, day: date) -> date:
        try:
            return in_reach("from", day)
        except Invalid as error:
            raise ValueError(error.reason) from None

    @property
    def seller(self) -> Seller:
        """Give the seller."""
        return Seller(
            name=self.name,
            address=tuple(self.address),
            tax_number=self.tax_number,
            register=self.entered,
        )


def sellers_of(
    tables: Sequence[SellerTable], problems: Problems, file: str
) -> Mapping[date, Seller]:
    """Give all sellers in the order of the file, by the day from which each sells."""
    found: dict[date, Seller] = {}
    for n, table in enumerate(tables):
        if table.from_on in found:
            why = "one alone has sold since ever: say from which day on the next one sells"
            if table.from_on != ALWAYS:
                why = f"another one sells from {table.from_on} on"
            problems.add(file, why, field=f"seller.{n}.from")
        found[table.from_on] = table.seller
    return found


def check_sellers(
    told: Mapping[date, Seller], known: Sellers, today: date, problems: Problems, file: str
) -> None:
    """Note who would take the place of a seller that documents name already."""
    for n, (day, one) in enumerate(told.items()):
        try:
            changed_sellers(known, {day: one}, today)
        except Invalid as error:
            problems.add(file, error.reason, field=f"seller.{n}.from")
