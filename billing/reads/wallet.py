"""An account's wallet as people see it: what is unused, and how it came and went, the newest first.

Read from the ledger: what stands to an account's credit, posting by posting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, select

from billing.accounts.store import account, service
from billing.invoicing.store import credit_note, invoice
from billing.ledger.model import Book, PostingKind
from billing.ledger.store import entry, posting
from billing.payments.store import movement
from runtime.store import Tx
from runtime.store.keyset import exact, page
from runtime.store.lease import Engine
from terms.errors import NotFound
from terms.ids import AccountId
from terms.money import Money

LINES_MAX = 501
_OF_INVOICE = ".credit"  # behind its id: the posting by which unused money pays an invoice


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletLine:
    """What put money into a wallet or took it out, and what was in it then.

    `document` is the invoice it paid, the credit note it came by, or what the payment is known by;
    `provider` is who had the money.
    """

    id: str
    on: date
    at: datetime
    kind: PostingKind
    document: str
    provider: str
    amount: Money
    balance: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletView:
    """A wallet, and a page of its history."""

    account: AccountId
    number: str
    contract: str
    zone: str
    balance: Money
    segment: str
    lines: Sequence[WalletLine]


async def wallet(
    tx: Tx,
    contract: str,
    *,
    limit: int = 50,
    behind: tuple[datetime, str] | None = None,
) -> WalletView:
    """Read the wallet of a contract, perhaps behind a line. Raises NotFound."""
    about = await tx.first(
        select(
            *(account.c.id, account.c.number, account.c.currency, account.c.zone),
            account.c.segment,
        )
        .join_from(service, account)
        .where(service.c.contract == contract)
    )
    if about is None:
        raise NotFound(f"there is no contract {contract!r}", field="contract")
    e = entry.c
    total = await tx.scalar(
        select(func.sum(e.amount_minor))
        .select_from(entry.join(posting, posting.c.id == e.posting_id))
        .where(posting.c.account_id == about.id, *_mine(about))
    )
    rows = await tx.rows(_lines(tx.engine, about, behind, min(limit, LINES_MAX)))
    return WalletView(
        account=AccountId(about.id),
        number=about.number,
        contract=contract,
        zone=about.zone,
        balance=Money(-int(total or 0), about.currency),
        segment=about.segment,
        lines=[_line(row, about.currency) for row in rows],
    )


def _mine(about: Any) -> tuple[Any, ...]:
    e = entry.c
    return e.book == Book.CREDIT.value, e.party == about.id, e.currency == about.currency


def _lines(
    engine: Engine, about: Any, behind: tuple[datetime, str] | None, limit: int
) -> Select[Any]:
    p, e = posting.c, entry.c
    order = (p.posted_at, exact(engine, p.id))
    each = (
        select(
            *(p.id, p.kind, p.posted_on, p.posted_at, e.amount_minor),
            func.sum(e.amount_minor).over(order_by=order).label("then"),
        )
        .select_from(entry.join(posting, p.id == e.posting_id))
        .where(p.account_id == about.id, *_mine(about))
        .subquery()
    )
    paid = invoice.c.id == func.replace(each.c.id, _OF_INVOICE, "")
    query = select(
        *each.c,
        invoice.c.number.label("invoice"),
        credit_note.c.number.label("note"),
        *(movement.c.charge, movement.c.provider),
    ).select_from(
        each.outerjoin(invoice, paid)
        .outerjoin(credit_note, credit_note.c.id == each.c.id)
        .outerjoin(movement, movement.c.id == each.c.id)
    )
    return page(query, (each.c.posted_at, exact(engine, each.c.id)), behind, limit)


def _line(row: Any, currency: str) -> WalletLine:
    return WalletLine(
        id=row.id,
        on=row.posted_on,
        at=row.posted_at,
        kind=PostingKind(row.kind),
        document=row.invoice or row.note or row.charge or "",
        provider=row.provider or "",
        amount=Money(-row.amount_minor, currency),
        balance=Money(-int(row.then), currency),
    )
