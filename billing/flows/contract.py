"""One service under its contract, locked, with its subscriptions: where changing stories begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import exists, select

from billing.accounts.store import account, service
from billing.invoicing.store import charged_until, invoice_line
from billing.payments.store import open_item
from billing.rating.model import LineKind
from billing.subscriptions import store as subscriptions
from billing.subscriptions.model import Subscription
from billing.subscriptions.store import subscription
from runtime.store import Tx
from terms.calendar import local_date
from terms.errors import NotFound
from terms.ids import AccountId, ServiceId, SubscriptionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A service and its subscriptions that are not over, as of a day.

    Of those that are `unpaid` the first invoice is open.
    """

    account: AccountId
    service: ServiceId
    currency: str
    zone: str
    bill_day: int
    today: date
    subscriptions: Sequence[Subscription]
    unpaid: frozenset[SubscriptionId]

    def free_from(self, one: Subscription) -> date:
        """Tell the first day from today on that a subscription has not charged yet."""
        return max(self.today, one.charged_until)


async def lock(tx: Tx, contract: str, now: datetime) -> Contract:
    """Lock the account of a contract and load what may change. Raises NotFound."""
    query = (
        select(
            *(service.c.id, account.c.id.label("account_id")),
            *(account.c.currency, account.c.zone, account.c.bill_day),
        )
        .select_from(service.join(account, account.c.id == service.c.account_id))
        .where(service.c.contract == contract)
    )
    row = await tx.first(
        query.with_for_update(of=account, key_share=True) if tx.engine == "postgresql" else query
    )
    if row is None:
        raise NotFound(f"there is no contract {contract!r}", field="contract")
    today = local_date(now, row.zone)
    live = await _live(tx, ServiceId(row.id), today)
    return Contract(
        account=AccountId(row.account_id),
        service=ServiceId(row.id),
        currency=row.currency,
        zone=row.zone,
        bill_day=row.bill_day,
        today=today,
        subscriptions=list(live),
        unpaid=frozenset(one.id for one, is_unpaid in live.items() if is_unpaid),
    )


async def _live(tx: Tx, key: ServiceId, today: date) -> dict[Subscription, bool]:
    c, line = subscription.c, invoice_line.c
    until = charged_until(c.id, LineKind.RECURRING)
    first = exists().where(
        line.subject == c.id, line.period_start == c.charged_from, open_item.c.id == line.invoice_id
    )
    query = (
        select(subscription, until.label("charged_until"), first.label("is_unpaid"))
        .where(subscription.c.service_id == key)
        .order_by(subscription.c.from_on, subscription.c.id)
    )
    found = [(subscriptions.from_row(row), row.is_unpaid) for row in await tx.rows(query)]
    return {one: is_unpaid for one, is_unpaid in found if not one.is_over(today)}
