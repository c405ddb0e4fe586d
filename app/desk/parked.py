"""What waits for a person: work that was set aside, and messages of providers that fit nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.desk.names import names
from billing.reads import accounts, payments
from billing.reads.accounts import Holder
from billing.reads.payments import EventView
from gateway.reads import queue
from gateway.reads.queue import EVERYTHING, Only
from runtime.redaction import scrub
from runtime.store import Tx
from runtime.store.keyset import Place
from terms.ids import AccountId, ServiceId

INTAKE = "intake"
OF_PAYERS = frozenset({"collect", "refund", "method", "page"})
OF_ACCOUNTS = frozenset({"settle", "reward", "dunning", "recover"})
_LAST = "~"  # sorts behind every id


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """Something set aside, and why. What is not releasable goes on once its cause is mended.

    `reference` is what a payment provider calls it; empty for what is no message of one.
    """

    kind: str
    key: str
    service: ServiceId | None
    contract: str
    name: str
    target: str
    reference: str
    reason: str
    since: datetime
    releasable: bool

    @property
    def place(self) -> Place:
        """Tell where it stands in the list."""
        return self.since, self.kind, self.key


def in_short(reason: str) -> str:
    """Show of a traceback what it says, not where."""
    lines = [line for line in reason.strip().splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].startswith("Traceback"):
        return f"a fault of the product itself: {lines[-1]}"
    return reason.strip()


async def parked(
    tx: Tx, *, rows_max: int, behind: Place | None = None, only: Only = EVERYTHING
) -> list[Parked]:
    """List it, the newest first, perhaps behind one (since, kind, key)."""
    found = [*await _work(tx, rows_max, behind, only)]
    if only.kind in {"", INTAKE} and not only.target:
        messages = await payments.set_aside(tx, limit=rows_max, behind=_of_messages(behind))
        found += [_message(one) for one in messages]
    return sorted(found, key=lambda one: one.place, reverse=True)[:rows_max]


def _of_messages(behind: Place | None) -> tuple[datetime, str] | None:
    """Tell where messages go on: those of the same instant come by kind, then by key."""
    if behind is None:
        return None
    since, kind, key = behind
    if kind == INTAKE:
        return since, key
    return since, _LAST if kind > INTAKE else ""


async def _work(tx: Tx, rows_max: int, behind: Place | None, only: Only) -> Sequence[Parked]:
    found = await queue.parked(tx, rows_max=rows_max, behind=behind, only=only)
    who = await _whose(tx, found)
    items = []
    for one in found:
        holder = who.get(one.key)
        items.append(
            Parked(
                kind=one.kind,
                key=one.key,
                service=one.service,
                contract=holder.contract if holder else "",
                name=holder.name if holder else "",
                target=one.target,
                reference="",
                reason=one.reason,
                since=one.since,
                releasable=one.releasable,
            )
        )
    return items


async def _whose(tx: Tx, found: Sequence[queue.Parked]) -> Mapping[str, Holder]:
    """Find by their keys whose they are: by service, account, or what providers are asked."""
    tries = await payments.payers(tx, [one.key for one in found if one.kind in OF_PAYERS])
    owners = tries | {one.key: AccountId(one.key) for one in found if one.kind in OF_ACCOUNTS}
    homes = await accounts.services_of(tx, owners.values())
    who = await names(tx, [*homes, *(one.service for one in found)])
    by_account = {who[home].account: who[home] for home in homes if home in who}
    theirs = {key: by_account[owner] for key, owner in owners.items() if owner in by_account}
    return theirs | {
        one.key: who[one.service] for one in found if one.service and one.service in who
    }


def _message(one: EventView) -> Parked:
    return Parked(
        kind=INTAKE,
        key=one.id,
        service=None,
        contract="",
        name="",
        target="",
        reference=scrub(f"{one.provider} {one.event_id}"),
        reason=scrub(one.reason),
        since=one.received_at,
        releasable=True,
    )
