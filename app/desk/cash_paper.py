"""Z reports and receipts as plain text and as lists: for printers, files and spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from billing.cash.model import ReceiptKind
from billing.reads.cash import ReceiptView, Report

COLUMNS = ("shift", "n", "at", "kind", "amount", "currency", "receipt", "account", "by", "reason")
WORDS = {
    "float": "float",
    "taken": "taken",
    "given": "given back",
    "paid_in": "from the safe",
    "paid_out": "to the safe",
}
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def listed(report: Report) -> str:
    """Write all that went through a drawer as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in report.entries:
        writer.writerow(
            (
                *(report.shift.name, one.n, one.at.isoformat(), one.kind.value),
                *(one.amount.plain, one.amount.currency, one.receipt, _text(one.account)),
                *(_text(one.by), _text(one.reason or one.reference)),
            )
        )
    return out.getvalue()


def receipt_lines(one: ReceiptView, operator: str, cashier: str) -> Sequence[str]:
    """Write a receipt line by line, but for whether it is a copy."""
    told = one.receipt
    is_payment = told.kind is ReceiptKind.PAYMENT
    lines = [
        *(one.seller.lines if one.seller else (operator,)),
        f"{'Receipt' if is_payment else 'Receipt of money given back'} {told.number}",
        f"{told.issued_on}  {one.contract} {one.holder}",
        f"{'Received' if is_payment else 'Given back'} in cash: {told.amount}",
    ]
    if not is_payment:
        lines.append(f"of payment {one.of_payment}: {one.reason}")
    elif one.paid is not None and one.credit is not None:
        lines += [f"pays {number}: {part}" for number, part in one.paid]
        lines += [f"stays as credit: {one.credit}"] if one.credit.amount_minor else []
    lines.append(f"Reference {told.reference}")
    lines.append(f"Cashier {cashier}{f', shift {one.shift}' if one.shift else ''}")
    return lines


def _text(cell: str) -> str:
    """Write a text so that no spreadsheet calculates with it."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
