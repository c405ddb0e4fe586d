"""Fees in [dunning] of operator.toml: for what is late, is taken back, or is switched on again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from pydantic import BaseModel, ConfigDict, Field, field_validator

from app.imports import cells
from billing.dunning.dispute_fees import Basis, DisputeFee
from billing.dunning.late_fees import DAYS_MAX, LABEL_CHARS_MAX, By, LateFees, Per
from billing.dunning.reactivation import INVOICES_MAX, Needs, Reactivation
from terms.errors import Invalid
from terms.money import Money, Rate

AMOUNT_CHARS_MAX = 20
TAX_CHARS_MAX = 40


class Late(BaseModel):
    """[dunning.late_fees]: a fixed fee, a share of what is open, or both."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    from_on: date
    once: str = Field(default="", max_length=AMOUNT_CHARS_MAX)
    once_after_days: int = Field(default=1, ge=1, le=DAYS_MAX)
    rate: str = Field(default="", max_length=AMOUNT_CHARS_MAX)
    per: str = Per.MONTH.value
    by: str = By.MONTHS.value
    grace_days: int = Field(default=0, ge=0, le=DAYS_MAX)
    least: str = Field(default="", max_length=AMOUNT_CHARS_MAX)
    cap: str = Field(default="", max_length=AMOUNT_CHARS_MAX)
    cap_share: str = Field(default="", max_length=AMOUNT_CHARS_MAX)
    tax: str = Field(default="", max_length=TAX_CHARS_MAX)
    label: str = Field(default="Late fee", min_length=1, max_length=LABEL_CHARS_MAX)
    despite_promise: bool = False

    _per = field_validator("per")(cells.one_of(*Per))
    _by = field_validator("by")(cells.one_of(*By))

    def rules(self, currency: str) -> LateFees | None:
        """Give the rules; nothing to charge is none. Raises Invalid naming the field."""
        once = minor("once", self.once, currency)
        rate = share("rate", self.rate)
        cap, cap_share = minor("cap", self.cap, currency), share("cap_share", self.cap_share)
        least = minor("least", self.least, currency)
        if not once and not rate:
            return None
        return LateFees(
            from_on=self.from_on,
            currency=currency,
            once_minor=once or 0,
            once_after_days=self.once_after_days,
            rate=rate,
            per=Per(self.per),
            by=By(self.by),
            grace_days=self.grace_days,
            least_minor=least or 0,
            cap_minor=cap,
            cap_share=cap_share,
            tax=self.tax,
            label=self.label,
            despite_promise=self.despite_promise,
        )


class Disputed(BaseModel):
    """[dunning.dispute_fee]: what an account is charged for a payment its bank took back."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    charge: str
    amount: str = Field(default="", max_length=AMOUNT_CHARS_MAX)
    tax: str = Field(default="", max_length=TAX_CHARS_MAX)
    label: str = Field(
        default="Fee for a returned payment", min_length=1, max_length=LABEL_CHARS_MAX
    )

    _charge = field_validator("charge")(cells.one_of(*Basis))

    def rules(self, currency: str) -> DisputeFee:
        """Give the rules. Raises Invalid naming the field."""
        return DisputeFee(
            basis=Basis(self.charge),
            currency=currency,
            amount_minor=minor("amount", self.amount, currency) or 0,
            tax=self.tax,
            label=self.label,
        )


class Reactivated(BaseModel):
    """[dunning.reactivation]: what is paid before it is light again, and what that costs."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    needs: str = Needs.OLD.value
    share: str = Field(default="", max_length=AMOUNT_CHARS_MAX)
    invoices: int = Field(default=0, ge=0, le=INVOICES_MAX)
    fee: str = Field(default="", max_length=AMOUNT_CHARS_MAX)
    tax: str = Field(default="", max_length=TAX_CHARS_MAX)
    label: str = Field(default="Reactivation", min_length=1, max_length=LABEL_CHARS_MAX)

    _needs = field_validator("needs")(cells.one_of(*Needs))

    def rules(self, currency: str) -> Reactivation:
        """Give the rules. Raises Invalid naming the field."""
        return Reactivation(
            needs=Needs(self.needs),
            share=share("share", self.share),
            invoices=self.invoices,
            fee_minor=minor("fee", self.fee, currency) or 0,
            currency=currency,
            tax=self.tax,
            label=self.label,
        )


def minor(name: str, text: str, currency: str) -> int | None:
    """Read an amount; None where nothing is said. Raises Invalid naming the field."""
    if not text:
        return None
    with _named(name):
        return Money.parse(cells.amount_text(text), currency).amount_minor


def share(name: str, text: str) -> Rate | None:
    """Read a percentage; None where nothing is said. Raises Invalid naming the field."""
    if not text:
        return None
    with _named(name):
        return Rate.parse(text)


@contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise Invalid(name, str(error)) from None
