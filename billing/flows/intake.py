"""Stored messages of providers become facts: money that moved, attempts that failed.

Any order and repetition ends in the same facts. What belongs to no account of ours is kept and
shown, never dropped; money going back waits until the charge it belongs to is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, or_, select, update

from billing.accounts.store import account
from billing.flows import methods, movements, refunding
from billing.flows.attempts import Failure
from billing.flows.desk import Desk
from billing.flows.methods import Owned
from billing.flows.movements import Told
from billing.payments.model import (
    DisputeTold,
    MethodTold,
    Moved,
    MovementKind,
    Refused,
    encode_fact,
    fact_id,
)
from billing.payments.store import (
    UNTAKEN,
    EventState,
    attempt,
    attempt_from,
    movement,
    provider_event,
)
from runtime import log
from runtime.store import Tx
from runtime.store.among import KEYS, among, by_key, packed
from runtime.store.prepared import PreparedCommand, PreparedQuery
from terms.errors import DomainError
from terms.ids import AccountId, AttemptId

_OfCharge = Moved | Refused | DisputeTold
_Stored = Row[tuple[str, str, bytes, datetime]]  # id, provider, body, received_at

WAIT = timedelta(minutes=1)
WAIT_MAX = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Events to look at again, after so much machine time; all others are done with."""

    again: dict[str, timedelta]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    id: str
    provider: str
    received_at: datetime
    tidings: Sequence[_OfCharge]
    methods: Sequence[MethodTold]


@dataclass(slots=True)
class _Known:
    """Whose is what: accounts by their number, owners of attempts and of charges.

    `awaited` are the attempts among them whose outcome was still to come.
    """

    numbers: dict[str, AccountId] = field(default_factory=dict)
    attempts: dict[str, AccountId] = field(default_factory=dict)
    awaited: set[AttemptId] = field(default_factory=set)
    charges: dict[tuple[str, str], AccountId] = field(default_factory=dict)

    def owner(self, provider: str, one: _OfCharge) -> AccountId | None:
        found = self.attempts.get(one.attempt) or self.charges.get((provider, one.charge))
        return found or self.numbers.get(one.account)


async def intake(desk: Desk, tx: Tx, event_ids: Sequence[str], now: datetime) -> Taken:
    """Take up stored events; one that was taken up before changes nothing."""
    states: dict[str, tuple[EventState, str]] = {}
    again: dict[str, timedelta] = {}
    events = list(_parsed(desk, await _stored(tx, event_ids), states, again))
    known = await _known(tx, events)
    names = {key: number for number, key in known.numbers.items()}
    told: list[Told] = []
    failures: list[Failure] = []
    stands: list[log.Entry] = []
    machine_now = desk.clock.machine_now()
    for event in events:
        # An event is received when it comes in, however late it is taken up.
        received_at = now - max(machine_now - event.received_at, timedelta(0))
        states[event.id] = EventState.TAKEN, ""
        for one in event.tidings:
            owner = known.owner(event.provider, one)
            if owner is None:
                states[event.id] = _ownerless(desk, event, one, again)
            elif isinstance(one, Moved):
                number = names.get(owner, "")
                told.append(
                    Told(
                        account=owner,
                        number=number,
                        provider=event.provider,
                        moved=one,
                        received_at=received_at,
                    )
                )
            elif isinstance(one, DisputeTold):
                stands.append(_fact(event, owner, names.get(owner, ""), one, machine_now))
            elif one.attempt:
                failures.append(Failure(provider=event.provider, refused=one))
    left = [
        Owned(provider=event.provider, owner=known.numbers.get(one.account), told=one)
        for event in events
        for one in event.methods
    ]
    await movements.hear(desk, tx, told, failures, now)
    await log.append(tx, stands)
    bounced = [one.moved.ref for one in told if one.moved.kind is MovementKind.BOUNCED]
    await refunding.bounce(tx, bounced)
    await methods.take(desk, tx, left, now)
    # Their rows would wait for the answer that this is, parked ones until a person comes.
    await desk.work.mark(tx, "collect", known.awaited)
    await _note(tx, states)
    return Taken(again=again)


def _parsed(
    desk: Desk,
    rows: Iterable[_Stored],
    states: dict[str, tuple[EventState, str]],
    again: dict[str, timedelta],
) -> Iterator[_Event]:
    for row in rows:
        provider = desk.providers.get(row.provider)
        if provider is None:
            # Its message was proven when it came: it is kept until the provider is back.
            states[row.id] = EventState.WAITING, f"no provider {row.provider} is set up here"
            again[row.id] = WAIT
            continue
        try:
            tidings = provider.parse(row.body)
        except DomainError as error:
            states[row.id] = EventState.REFUSED, str(error)
            continue
        yield _Event(
            id=row.id,
            provider=row.provider,
            received_at=row.received_at,
            tidings=[one for one in tidings if not isinstance(one, MethodTold)],
            methods=[one for one in tidings if isinstance(one, MethodTold)],
        )


