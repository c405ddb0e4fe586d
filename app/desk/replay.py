"""Everything derived is worked out anew: accounts settled, charges looked at, rights composed."""

from __future__ import annotations

from dataclasses import dataclass

from app.desk.auditing import note
from app.wiring import House
from billing.flows.replay import replay as replay_billing
from gateway.provisioning.routes import replay as replay_rights
from runtime.store import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """How many are looked at again, by what they are."""

    accounts: int
    services: int
    attempts: int
    events: int


async def replay(house: House, tx: Tx, actor: str) -> Replayed:
    """Mark all of it; whatever stands already is left as it is."""
    of_billing = await replay_billing(house.desk, tx)
    services = await replay_rights(tx, house.work)
    after = f"{of_billing.accounts} accounts, {services} services"
    await note(house, tx, actor=actor, action="replay", subject="everything", after=after)
    return Replayed(
        accounts=of_billing.accounts,
        services=services,
        attempts=of_billing.attempts,
        events=of_billing.events,
    )
