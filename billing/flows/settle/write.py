"""Writes the decisions of a batch table by table: one account takes as many statements as all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import chain
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Date, bindparam, delete, or_, update

from billing.accounts.model import Perk
from billing.accounts.store import account, service
from billing.dunning.model import CARRIED_OUT
from billing.dunning.store import (
    dunning_cut,
    dunning_notice,
    dunning_suspension,
    hold,
    hold_id,
    hold_row,
    suspension_row,
)
from billing.flows.desk import Desk
from billing.flows.settle.decide import Decision
from billing.flows.settle.load import TOPIC
from billing.invoicing import store as invoicing
from billing.invoicing.store import reopened
from billing.ledger import store as ledger
from billing.payments.model import IN_DISPUTE, WENT_BACK, AttemptState
from billing.payments.store import (
    CREDIT,
    INVOICE,
    allocation,
    attempt,
    movement,
    open_item,
    payment_method,
)
from billing.pending import store as pending
from billing.promises.store import promise
from billing.purchases import store as purchases
from runtime import log
from runtime.chance import new_id
from runtime.store import Instant, Tx
from runtime.store.among import KEYS, among, packed
from runtime.store.prepared import PreparedCommand
from terms.entitlement import Entitlement
from terms.notice import Notice

T = TypeVar("T")

_SETTLED = PreparedCommand(
    lambda engine: (
        update(movement)
        .where(among(engine, movement.c.id))
        .values(settled_at=bindparam("at", type_=Instant))
    )
)
_REACHED = PreparedCommand(
    lambda engine: (
        update(attempt)
        .where(among(engine, attempt.c.id), attempt.c.state != bindparam("reached"))
        .values(state=bindparam("reached"))
    )
)
_STOPPED = PreparedCommand(
    lambda engine: (
        update(payment_method)
        .where(among(engine, payment_method.c.account_id))
        .where(or_(payment_method.c.stopped == "", payment_method.c.stopped == IN_DISPUTE))
        # One that was left afterwards has nothing to do with it.
        .where(payment_method.c.created_at <= bindparam("heard_at", type_=Instant))
        .values(stopped=bindparam("why"))
    )
)
_GOING_ON = PreparedCommand(
    lambda engine: (
        update(payment_method)
        .where(among(engine, payment_method.c.id), payment_method.c.stopped == IN_DISPUTE)
        .values(stopped="")
    )
)
_RAISED = PreparedCommand(
    lambda engine: (
        update(service).where(among(engine, service.c.id)).values(revision=service.c.revision + 1)
    )
)


def _with(perk: Perk, *, but: Perk) -> ColumnElement[Any]:
    return account.c.perks.op("&")(~but.value).op("|")(perk.value)


_FUNDED = PreparedCommand(
    lambda engine: (
        update(account)
        .where(among(engine, account.c.id))
        .values(perks=_with(Perk.FUNDED, but=Perk.TOLD_LOW))
    )
)
_LOW = PreparedCommand(
    lambda engine: (
        update(account)
        .where(among(engine, account.c.id))
        .values(perks=_with(Perk.TOLD_LOW, but=Perk.FUNDED))
    )
)
_WARNED = PreparedCommand(
    lambda engine: (
        update(account)
        .where(among(engine, account.c.id))
        .values(warned_of=bindparam("renewal_on", type_=Date))
    )
)
_CLOSED = PreparedCommand(lambda engine: delete(open_item).where(among(engine, open_item.c.id)))
_ENDED = PreparedCommand(
    lambda engine: (
        update(promise)
        .where(among(engine, promise.c.id))
        .values(state=bindparam("reached"), ended_on=bindparam("ended_on", type_=Date))
    )
)
_DONE = PreparedCommand(lambda engine: delete(reopened).where(among(engine, reopened.c.id)))
_MENDED = PreparedCommand(
    lambda engine: delete(dunning_cut).where(among(engine, dunning_cut.c.invoice_id))
)
_DROPPED = PreparedCommand(lambda engine: delete(hold).where(among(engine, hold.c.id)))


async def write(desk: Desk, tx: Tx, decisions: Sequence[Decision]) -> None:
    """Write everything; where there is nothing of a kind, no statement is made."""
    await invoicing.write(tx, _all(decisions, lambda one: one.invoices))
    await invoicing.write_notes(tx, [one.note for one in decisions if one.note])
    await _compared(tx, decisions)
    await _once(desk, tx, decisions)
    await ledger.write(tx, _all(decisions, lambda one: one.postings))
    await _allocations(desk, tx, decisions)
    await _open_items(tx, decisions)
    await _movements(tx, decisions)
    await _attempts(desk, tx, decisions)
    await _promises(tx, decisions)
    await _holds(tx, decisions)
    await _deeds(desk, tx, decisions)
    await _rights(desk, tx, _all(decisions, lambda one: one.published))
    await _notices(desk, tx, decisions)


async def _run(tx: Tx, command: PreparedCommand, keys: Sequence[str], **given: Any) -> None:
    if keys:
        await command.run(tx, {KEYS: packed(tx.engine, keys), **given})


def _all(decisions: Sequence[Decision], part: Callable[[Decision], Iterable[T]]) -> list[T]:
    return list(chain.from_iterable(part(one) for one in decisions))


async def _compared(tx: Tx, decisions: Sequence[Decision]) -> None:
    """Take away the days from which somebody wanted charges to be compared."""
    await _run(tx, _DONE, _all(decisions, lambda one: one.compared))


async def _once(desk: Desk, tx: Tx, decisions: Sequence[Decision]) -> None:
    """Note which pending charges are done with, and what has become of fees and purchases."""
    await pending.close(tx, _all(decisions, lambda one: one.done))
    if filed := _all(decisions, lambda one: one.charges.filed):
        await pending.file(tx, filed, decisions[0].moment.now)
    if wrong := _all(decisions, lambda one: one.charges.withdrawn):
        await pending.withdraw(tx, [key for key, _ in wrong])
        await invoicing.reopen(tx, wrong, desk.clock.machine_now(), desk.chance)
    bought = [one.bought for one in decisions if one.bought]
    if bought:
        opened = [each for one in bought for each in one.opened]
        await purchases.keep(tx, opened, [key for one in bought for key in one.over])


async def _allocations(desk: Desk, tx: Tx, decisions: Sequence[Decision]) -> None:
    rows = [
        {
            "id": new_id(one.moment.now, desk.chance),
            "account_id": one.facts.account.id,
            "payer_id": payer,
            "invoice_id": invoice,
            "amount_minor": part,
            "allocated_at": one.moment.now,
        }
        for one in decisions
        for (payer, invoice), part in one.purse.moved().items()
    ]
    await tx.insert(allocation, rows)


async def _open_items(tx: Tx, decisions: Sequence[Decision]) -> None:
    before = {row["id"]: row for one in decisions for row in _items_before(one)}
    after = {row["id"]: row for one in decisions for row in _items_after(one)}
    await tx.insert(open_item, [row for key, row in after.items() if key not in before])
    changed = [row for key, row in after.items() if key in before and before[key] != row]
    await tx.upsert(open_item, changed, key=("id",))
    await _run(tx, _CLOSED, [key for key in before if key not in after])


def _items_before(one: Decision) -> Iterator[dict[str, Any]]:
    for debt in one.facts.debts:
        yield _item(one, INVOICE, debt.invoice, debt.rest.currency, debt.rest.amount_minor)
    for key, rest in one.facts.credits.items():
        yield _item(one, CREDIT, key, rest.currency, rest.amount_minor)


def _items_after(one: Decision) -> Iterator[dict[str, Any]]:
    for wallet in one.purse.wallets.values():
        for invoice, rest in wallet.debts.items():
            yield _item(one, INVOICE, invoice, wallet.currency, rest)
        for key, rest in wallet.credits.items():
            yield _item(one, CREDIT, key, wallet.currency, rest)


def _item(one: Decision, kind: str, key: Any, currency: str, rest_minor: int) -> dict[str, Any]:
    debt = one.purse.debts[key] if kind == INVOICE else None
    return {
        "id": key,
        "kind": kind,
        "account_id": one.facts.account.id,
        "currency": currency,
        "rest_minor": rest_minor,
        "due_on": debt.due_on if debt else None,
        "sequence": debt.sequence if debt else 0,
        "is_fee": debt.is_fee if debt else False,
    }


async def _movements(tx: Tx, decisions: Sequence[Decision]) -> None:
    """Note what is settled, the attempts this decides, and whom nobody charges any more."""
    settled = _all(decisions, lambda one: one.purse.settled)
    if not settled:
        return
    await _run(tx, _SETTLED, settled, at=decisions[0].moment.now)
    states = dict(chain.from_iterable(one.purse.attempts.items() for one in decisions))
    for state in (AttemptState.CLEARED, AttemptState.REVERSED):
        keys = [key for key, reached in states.items() if reached is state]
        await _run(tx, _REACHED, keys, reached=state.value)
    await _run(tx, _GOING_ON, _all(decisions, lambda one: one.purse.going_on))
    stopped: dict[tuple[str, datetime], list[str]] = {}
    for one in decisions:
        heard = [(IN_DISPUTE, at) for at in one.purse.disputed.values()]
        heard += [(WENT_BACK, one.purse.went_back)] if one.purse.went_back else []
        for each in heard:
            stopped.setdefault(each, []).append(one.facts.account.id)
    for (why, heard_at), owners in sorted(stopped.items()):
        await _run(tx, _STOPPED, owners, heard_at=heard_at, why=why)


async def _attempts(desk: Desk, tx: Tx, decisions: Sequence[Decision]) -> None:
    rows = [
        {
            "id": each.id,
            "account_id": each.account,
            "invoice_id": each.invoice,
            "n": each.n,
            "method_id": each.method,
            "amount_minor": each.amount.amount_minor,
            "currency": each.amount.currency,
            "state": each.state.value,
            "opened_on": each.opened_on,
            "opened_at": one.moment.now,
            "called_at": None,
            "looks": 0,
            "charge": "",
            "code": "",
            "decline": "",
        }
        for one in decisions
        for each in one.attempts
    ]
    await tx.insert(attempt, rows)
    await desk.work.mark(tx, "collect", [str(row["id"]) for row in rows])


async def _promises(tx: Tx, decisions: Sequence[Decision]) -> None:
    by_end: dict[tuple[str, date | None], list[str]] = {}
    for one in decisions:
        if one.ended:
            end = (one.ended.state.value, one.ended.ended_on)
            by_end.setdefault(end, []).append(one.ended.id)
    for (state, ended_on), keys in sorted(by_end.items(), key=lambda item: str(item[0])):
        await _run(tx, _ENDED, keys, reached=state, ended_on=ended_on)


async def _holds(tx: Tx, decisions: Sequence[Decision]) -> None:
    raised = [hold_row(one) for one in _all(decisions, lambda one: one.raised)]
    await tx.upsert(hold, raised, key=("id",))
    dropped = _all(decisions, lambda one: one.dropped)
    await _run(tx, _DROPPED, [hold_id(one) for one in dropped])
    changed = [one for one in decisions if one.cuts != one.facts.cuts]
    await _run(tx, _MENDED, _all(changed, lambda one: one.facts.cuts))
    cuts = [
        {"invoice_id": key, "cut_on": cut.on, "rung": cut.rung, "rests": cut.rests}
        for one in changed
        for key, cut in one.cuts.items()
    ]
    await tx.insert(dunning_cut, cuts)
    await tx.upsert(
        dunning_suspension,
        [
            suspension_row(one.facts.account.id, one.suspension)
            for one in decisions
            if one.suspension
        ],
        key=("account_id",),
    )


async def _deeds(desk: Desk, tx: Tx, decisions: Sequence[Decision]) -> None:
    """Have that carried out which is more than a hold."""
    due = [one for one in decisions if one.climbed and one.climbed.action in CARRIED_OUT]
    await desk.work.mark(tx, "dunning", [one.facts.account.id for one in due])


async def _rights(desk: Desk, tx: Tx, rights: Sequence[Entitlement]) -> None:
    """Publish under the next revision, which the service row remembers."""
    if not rights:
        return
    keys = [one.service for one in rights]
    await _run(tx, _RAISED, keys)
    snapshots = [
        log.Snapshot(key=one.service, revision=one.revision + 1, value=one.encode())
        for one in rights
    ]
    await log.publish(tx, TOPIC, snapshots)
    await desk.work.mark(tx, "compose", keys)


async def _wallets(tx: Tx, decisions: Sequence[Decision]) -> list[Notice]:
    """Remember which wallets are low now and which are above again; returns who is told."""
    turns = [(one.facts.account.id, one.wallet) for one in decisions if one.wallet]
    await _run(tx, _FUNDED, [key for key, turn in turns if turn.is_above])
    await _run(tx, _LOW, [key for key, turn in turns if not turn.is_above])
    for on in {turn.warned_of for _, turn in turns if turn.warned_of}:
        warned = [key for key, turn in turns if turn.warned_of == on]
        await _run(tx, _WARNED, warned, renewal_on=on)
    return [notice for _, turn in turns for notice in turn.notices]


async def _notices(desk: Desk, tx: Tx, decisions: Sequence[Decision]) -> None:
    given = [(one, one.given) for one in decisions if one.given]
    notices = [notice for _, each in given for notice in each.notices]
    notices += await _wallets(tx, decisions)
    if not notices and not given:
        return
    await tx.upsert(
        dunning_notice,
        [
            {
                "invoice_id": each.invoice,
                "after_days": each.step.after_days,
                "kind": each.step.notice,
                "given_at": one.moment.now,
            }
            for one, each in given
        ],
        key=("invoice_id", "after_days"),
    )
    machine_now = desk.clock.machine_now()
    entries = [
        log.Entry(
            id=notice.id,
            kind="notice",
            key=notice.service,
            value=notice.encode(),
            at=machine_now,
        )
        for notice in notices
    ]
    await log.append(tx, entries)
    await desk.work.mark(tx, "notify", [entry.id for entry in entries])
