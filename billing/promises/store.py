"""Tables of promises and of the operator's policy on them."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    select,
    text,
)

from billing.promises.model import Promise, PromisePolicy, PromiseState, Standing
from runtime.store import Instant, Tx, metadata
from terms.ids import AccountId
from terms.money import Money

KNOWN_MAX = 1_000

promise = Table(
    "promise",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("account_id", String(26), ForeignKey("account.id"), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("until_on", Date, nullable=False),
    Column("through", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("state", String(16), nullable=False),
    Column("ended_on", Date),
    CheckConstraint("amount_minor > 0", name="amount_minor"),
    Index(None, "account_id"),
    # An account never has two that stand.
    Index(
        "ux_promise_standing",
        "account_id",
        unique=True,
        sqlite_where=text("state = 'standing'"),
        postgresql_where=text("state = 'standing'"),
    ),
)

promise_policy = Table(
    "promise_policy",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("days_max", Integer, nullable=False),
    Column("pause_days", Integer, nullable=False),
    Column("owed_min_minor", BigInteger),
    Column("owed_max_minor", BigInteger),
    Column("count_max", Integer, nullable=False, server_default=text("0")),
    Column("count_days", Integer, nullable=False, server_default=text("365")),
    Column("broken_max", Integer, nullable=False, server_default=text("0")),
    Column("standings", Text, nullable=False, server_default=text("'[]'")),
)


def from_row(row: Any) -> Promise:
    """Read a row of the table of promises."""
    return Promise(
        id=row.id,
        account=AccountId(row.account_id),
        until_on=row.until_on,
        through=row.through,
        amount=Money(row.amount_minor, row.currency),
        state=PromiseState(row.state),
        ended_on=row.ended_on,
    )


def row(one: Promise, made_at: datetime) -> dict[str, object]:
    """Write a row of the table of promises."""
    return {
        "id": one.id,
        "account_id": one.account,
        "made_at": made_at,
        "until_on": one.until_on,
        "through": one.through,
        "amount_minor": one.amount.amount_minor,
        "currency": one.amount.currency,
        "state": one.state.value,
        "ended_on": one.ended_on,
    }


async def since(tx: Tx, account: AccountId, on: date) -> list[Promise]:
    """Read the promises of an account that were over on a day or later, the oldest first."""
    c = promise.c
    query = select(promise).where(c.account_id == account, c.until_on >= on).order_by(c.id)
    return [from_row(found) for found in await tx.rows(query.limit(KNOWN_MAX))]


async def newest(tx: Tx, account: AccountId) -> Promise | None:
    """Read the newest promise of an account."""
    c = promise.c
    query = select(promise).where(c.account_id == account).order_by(c.id.desc()).limit(1)
    found = await tx.first(query)
    return from_row(found) if found else None


async def load_policy(tx: Tx) -> PromisePolicy:
    """Read the published policy; the usual one where nothing was published."""
    found = await tx.first(select(promise_policy).where(promise_policy.c.id == 1))
    if found is None:
        return PromisePolicy()
    return PromisePolicy(
        days_max=found.days_max,
        pause_days=found.pause_days,
        owed_min_minor=found.owed_min_minor,
        owed_max_minor=found.owed_max_minor,
        count_max=found.count_max,
        count_days=found.count_days,
        broken_max=found.broken_max,
        standings=tuple(
            Standing(paid_months=months, days_max=days, owed_max_minor=owed)
            for months, days, owed in json.loads(found.standings)
        ),
    )


async def keep_policy(tx: Tx, policy: PromisePolicy) -> None:
    """Publish another policy."""
    said = {
        "id": 1,
        "days_max": policy.days_max,
        "pause_days": policy.pause_days,
        "owed_min_minor": policy.owed_min_minor,
        "owed_max_minor": policy.owed_max_minor,
        "count_max": policy.count_max,
        "count_days": policy.count_days,
        "broken_max": policy.broken_max,
        "standings": json.dumps(
            [[s.paid_months, s.days_max, s.owed_max_minor] for s in policy.standings]
        ),
    }
    await tx.upsert(promise_policy, [said], key=("id",))
