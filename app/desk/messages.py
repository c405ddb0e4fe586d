"""Who was told what by which channel, and how every notice reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.desk import business
from app.desk.names import names
from billing.reads import accounts
from messages import store as deliveries
from messages.model import Delivery, Outcome
from messages.plan import Via
from messages.policy_store import load_policy
from messages.preview import OPERATOR, Sample, previews
from messages.store import Sought
from runtime.store import Tx
from runtime.store.keyset import Place
from terms.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is looked for: a contract, a channel, a kind, an outcome, since when."""

    contract: str = ""
    channel: str = ""
    kind: str = ""
    outcome: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A message, and whose household it was for; both are empty where it was for none."""

    delivery: Delivery
    contract: str
    name: str

    @property
    def place(self) -> Place:
        """Where it stands in the list."""
        return self.delivery.begun_at, self.delivery.id


async def reading(
    tx: Tx, asked: Asked, *, rows_max: int, behind: Place | None = None
) -> Sequence[Told]:
    """List messages, those begun last first. Raises NotFound for an unknown contract."""
    service = None
    if asked.contract:
        holder = (await accounts.holders(tx, [asked.contract])).get(asked.contract)
        if holder is None:
            raise NotFound(f"there is no contract {asked.contract}", field="contract")
        service = holder.service
    wanted = Sought(
        service=service,
        via=Via(asked.channel) if asked.channel else None,
        kind=asked.kind,
        outcome=Outcome(asked.outcome) if asked.outcome else None,
        since=asked.since,
    )
    found = await deliveries.sought(tx, wanted, rows_max=rows_max, behind=behind)
    who = await names(tx, [one.service for one in found])
    return [_told(one, who.get(one.service) if one.service else None) for one in found]


async def wordings(tx: Tx) -> Sequence[Sample]:
    """Write every notice in every language, with samples in its places."""
    known = await business.find(tx)
    return list(previews(await load_policy(tx), operator=known.name if known else OPERATOR))


def _told(one: Delivery, holder: accounts.Holder | None) -> Told:
    return Told(
        delivery=one,
        contract=holder.contract if holder else "",
        name=holder.name if holder else "",
    )
