"""The story as it happens: facts, orders at the targets and messages, as one line of time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from app.desk.names import Names, names
from app.desk.parked import in_short
from app.web.console.words import ORDER_TONES, POSSESSIONS, delivered, said, told
from app.web.page.words import Tone, money
from billing.reads.accounts import Holder
from gateway.provisioning.orders import Outcome, ServiceOrder
from gateway.provisioning.results import DRIFT_CAUSE
from gateway.reads import orders as order_reads
from messages import store as deliveries
from messages.model import Delivery
from messages.plan import Via
from runtime import log
from runtime.log import Entry
from runtime.store import Tx
from terms.facts import PossessionChanged
from terms.ids import AccountId, ServiceId
from terms.money import Money

MOMENTS_MAX = 60
FOLDED_MIN = 4
_FLAGS = {("no", "yes"): "on", ("yes", "no"): "off"}
_MESSAGE = "message"
_WAYS = {Via.SCREEN: "message", Via.MAIL: "letter", Via.SMS: "short message"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happened, in plain words."""

    id: str
    at: datetime
    tone: Tone
    text: str
    contract: str = ""
    name: str = ""
    more: str = ""
    many: str = ""  # how several alike are told in one line, with {n}


async def newest(
    tx: Tx, service: ServiceId | None = None, account: AccountId | None = None
) -> tuple[Moment, ...]:
    """Tell the newest moments, newest first, of all or of one household; many alike as one."""
    return tuple(_folded((await moments_of(tx, service, account))[:MOMENTS_MAX]))


async def moments_of(
    tx: Tx,
    service: ServiceId | None,
    account: AccountId | None,
    before: datetime | None = None,
) -> list[Moment]:
    """Tell moments, newest first: so many of each source, perhaps only those before an instant."""
    entries = []
    for key in [service or "", *([account] if account else [])]:
        entries += await log.latest(
            tx, entries_max=MOMENTS_MAX, key=key, before=before, kinds=tuple(_TELLERS)
        )
    orders = await order_reads.latest(tx, orders_max=MOMENTS_MAX, service=service, before=before)
    sent = await deliveries.latest(tx, rows_max=MOMENTS_MAX, service=service, before=before)
    keys = [ServiceId(entry.key) for entry in entries]
    who = await names(
        tx, [*keys, *(o.service for o in orders), *(d.service for d in sent if d.service)]
    )
    moments = [of_entry(entry, who) for entry in entries]
    moments += [of_order(order, who) for order in orders if _MESSAGE not in order.what]
    moments += [of_delivery(delivery, who) for delivery in sent]
    return sorted((m for m in moments if m is not None), key=by_time, reverse=True)


def _folded(moments: list[Moment]) -> Iterator[Moment]:
    """Tell many of a kind in a row as one."""
    for many, group in groupby(moments, key=lambda moment: moment.many):
        alike = list(group)
        if many and len(alike) >= FOLDED_MIN:
            yield replace(alike[0], text=many.format(n=len(alike)), more="", contract="", name="")
        else:
            yield from alike


def by_time(moment: Moment) -> tuple[object, str]:
    """Order moments by their time, those of one instant always alike."""
    return moment.at, moment.id


def of_entry(entry: Entry, who: Names) -> Moment | None:
    """Tell one fact; those that other lines tell better are left out."""
    tell = _TELLERS.get(entry.kind)
    if tell is None:
        return None
    tone, text, more = tell(entry.value)
    found = Moment(
        id=f"log:{entry.id}",
        at=entry.at,
        tone=tone,
        text=text,
        more=more,
        many=_MANY.get(entry.kind, ""),
    )
    holder = who.get(ServiceId(entry.key))
    if holder is None:
        return replace(found, contract=_contract_in(entry.value))
    return _about(found, holder)


def _contract_in(value: str) -> str:
    """Find the contract in a fact that names no service."""
    return str(json.loads(value).get("account", ""))


