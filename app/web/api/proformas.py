"""/proformas: what a household would be billed, written down and never booked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import Field

from app.desk import documents
from app.web.api.paper_view import Seller, TaxSum
from app.web.api.shapes import Amount, Day, OptionalText
from app.web.api.ways import ask, look
from app.web.route import Body, Call
from billing.invoicing import proforma as model
from billing.invoicing.proforma import VALID_DAYS, VALID_DAYS_MAX
from billing.reads import proformas


class ProformaBody(Body):
    """Whatever is due by the end of which day, today unless said; for how many days it stands."""

    billed_on: Day | None = None
    valid_days: Annotated[int, Field(ge=0, le=VALID_DAYS_MAX)] = VALID_DAYS
    reason: OptionalText = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProformaLine:
    """What a line of the invoice would say."""

    label: str
    period_start: date
    period_end: date
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Proforma:
    """What would be billed by the end of `billed_on`; it stands until `valid_until`."""

    number: str
    seller: Seller | None
    issued_on: date
    billed_on: date
    valid_until: date
    net: Amount
    tax: Amount
    total: Amount
    taxes: Sequence[TaxSum]
    lines: Sequence[ProformaLine]


async def issue(call: Call) -> Proforma:
    """Write down what a household would be billed; nothing is booked and nothing to pay."""
    body: ProformaBody = call.body
    made = await documents.proforma(
        call.house,
        call.part("contract"),
        call.actor,
        billed_on=body.billed_on,
        valid_days=body.valid_days,
        reason=body.reason,
    )
    return _shown(made)


async def show(call: Call) -> Proforma:
    """Show a proforma invoice by its number."""
    async with call.house.store.read() as tx:
        return _shown(await proformas.view(tx, call.part("number")))


def _shown(one: model.Proforma) -> Proforma:
    return Proforma(
        number=one.number,
        seller=Seller.of(one.seller),
        issued_on=one.issued_on,
        billed_on=one.billed_on,
        valid_until=one.valid_until,
        net=Amount.of(one.net),
        tax=Amount.of(one.tax),
        total=Amount.of(one.total),
        taxes=[TaxSum.of(group) for group in one.groups],
        lines=[
            ProformaLine(
                label=line.label,
                period_start=line.period_start,
                period_end=line.period_end,
                amount=Amount.of(line.amount),
            )
            for line in one.lines
        ],
    )


ROUTES = (
    ask(
        "accounts/{contract}/proformas", issue, Proforma, body=ProformaBody, status=201, problems=()
    ),
    look("proformas/{number}", show, Proforma),
)
