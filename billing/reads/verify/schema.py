"""What the money rests on is there: constraints, indexes and triggers of the live schema.

The tables are compared with what is declared of them; triggers are not declared anywhere else, so
that they are named here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import (
    CheckConstraint,
    Constraint,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    UniqueConstraint,
)

from billing.accounts.store import account, service
from billing.bank.store import (
    bank_aside,
    bank_aside_undone,
    bank_entry,
    bank_part,
    bank_payer,
    bank_statement,
    bank_undone,
)
from billing.cash.store import drawer_entry, receipt, receipt_print, shift, shift_count, till
from billing.catalog.store import catalog_version, price
from billing.debits.store import debit, debit_batch, debit_creditor, mandate
from billing.dunning.store import (
    dunning_brake,
    dunning_cut,
    dunning_held,
    dunning_notice,
    dunning_segment,
    dunning_suspension,
    hold,
)
from billing.equipment.store import possession_heard, rental
from billing.invoicing.discounts import invoice_discount
from billing.invoicing.goodwill import goodwill
from billing.invoicing.numbers import number_series
from billing.invoicing.store import (
    credit_line,
    credit_note,
    invoice,
    invoice_line,
    proforma,
    reopened,
    voided,
)
from billing.ledger.store import deferral, earned_month, entry, posting
from billing.loyalty.store import loyalty, point_entry, referral
from billing.payments.pages import pay_page
from billing.payments.store import (
    allocation,
    attempt,
    movement,
    open_item,
    payment_method,
    provider_cursor,
    provider_event,
    refund,
    write_off,
)
from billing.pending.store import pending_charge
from billing.promises.store import promise
from billing.promotions.store import promotion, redemption
from billing.purchases.store import purchase
from billing.subscriptions.store import pause, subscription
from billing.tax.store import tax_rate
from billing.usage.store import usage_record, usage_total
from billing.vouchers.store import voucher, voucher_batch, voucher_key
from runtime.store.audit import audit
from runtime.store.chain import audit_link
from runtime.store.lease import Engine
from runtime.store.rules import Rule

TABLES = (
    *(account, service, subscription, pause, rental, possession_heard, price, tax_rate),
    *(catalog_version, goodwill),
    *(number_series, invoice, invoice_line, credit_note, credit_line, voided, proforma, reopened),
    *(pending_charge, purchase, usage_record, usage_total, hold, promise),
    *(
        dunning_segment,
        dunning_notice,
        dunning_cut,
        dunning_suspension,
        dunning_brake,
        dunning_held,
    ),
    *(promotion, redemption, invoice_discount, loyalty, point_entry, referral),
    *(voucher_batch, voucher, voucher_key),
    *(posting, entry, deferral, earned_month, movement, allocation, write_off, open_item),
    *(attempt, refund, payment_method, pay_page, provider_event, provider_cursor),
    *(audit, audit_link),
    *(bank_statement, bank_entry, bank_part, bank_undone, bank_payer),
    *(bank_aside, bank_aside_undone),
    *(till, shift, drawer_entry, shift_count, receipt, receipt_print),
    *(debit_creditor, mandate, debit, debit_batch),
)
# What only grows; on SQLite a row could also be replaced, which a key of its own refuses.
_DOCUMENTS = (invoice, invoice_line, invoice_discount, credit_note, credit_line, voided, proforma)
REPLACEABLE = (
    *_DOCUMENTS,
    *(goodwill, allocation, write_off, point_entry, audit, audit_link, catalog_version),
    *(bank_statement, bank_part, bank_undone, bank_aside, bank_aside_undone),
    *(receipt, receipt_print, drawer_entry),
)
GROWING = (*REPLACEABLE, posting, entry)
SEALED = (posting, entry)
# What belongs to a closed shift stays as it is: by table, what is refused then.
CLOSED = {
    shift: ("update", "delete"),
    shift_count: ("insert", "update", "delete"),
    drawer_entry: ("insert",),
}


def triggers(engine: Engine) -> Iterator[tuple[str, str]]:
    """Name each trigger with its table."""
    endings = ("no_update", "no_delete") if engine == "sqlite" else ("no_change",)
    yield from ((table.name, f"{table.name}_{ending}") for table in GROWING for ending in endings)
    yield from ((table.name, f"{table.name}_seal") for table in SEALED)
    for table, events in CLOSED.items():
        mine = [f"_{event}" for event in events] if engine == "sqlite" else [""]
        yield from ((table.name, f"{table.name}_closed{end}") for end in mine)
    if engine == "sqlite":
        yield from ((table.name, f"{table.name}_no_replace") for table in REPLACEABLE)


def constraints() -> Iterator[tuple[str, str, str]]:
    """Name each constraint with its table; of keys also say what they are of."""
    for table in TABLES:
        # The key of a table that counts by itself has no name on SQLite.
        named = [one for one in table.constraints if table is not audit or not _is_key(one)]
        for one in named:
            yield table.name, str(one.name), _definition(one)


def _is_key(one: Constraint) -> bool:
    return isinstance(one, PrimaryKeyConstraint)


def _definition(one: Constraint) -> str:
    match one:
        case PrimaryKeyConstraint() | UniqueConstraint():
            word = "PRIMARY KEY" if _is_key(one) else "UNIQUE"
            return f"{word} ({', '.join(column.name for column in one.columns)})"
        case ForeignKeyConstraint():
            return "FOREIGN KEY"
        case CheckConstraint():
            return "CHECK"
    raise TypeError(f"{one} is no constraint that verify knows")


def indexes() -> Iterator[tuple[str, str]]:
    """Name each index with its table."""
    yield from ((table.name, str(one.name)) for table in TABLES for one in table.indexes)


def _listed(rows: Iterable[tuple[str, ...]]) -> str:
    return ", ".join("(" + ", ".join(f"'{cell}'" for cell in row) + ")" for row in sorted(rows))


def _missing(what: str, wanted: Iterable[tuple[str, ...]], columns: str, there: str) -> str:
    return (
        f"WITH wanted({columns}) AS (VALUES {_listed(wanted)}) "  # noqa: S608 - names of our own
        f"SELECT place || '.' || name, 'the {what} is not there as declared' FROM wanted "
        f"WHERE NOT EXISTS ({there})"
    )


_CONSTRAINTS: Mapping[Engine, str] = {
    "sqlite": _missing(
        "constraint",
        constraints(),
        "place, name, of",
        "SELECT 1 FROM sqlite_master m WHERE m.type = 'table' AND m.tbl_name = place "
        "AND instr(m.sql, 'CONSTRAINT ' || wanted.name || ' ' || of)",
    ),
    "postgresql": _missing(
        "constraint",
        constraints(),
        "place, name, of",
        "SELECT 1 FROM pg_constraint WHERE conrelid = to_regclass(place) AND conname = name "
        "AND convalidated AND strpos(pg_get_constraintdef(oid), of) = 1",
    ),
}
_INDEXES: Mapping[Engine, str] = {
    "sqlite": _missing(
        "index",
        indexes(),
        "place, name",
        "SELECT 1 FROM sqlite_master m WHERE m.type = 'index' AND m.tbl_name = place "
        "AND m.name = wanted.name",
    ),
    "postgresql": _missing(
        "index",
        indexes(),
        "place, name",
        "SELECT 1 FROM pg_index WHERE indrelid = to_regclass(place) AND indisvalid "
        "AND indexrelid = to_regclass(name)",
    ),
}
_TRIGGERS: Mapping[Engine, str] = {
    "sqlite": _missing(
        "trigger",
        triggers("sqlite"),
        "place, name",
        "SELECT 1 FROM sqlite_master m WHERE m.type = 'trigger' AND m.tbl_name = place "
        "AND m.name = wanted.name AND instr(m.sql, 'RAISE(ABORT')",
    ),
    "postgresql": _missing(
        "trigger",
        triggers("postgresql"),
        "place, name",
        "SELECT 1 FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
        "WHERE t.tgrelid = to_regclass(place) AND t.tgname = name "
        "AND t.tgenabled IN ('O', 'A') AND strpos(p.prosrc, 'RAISE EXCEPTION') > 0",
    ),
}

RULES = (
    Rule(code="schema", says="each constraint that money rests on is there", sql=_CONSTRAINTS),
    Rule(code="schema", says="each index that money rests on is there", sql=_INDEXES),
    Rule(code="schema", says="each trigger that keeps the books is there", sql=_TRIGGERS),
)