def of_order(order: ServiceOrder, who: Names) -> Moment:
    """Tell one order at a target."""
    tone: Tone = ORDER_TONES[order.outcome]
    at = order.finished_at or order.started_at
    switched = _FLAGS.get(order.what.get("enabled", ("", "")))
    many = ""
    if order.outcome in {Outcome.OPEN, Outcome.PENDING}:
        text = f"{order.target} is being brought in line"
    elif order.outcome is not Outcome.DONE:
        why = in_short(order.error or order.outcome.value)
        text = f"{order.target}: {why}"
        many = f"{{n}} households at {_braced(text)}"
    elif "account" in order.what:
        text = f"{order.target} knows the household"
        many = f"{order.target} knows {{n}} households"
    elif switched:
        text = f"picture {switched} at {order.target}"
        tone = "good" if switched == "on" else "bad"
        many = f"{{n}} pictures {switched} at {order.target}"
    else:
        text = f"{order.target} was brought in line"
    more = _what(order) if order.what else order.cause
    if order.cause == DRIFT_CAUSE and order.what:
        more = f"had been changed by hand; {more}"
    found = Moment(id=f"order:{order.id}", at=at, tone=tone, text=text, more=more, many=many)
    return _about(found, who.get(order.service))


def _what(order: ServiceOrder) -> str:
    """Tell what was changed, or what was to be: nothing else has happened that was not seen."""
    if order.outcome is not Outcome.DONE or order.finished_at is None:
        return f"wished: {told(order.what)}"
    took = (order.finished_at - order.started_at).total_seconds() * 1000
    return f"{told(order.what)} in {took:.0f} ms"


def _braced(text: str) -> str:
    """Keep braces in a text that is a pattern."""
    return text.replace("{", "{{").replace("}", "}}")


def of_delivery(delivery: Delivery, who: Names) -> Moment:
    """Tell one message."""
    tone, word = delivered(delivery)
    what = _WAYS[delivery.via]
    if delivery.via is Via.MAIL:
        text = f"{what} {word}: {said(delivery) or delivery.kind.replace('_', ' ')}"
    else:
        text = f"{what} {word}: “{delivery.text}”" if delivery.text else f"{what} {word}"
    at = delivery.ended_at or delivery.begun_at
    shown: Tone = "warn" if tone == "good" else tone
    found = Moment(id=f"notice:{delivery.id}", at=at, tone=shown, text=text, more=delivery.why)
    return _about(found, who.get(delivery.service) if delivery.service else None)


def _about(moment: Moment, holder: Holder | None) -> Moment:
    return replace(moment, contract=holder.contract, name=holder.name) if holder else moment


_Told = tuple[Tone, str, str]


def _payment(tone: Tone, word: str) -> Callable[[str], _Told]:
    def tell(value: str) -> _Told:
        fact = json.loads(value)
        amount = Money(fact["amount_minor"], fact["currency"])
        code = (fact.get("code") or "").replace("_", " ")
        if how := _BY_BANK.get(fact.get("movement", "")):
            parts = fact.get("provider"), fact.get("ref"), code
            return how[0], how[1].format(money(amount)), ", ".join(filter(None, parts))
        text = f"payment of {money(amount)} {word}"
        return tone, text, ", ".join(part for part in (fact.get("provider"), code) if part)

    return tell


def _dispute(tone: Tone, words: str) -> Callable[[str], _Told]:
    def tell(value: str) -> _Told:
        fact = json.loads(value)
        amount = Money(fact["amount_minor"], fact["currency"])
        parts = fact["provider"], fact["ref"], fact["code"].replace("_", " ")
        return tone, words.format(money(amount)), ", ".join(filter(None, parts))

    return tell


def _possession(value: str) -> _Told:
    fact = PossessionChanged.decode(value)
    more = ", ".join(part for part in (fact.model, fact.condition) if part)
    return "calm", POSSESSIONS[fact.kind].format(serial=fact.serial), more


_MANY = {PossessionChanged.KIND: "{n} boxes changed hands"}
# What a payer's bank did with money.
_BY_BANK: Mapping[str, tuple[Tone, str]] = {
    "disputed": ("bad", "a bank took {} back"),
    "reinstated": ("good", "dispute won: {} is here again"),
}
_TELLERS: Mapping[str, Callable[[str], _Told]] = {
    "payment.cleared": _payment("good", "cleared"),
    "payment.failed": _payment("bad", "failed"),
    "payment.reversed": _payment("bad", "went back"),
    "dispute.asked": _dispute("warn", "a bank asks about a payment of {}: no money moved"),
    "dispute.dropped": _dispute("good", "the bank asks no more about a payment of {}"),
    "dispute.lost": _dispute("bad", "dispute lost: {} stays with the bank"),
    "dispute.fee": _dispute("off", "{} was kept for a dispute: our cost"),
    "dispute.fee_returned": _dispute("good", "{} of what was kept for a dispute came back"),
    PossessionChanged.KIND: _possession,
}
