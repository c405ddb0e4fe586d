"""A household declines marketing by a channel, or takes it again; also by a link in a letter."""

from __future__ import annotations

from collections.abc import Collection

from app.desk.auditing import note
from app.desk.leaving_link import opened
from app.wiring import House
from billing.reads import accounts
from billing.reads.contacts import contacts
from messages import consent
from messages.plan import Via
from runtime.store import Tx
from terms.errors import NotFound
from terms.ids import ServiceId

LINK = "letter"  # whoever reads the household's mail


async def whose(house: House, tx: Tx, token: str) -> str:
    """Tell whose link it is, by contract. Raises NotFound for one that is not ours."""
    service = opened(house.sealer, token)
    home = (await contacts(tx, [service])).get(service)
    if home is None:
        raise NotFound("this link is none of ours, or too old")
    return home.contract


async def declined(tx: Tx, contract: str) -> Collection[Via]:
    """Tell which channels a household has declined. Raises NotFound."""
    service = await _service(tx, contract)
    return {via for _, via in await consent.declined(tx, [service])}


async def say(
    house: House,
    tx: Tx,
    contract: str,
    via: Via,
    *,
    is_declined: bool,
    actor: str,
    reason: str = "",
) -> None:
    """Decline a channel, or take it again; the same again changes nothing. Raises NotFound."""
    service = await _service(tx, contract)
    now = house.clock.machine_now()
    if await consent.say(tx, service, via, now, is_declined=is_declined):
        await note(
            house,
            tx,
            actor=actor,
            action="marketing.decline" if is_declined else "marketing.accept",
            subject=f"contract:{contract}",
            after=via.value,
            reason=reason,
        )


async def _service(tx: Tx, contract: str) -> ServiceId:
    holder = (await accounts.holders(tx, [contract])).get(contract)
    if holder is None:
        raise NotFound(f"there is no contract {contract}", field="contract")
    return holder.service
