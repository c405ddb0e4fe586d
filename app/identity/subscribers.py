"""Subscribers who may sign in: each stands for one account, by its contract number or e-mail.

Who there is says billing; what is kept here is a password's hash, where a subscriber has set one.
Until then there is none, and a code that is sent by e-mail lets in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Column, String, Table, delete, select, update

from app.identity.passwords import HASH_CHARS_MAX
from billing.reads import payers
from billing.reads.payers import Payer
from runtime.store import Instant, Tx, metadata
from terms.ids import AccountId, ServiceId

KIND = "subscriber"  # the kind of an actor

subscriber_password = Table(
    "subscriber_password",
    metadata,
    Column("account_id", String(26), primary_key=True),
    Column("password_hash", String(HASH_CHARS_MAX), nullable=False),
    Column("password_at", Instant, nullable=False),
)
_C = subscriber_password.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """Somebody who may look after one account."""

    id: AccountId
    service: ServiceId
    contract: str
    name: str
    email: str = field(repr=False)
    locale: str
    zone: str

    @property
    def actor(self) -> str:
        """How the audit calls this subscriber."""
        return f"{KIND}:{self.contract}"


async def with_hash(tx: Tx, name: str, /) -> tuple[Subscriber, str] | None:
    """Find who goes by a contract number or an e-mail address that is one subscriber's alone.

    With it the hash, which is empty where no password is set.
    """
    found = await payers.called(tx, name)
    return (_of(found), await kept(tx, found.account)) if found else None


async def by_id(tx: Tx, key: str, /) -> Subscriber | None:
    """Find a subscriber by account."""
    found = await payers.of_account(tx, AccountId(key))
    return _of(found) if found else None


async def kept(tx: Tx, key: str) -> str:
    """Give the hash of a subscriber's password; empty where none is set."""
    return await tx.scalar(select(_C.password_hash).where(_C.account_id == key)) or ""


async def keep_hash(tx: Tx, key: str, password_hash: str, /) -> None:
    """Keep another hash of the same password."""
    theirs = update(subscriber_password).where(_C.account_id == key)
    await tx.execute(theirs.values(password_hash=password_hash))


async def set_password(tx: Tx, key: AccountId, password_hash: str, now: datetime) -> None:
    """Keep a password, the first one or another."""
    row = {"account_id": key, "password_hash": password_hash, "password_at": now}
    await tx.upsert(subscriber_password, [row], key=("account_id",))


async def forget_password(tx: Tx, key: AccountId) -> None:
    """Have a subscriber no password, as in the beginning."""
    await tx.execute(delete(subscriber_password).where(_C.account_id == key))


def _of(payer: Payer) -> Subscriber:
    return Subscriber(
        id=payer.account,
        service=payer.service,
        contract=payer.contract,
        name=payer.name,
        email=payer.email,
        locale=payer.locale,
        zone=payer.zone,
    )
