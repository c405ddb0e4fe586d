"""A household or an invoice in words, for `boxoffice explain`."""

from __future__ import annotations

from collections.abc import Iterator

from app.desk.household import Household
from billing.reads.invoices import InvoiceView

INVOICES_MAX = 3


def explained(found: Household | InvoiceView) -> Iterator[str]:
    """Tell what is owed, line by line, and why it is dark."""
    return _invoice(found) if isinstance(found, InvoiceView) else _household(found)


def _household(household: Household) -> Iterator[str]:
    account = household.account
    state = account.service.state.value if account.service.state else "not settled yet"
    yield f"{account.service.contract}  {account.name}  is {state}"
    for why in household.why_dark:
        yield f"  dark: {why}"
    yield f"  owes {account.owed}" + (
        f", has {account.credit} to its credit" if account.credit.amount_minor else ""
    )
    for box in household.gateway.boxes:
        yield f"  box {box.serial} {box.model} {box.mac or ''}".rstrip()
    for at in household.gateway.targets:
        yield f"  {at.target}: {'as wished' if at.is_proven else 'not as wished yet'}"
    for invoice in account.invoices[:INVOICES_MAX]:
        yield from _invoice(invoice)


def _invoice(one: InvoiceView) -> Iterator[str]:
    left = f", {one.open} open" if one.open.amount_minor else ", paid"
    yield f"invoice {one.number} of {one.issued_on}, due {one.due_on}: {one.total}{left}"
    for line in one.lines:
        share = f"{line.days}/{line.of_days} days of {line.rate}"
        period = f"{line.period_start} to {line.period_end}"
        tax = f"tax {line.tax}" if line.tax else "untaxed"
        yield f"  {line.amount}  {line.label}  ({share}, {period}, {tax})"
    for group in one.groups:
        yield f"  {group.amount}  {group.tax} {group.rate} of {group.net}"
