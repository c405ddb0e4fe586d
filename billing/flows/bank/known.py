"""Loads what is known of a batch of lines: a fixed number of statements, however many lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import select

from billing.accounts.finding import words_begin
from billing.accounts.store import account, service
from billing.bank.matching import Known, Owner, batches, written
from billing.bank.model import Line, LineKind
from billing.bank.store import bank_payer
from billing.debits.store import debit_batch
from billing.invoicing.store import invoice, voided
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from terms.ids import AccountId
from terms.money import Money

NAMED_MAX = 20  # accounts that share the two longest words of a name
WORDS_MIN = 2
# Who has both words, looked up from the longer one on.
_NAMED = {
    "postgresql": f"""
        SELECT DISTINCT pair.n, a.id, a.number, a.currency, c.name
        FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS pair(one, two, n)
        JOIN LATERAL (
            SELECT t.service_id FROM search_term t WHERE t.term = pair.one AND EXISTS (
                SELECT 1 FROM search_term u
                WHERE u.service_id = t.service_id AND u.term = pair.two
            ) LIMIT {NAMED_MAX}
        ) found ON true
        JOIN service s ON s.id = found.service_id
        JOIN account a ON a.id = s.account_id
        JOIN customer c ON c.id = a.customer_id
    """,  # noqa: S608 - a number of our own
    "sqlite": """
        SELECT DISTINCT pair.key, a.id, a.number, a.currency, c.name
        FROM json_each(?1) pair
        JOIN search_term t ON t.term = json_extract(pair.value, '$[0]')
        JOIN search_term u
            ON u.service_id = t.service_id AND u.term = json_extract(pair.value, '$[1]')
        JOIN service s ON s.id = t.service_id
        JOIN account a ON a.id = s.account_id
        JOIN customer c ON c.id = a.customer_id
    """,
}


def words_of(name: str) -> frozenset[str]:
    """Return the words of a name, folded; nothing for a name of one word, which proves nothing."""
    words = frozenset(words_begin(name))
    return words if len(words) >= WORDS_MIN else frozenset()


async def load(tx: Tx, lines: Iterable[Line]) -> Known:
    """Load all that may tell whose money these lines are."""
    known = Known()
    asked = [one for one in lines if one.kind is LineKind.MONEY and one.amount.amount_minor > 0]
    if not asked:
        return known
    texts = {token for one in asked for part in written(one) for token in part}
    keys = {KEYS: packed(tx.engine, sorted(texts))}
    await _documents(tx, keys, known)
    await _numbers(tx, keys, known)
    await _batches(tx, {name for one in asked for name in batches(one)}, known)
    await _payers(tx, {one.iban for one in asked if one.iban}, known)
    await _names(tx, [one for one in asked if not _is_found(one, known)], known)
    return known


def _is_found(line: Line, known: Known) -> bool:
    """Tell whether a line needs no look at names."""
    if line.iban in known.payers:
        return True
    return any(
        token in known.documents or token in known.numbers or token in known.void
        for part in written(line)
        for token in part
    )


async def _documents(tx: Tx, keys: dict[str, Any], known: Known) -> None:
    i, a = invoice.c, account.c
    query = (
        select(i.number.label("written"), a.id, a.number, a.currency, voided.c.invoice_id)
        .join_from(invoice, account, a.id == i.account_id)
        .outerjoin(voided, voided.c.invoice_id == i.id)
        .where(among(tx.engine, i.number))
    )
    for row in await tx.rows(query, keys):
        where = known.documents if row.invoice_id is None else known.void
        where[row.written] = _owner(row)


async def _numbers(tx: Tx, keys: dict[str, Any], known: Known) -> None:
    a, s = account.c, service.c
    by_number = select(a.number.label("written"), a.id, a.number, a.currency).where(
        among(tx.engine, a.number)
    )
    by_contract = (
        select(s.contract.label("written"), a.id, a.number, a.currency)
        .join_from(service, account, a.id == s.account_id)
        .where(among(tx.engine, s.contract))
    )
    for query in (by_contract, by_number):
        for row in await tx.rows(query, keys):
            known.numbers[row.written] = _owner(row)


async def _batches(tx: Tx, names: set[str], known: Known) -> None:
    if names:
        query = select(debit_batch.c.id).where(among(tx.engine, debit_batch.c.id))
        rows = await tx.rows(query, {KEYS: packed(tx.engine, sorted(names))})
        known.batches = {row.id for row in rows}


async def _payers(tx: Tx, ibans: set[str], known: Known) -> None:
    if not ibans:
        return
    p, a = bank_payer.c, account.c
    query = (
        select(p.iban, a.id, a.number, a.currency)
        .join_from(bank_payer, account, a.id == p.account_id)
        .where(among(tx.engine, p.iban))
        .order_by(a.number)
    )
    for row in await tx.rows(query, {KEYS: packed(tx.engine, sorted(ibans))}):
        known.payers.setdefault(row.iban, []).append(_owner(row))


async def _names(tx: Tx, lines: Sequence[Line], known: Known) -> None:
    pairs = {tuple(words_begin(one.name)[:2]) for one in lines if words_of(one.name)}
    if not pairs:
        return
    listed = sorted(pairs)
    values: tuple[Any, ...] = (orjson.dumps(listed).decode(),)
    if tx.engine == "postgresql":
        values = ([one for one, _ in listed], [two for _, two in listed])
    groups: dict[int, list[Owner]] = {}
    for n, key, number, currency, name in await tx.fetch(_NAMED[tx.engine], values):
        owner = Owner(id=AccountId(key), number=number, currency=currency, name=name)
        groups.setdefault(n, []).append(owner)
    named: dict[frozenset[str], dict[AccountId, Owner]] = {}
    for group in groups.values():
        # So many may be all or not: none of them is sure.
        for one in group if len(group) < NAMED_MAX else ():
            named.setdefault(words_of(one.name), {})[one.id] = one
    for words, owners in named.items():
        known.names[words] = sorted(owners.values(), key=lambda one: one.number)
    i = invoice.c
    query = (
        select(i.account_id, i.total_minor, i.currency)
        .outerjoin_from(invoice, voided, voided.c.invoice_id == i.id)
        .where(among(tx.engine, i.account_id), voided.c.invoice_id.is_(None))
        .distinct()
    )
    accounts = [one.id for each in known.names.values() for one in each]
    for found in await tx.rows(query, {KEYS: packed(tx.engine, accounts)}):
        total = Money(found.total_minor, found.currency)
        known.totals.add((AccountId(found.account_id), total))


def _owner(row: Any) -> Owner:
    return Owner(id=AccountId(row.id), number=row.number, currency=row.currency)
