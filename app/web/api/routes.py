"""Every route of the API, in the order in which its reference tells them."""

from __future__ import annotations

from app.web.api import (
    accounts,
    audited,
    banking,
    billdays,
    books,
    boxes,
    cash,
    catalogue,
    clock,
    debits,
    deposits,
    documents,
    field,
    finding,
    life,
    loyalty,
    mending,
    payments,
    processes,
    proformas,
    promotions,
    purchases,
    targets,
    usage,
    vouchers,
    work,
)

API = (
    *accounts.ROUTES,
    *payments.ROUTES,
    *life.ROUTES,
    *purchases.ROUTES,
    *usage.ROUTES,
    *banking.ROUTES,
<<<<<<< HEAD
    *debits.ROUTES,
=======
    *cash.ROUTES,
>>>>>>> main
    *promotions.ROUTES,
    *vouchers.ROUTES,
    *loyalty.ROUTES,
    *documents.ROUTES,
    *proformas.ROUTES,
    *billdays.ROUTES,
    *catalogue.ROUTES,
    *mending.ROUTES,
    *finding.ROUTES,
    *books.ROUTES,
    *boxes.ROUTES,
    *deposits.ROUTES,
    *field.ROUTES,
    *clock.ROUTES,
    *targets.ROUTES,
    *work.ROUTES,
    *processes.ROUTES,
    *audited.ROUTES,
)
