"""[refunds] of operator.toml: how much a person gives back without a second one."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from app.imports import cells
from billing.payments.refunds import Alone
from terms.errors import Invalid
from terms.money import Money

CURRENCIES_MAX = 20


class Refunds(BaseModel):
    """[refunds]: up to how much by currency; of one that is not named it is any amount."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    alone_up_to: dict[str, str] = Field(default_factory=dict, max_length=CURRENCIES_MAX)

    @property
    def alone(self) -> Alone:
        """Give the rule. Raises Invalid naming the field."""
        return Alone(up_to_minor={key: _minor(key, text) for key, text in self.alone_up_to.items()})


def _minor(currency: str, text: str) -> int:
    try:
        return Money.parse(cells.amount_text(text), cells.currency(currency)).amount_minor
    except ValueError as error:
        raise Invalid(f"alone_up_to.{currency}", str(error)) from None
