"""Rentals and the deposits held for them: of one household, or all that wait for somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Integer, Select, and_, bindparam, case, func, select

from billing.accounts.store import account, customer, service
from billing.equipment.model import ENDING_FOR_A_PERSON, Ending
from billing.equipment.store import rental
from billing.invoicing.store import credit_line, invoice, invoice_line
from billing.rating.model import LineKind
from runtime.store import Tx
from runtime.store.lease import Engine
from runtime.store.prepared import PreparedQuery
from terms.errors import NotFound
from terms.ids import ServiceId
from terms.money import Money

DEPOSITS_MAX = 500
_C, _LINE, _BACK = rental.c, invoice_line.c, credit_line.c


@dataclass(frozen=True, slots=True, kw_only=True)
class RentalView:
    """A device that is rented, or was: of several one after the other, the last.

    `deposit` is what is held of it since the day `deposit_since`; `ending` says how it ended, as
    far as anything follows. Where it `is_waiting` a person has to decide about the deposit.
    """

    id: str
    serial: str
    model: str
    offering: str
    from_on: date
    until_on: date | None
    ending: Ending | None
    deposit: Money
    deposit_since: date | None
    is_waiting: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositView:
    """A rental whose deposit is held, and of whom."""

    rental: RentalView
    contract: str
    name: str


async def of_service(tx: Tx, home: ServiceId, *, limit: int) -> list[RentalView]:
    """List the rentals of a household, the newest first."""
    rows = await _OF_SERVICE.rows(tx, {"service": home, "most": limit})
    return [_rental(row) for row in rows]


async def held(
    tx: Tx, *, contract: str = "", is_waiting: bool = False, after: str = "", limit: int = 50
) -> list[DepositView]:
    """List the deposits that are held, by the ids of their rentals, behind one.

    Of one household, or only those that wait for a person.
    """
    query = _rentals().where(_C.id > after, _LINE.amount_minor > 0, _BACK.note_id.is_(None))
    query = query.where(service.c.contract == contract) if contract else query
    if is_waiting:
        endings = [ending.value for ending in ENDING_FOR_A_PERSON]
        query = query.where(_C.ending.in_(endings), _C.kept_minor.is_(None))
    rows = await tx.rows(query.order_by(_C.id).limit(min(limit, DEPOSITS_MAX + 1)))
    return [DepositView(rental=_rental(row), contract=row.contract, name=row.name) for row in rows]


async def one(tx: Tx, key: str) -> DepositView:
    """Show one rental, whatever is held for it. Raises NotFound."""
    row = await tx.first(_rentals().where(_C.id == key))
    if row is None:
        raise NotFound(f"there is no rental {key!r}", field="rental")
    return DepositView(rental=_rental(row), contract=row.contract, name=row.name)


def _rentals() -> Select[Any]:
    """Join rentals with their deposits: one is held from its charge to its credit."""
    charged = and_(_LINE.subject == _C.id, _LINE.kind == LineKind.DEPOSIT.value)
    freed = and_(_BACK.invoice_id == _LINE.invoice_id, _BACK.invoice_n == _LINE.n)
    is_held = and_(_BACK.note_id.is_(None), _LINE.amount_minor > 0)
    joined = (
        rental.join(service, service.c.id == _C.service_id)
        .join(account, account.c.id == service.c.account_id)
        .join(customer, customer.c.id == account.c.customer_id)
        .outerjoin(invoice_line, charged)
        .outerjoin(invoice, invoice.c.id == _LINE.invoice_id)
        .outerjoin(credit_line, freed)
    )
    return select(
        *(rental, service.c.contract, customer.c.name, account.c.currency),
        func.coalesce(case((is_held, _LINE.amount_minor), else_=0), 0).label("deposit_minor"),
        case((is_held, invoice.c.issued_on), else_=None).label("deposit_since"),
    ).select_from(joined)


def _of_service(_engine: Engine) -> Select[Any]:
    query = _rentals().where(_C.service_id == bindparam("service"))
    query = query.order_by(_C.from_on.desc(), _C.serial)
    return query.limit(bindparam("most", type_=Integer))


_OF_SERVICE = PreparedQuery(_of_service)


def _rental(row: Any) -> RentalView:
    ending = Ending(row.ending) if row.ending else None
    is_open = bool(row.deposit_minor) and row.kept_minor is None
    return RentalView(
        id=row.id,
        serial=row.serial,
        model=row.model,
        offering=row.offering,
        from_on=row.from_on,
        until_on=row.until_on,
        ending=ending,
        deposit=Money(row.deposit_minor, row.currency),
        deposit_since=row.deposit_since,
        is_waiting=is_open and ending in ENDING_FOR_A_PERSON,
    )