def _ownerless(
    desk: Desk, event: _Event, one: _OfCharge, again: dict[str, timedelta]
) -> tuple[EventState, str]:
    """Decide about tidings of nobody we know."""
    if isinstance(one, Refused):
        return EventState.TAKEN, ""  # somebody's card failed on a page of the provider's
    age = desk.clock.machine_now() - event.received_at
    came_in = isinstance(one, Moved) and one.kind is MovementKind.CLEARED
    if not came_in and age < WAIT_MAX:
        again[event.id] = WAIT
        return EventState.WAITING, f"the charge {one.charge} is not known yet"
    return EventState.UNMATCHED, f"{one.amount} of {one.charge} belongs to no account"


def _fact(
    event: _Event, owner: AccountId, number: str, one: DisputeTold, machine_now: datetime
) -> log.Entry:
    return log.Entry(
        id=fact_id(one.stands.value, event.provider, one.ref),
        kind=one.stands.value,
        key=owner,
        value=encode_fact(number, event.provider, one, one.reason),
        at=machine_now,
    )


async def _stored(tx: Tx, event_ids: Sequence[str]) -> Sequence[_Stored]:
    return await _STORED.rows(tx, {KEYS: packed(tx.engine, event_ids)})


async def _known(tx: Tx, events: Sequence[_Event]) -> _Known:
    tidings = [(event.provider, one) for event in events for one in event.tidings]
    known = _Known()
    if not tidings and not any(event.methods for event in events):
        return known
    tries = {one.attempt for _, one in tidings if one.attempt}
    for row in await _ATTEMPTS.rows(tx, _keys(tx, tries)) if tries else ():
        one = attempt_from(row)
        known.attempts[one.id] = one.account
        if one.is_unsettled:
            known.awaited.add(one.id)
    for provider in sorted({provider for provider, _ in tidings}):
        charges = _keys(tx, {one.charge for its, one in tidings if its == provider})
        for each in await _CHARGES.rows(tx, {**charges, "provider": provider}):
            known.charges[provider, each.charge] = AccountId(each.account_id)
    owners = {*known.attempts.values(), *known.charges.values()}
    numbers = {one.account for _, one in tidings if one.account}
    numbers |= {one.account for event in events for one in event.methods if one.account}
    accounts = _keys(tx, numbers) | {"ids": packed(tx.engine, sorted(owners))}
    for found in await _ACCOUNTS.rows(tx, accounts):
        known.numbers[found.number] = AccountId(found.id)
    return known


def _keys(tx: Tx, keys: Iterable[str]) -> dict[str, Any]:
    return {KEYS: packed(tx.engine, sorted(keys))}


async def _note(tx: Tx, states: dict[str, tuple[EventState, str]]) -> None:
    groups: dict[tuple[EventState, str], list[str]] = {}
    for key, outcome in states.items():
        groups.setdefault(outcome, []).append(key)
    for (state, reason), keys in groups.items():
        await _NOTED.run(tx, {**_keys(tx, keys), "to_state": state.value, "why": reason})


_EVENT, _MOVED = provider_event.c, movement.c
_STORED = PreparedQuery(
    lambda engine: by_key(
        engine,
        select(_EVENT.id, _EVENT.provider, _EVENT.body, _EVENT.received_at).where(
            or_(*(_EVENT.state == each for each in sorted(UNTAKEN)))
        ),
        _EVENT.id,
        order_by=("id",),
    )
)
_ATTEMPTS = PreparedQuery(lambda engine: select(attempt).where(among(engine, attempt.c.id)))
# Charges are found with their provider; without it every movement would be read.
_CHARGES = PreparedQuery(
    lambda engine: by_key(
        engine,
        select(_MOVED.charge, _MOVED.account_id).where(_MOVED.provider == bindparam("provider")),
        _MOVED.charge,
    )
)
_ACCOUNTS = PreparedQuery(
    lambda engine: select(account.c.id, account.c.number).where(
        among(engine, account.c.number) | among(engine, account.c.id, "ids")
    )
)
_NOTED = PreparedCommand(
    lambda engine: (
        update(provider_event)
        .where(among(engine, _EVENT.id))
        .values(state=bindparam("to_state"), reason=bindparam("why"))
    )
)
