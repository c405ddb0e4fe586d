"""Every route of the API, in the order in which its reference tells them."""

from __future__ import annotations

from app.web.api import (
    accounts,
    audited,
    books,
    boxes,
    catalogue,
    clock,
    deposits,
    documents,
    field,
    finding,
    life,
    loyalty,
    mending,
    processes,
    promotions,
    purchases,
    targets,
    usage,
    work,
)

API = (
    *accounts.ROUTES,
    *life.ROUTES,
    *purchases.ROUTES,
    *usage.ROUTES,
    *promotions.ROUTES,
    *loyalty.ROUTES,
    *documents.ROUTES,
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
