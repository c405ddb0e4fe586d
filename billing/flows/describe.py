"""Methods that came without a name, as imported ones do, are described by their providers.

So many at a time, asked with no transaction open. What a provider does not know stays as it is and
is asked for again a week later: whether it can be charged, a charge will tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, or_, select, update

from billing.flows.upkeep import Found, Kept
from billing.payments.provider import Described
from billing.payments.store import payment_method
from runtime.store import Instant, Tx
from terms.ids import AccountId

AGAIN_AFTER = timedelta(days=7)


async def nameless(tx: Tx, provider: str, machine_now: datetime, *, rows_max: int) -> list[Kept]:
    """List methods of a provider that are charged and have no name; not those asked for lately."""
    c = payment_method.c
    query = select(c.id, c.account_id, c.method_ref).where(
        c.provider == provider,
        c.label == "",
        c.stopped == "",
        or_(c.asked_at.is_(None), c.asked_at <= machine_now - AGAIN_AFTER),
    )
    return [
        Kept(
            id=row.id,
            account=AccountId(row.account_id),
            provider=provider,
            ref=row.method_ref,
            is_leaving=False,
        )
        for row in await tx.rows(query.limit(rows_max))
    ]


async def note(tx: Tx, found: Sequence[tuple[Kept, Found]], machine_now: datetime) -> None:
    """Write down what methods are, and of the others that they were asked for."""
    c = payment_method.c
    named = [
        {
            "key": one.id,
            "label": what.label or one.ref,
            "end": what.expires_on,
            "asked": machine_now,
        }
        for one, what in found
        if isinstance(what, Described)
    ]
    rest = [
        {"key": one.id, "asked": machine_now}
        for one, what in found
        if not isinstance(what, Described)
    ]
    asked = {"asked_at": bindparam("asked", type_=Instant)}
    # Somebody else may have named it meanwhile.
    write = update(payment_method).where(c.id == bindparam("key"), c.label == "")
    if named:
        names: dict[str, Any] = {"label": bindparam("label"), "expires_on": bindparam("end")}
        await tx.execute(write.values(**names, **asked), named)
    if rest:
        await tx.execute(write.values(**asked), rest)
