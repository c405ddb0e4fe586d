"""What always holds of the books, as rules to ask a live database: a file per concern."""

from billing.reads.verify import (
    audited,
    bank,
    cash,
    charges,
    debits,
    documents,
    fairness,
    ledger,
    numbers,
    outbox,
    payments,
    promotions,
    schema,
    usage,
    vouchers,
)

RULES = (
    *ledger.RULES,
    *numbers.RULES,
    *charges.RULES,
    *payments.RULES,
    *bank.RULES,
    *cash.RULES,
    *debits.RULES,
    *promotions.RULES,
    *documents.RULES,
    *outbox.RULES,
    *fairness.RULES,
    *audited.RULES,
    *schema.RULES,
    *usage.RULES,
    *vouchers.RULES,
)

__all__ = ["RULES"]
