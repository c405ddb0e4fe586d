"""How households are reached: by which telephone and which mail address, and where they live."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, or_, select

from billing.accounts.store import account, customer, service
from billing.subscriptions.store import subscription
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.store.prepared import PreparedQuery
from terms.ids import ServiceId

PAGE_ROWS_MAX = 500
SLIM_ROWS_MAX = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A household as one writes to it; `phone` and `email` are empty where nobody has told them."""

    service: ServiceId
    contract: str
    phone: str
    email: str
    locale: str
    zone: str
    segment: str


async def contacts(tx: Tx, services: Iterable[ServiceId]) -> Mapping[ServiceId, Contact]:
    """Find how services are reached; ids of nobody are left out."""
    rows = await _BY_SERVICE.rows(tx, {KEYS: packed(tx.engine, sorted(set(services)))})
    return {ServiceId(row.id): _contact(row) for row in rows}


async def of_segment(
    tx: Tx, segment: str | None, today: date, *, behind: str = ""
) -> Sequence[Contact]:
    """List the contracts behind one that go on, of a segment or of all; a page of them."""
    query = _contacts().where(service.c.contract > behind, *_of(segment, today))
    rows = await tx.rows(query.order_by(service.c.contract).limit(PAGE_ROWS_MAX))
    return [_contact(row) for row in rows]


async def locales(
    tx: Tx, segment: str | None, today: date
) -> AsyncIterator[Sequence[tuple[str, str]]]:
    """Read the contracts that go on, of a segment or of all: pages of (contract, locale)."""
    behind, c = "", service.c
    query = select(c.contract, account.c.locale).select_from(
        service.join(account, account.c.id == c.account_id)
    )
    query = query.where(*_of(segment, today)).order_by(c.contract).limit(SLIM_ROWS_MAX)
    while rows := await tx.rows(query.where(c.contract > behind)):
        yield [(row.contract, row.locale) for row in rows]
        behind = rows[-1].contract


def _of(segment: str | None, today: date) -> list[ColumnElement[bool]]:
    """Build the conditions that a contract goes on and is of a segment."""
    goes_on = exists().where(
        subscription.c.service_id == service.c.id,
        or_(subscription.c.until_on.is_(None), subscription.c.until_on > today),
    )
    return [goes_on] if segment is None else [goes_on, account.c.segment == segment]


def _contacts() -> Select[Any]:
    return select(
        service.c.id,
        service.c.contract,
        customer.c.phone,
        customer.c.email,
        account.c.locale,
        account.c.zone,
        account.c.segment,
    ).select_from(
        service.join(account, account.c.id == service.c.account_id).join(
            customer, customer.c.id == account.c.customer_id
        )
    )


_BY_SERVICE = PreparedQuery(lambda engine: _contacts().where(among(engine, service.c.id)))


def _contact(row: Any) -> Contact:
    return Contact(
        service=ServiceId(row.id),
        contract=row.contract,
        phone=row.phone or "",
        email=row.email or "",
        locale=row.locale,
        zone=row.zone,
        segment=row.segment,
    )
