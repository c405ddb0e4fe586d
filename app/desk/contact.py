"""How a subscriber is reached, changed over the counter; by the e-mail they sign in."""

from __future__ import annotations

from app.desk import given
from app.desk.auditing import note
from app.desk.boxes import holder_of
from app.identity import subscribers
from app.imports import cells
from app.wiring import House
from billing.flows.contact import Contact, change_contact
from runtime.store import Tx


async def change(
    house: House,
    tx: Tx,
    contract: str,
    *,
    phone: str | None,
    email: str | None,
    actor: str,
    reason: str = "",
) -> Contact:
    """Keep another telephone or e-mail of a household; None leaves one as it is.

    With another e-mail all that its subscriber has signed in with ends, a password too: whoever
    reads the new address comes in by a code. Raises NotFound, and Invalid naming the field.
    """
    phone = None if phone is None else given.read_if_any("phone", phone, cells.phone)
    email = None if email is None else given.read_if_any("email", email, cells.email)
    holder = await holder_of(tx, contract)
    before, after = await change_contact(tx, contract, phone=phone, email=email)
    if after.email != before.email:
        now = house.clock.machine_now()
        await subscribers.forget_password(tx, holder.account)
        await house.subscribers.sign_ins.revoke_all(tx, holder.account, now)
    await note(
        house,
        tx,
        actor=actor,
        action="account.contact",
        subject=f"contract:{contract}",
        before=_told(before),
        after=_told(after),
        reason=reason,
    )
    return after


def _told(contact: Contact) -> str:
    return ", ".join(part for part in (contact.phone, contact.email) if part)
