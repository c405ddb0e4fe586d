"""A wallet as its holder and staff read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.web.cursor import cursor, cut
from app.web.page.words import figure, money, shown
from billing.ledger.model import PostingKind
from billing.reads.wallet import WalletLine, WalletView

LINES_MAX = 50
_KINDS = {
    PostingKind.PAYMENT: "Paid in",
    PostingKind.REVERSAL: "Given back or taken back",
    PostingKind.CREDIT_USED: "Paid an invoice",
    PostingKind.CREDIT_NOTE: "Credit note",
}


def walleted(found: WalletView) -> Mapping[str, Any]:
    """Write a wallet for people; of one line more than a page the `next` begins behind the last."""
    lines, last = cut(found.lines, LINES_MAX)
    return {
        "contract": found.contract,
        "balance": money(found.balance),
        "has_money": found.balance.amount_minor > 0,
        "currency": found.balance.currency,
        "lines": _lines(lines),
        "next": cursor((last.at, last.id)) if last else "",
    }


def _lines(lines: Sequence[WalletLine]) -> list[Mapping[str, str]]:
    return [
        {
            "on": shown(one.on),
            "what": _KINDS.get(one.kind, one.kind.value.replace("_", " ").capitalize()),
            "document": one.document,
            "amount": figure(one.amount),
            "balance": figure(one.balance),
        }
        for one in lines
    ]
