"""Whom somebody means: by name, phone, contract, the label of a box, an invoice, a receipt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.desk.names import Names, names
from billing.reads import search
from gateway.inventory import store as boxes
from gateway.inventory.model import Resource, normal_mac
from runtime.store import Tx
from terms.errors import Invalid

HITS_MAX = 50
TEXT_CHARS_MAX = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """Something that is meant, and by what it was found; a box in stock has no household."""

    by: str
    contract: str | None
    name: str | None
    serial: str | None = None
    invoice: str | None = None
    receipt: str | None = None


async def find(tx: Tx, text: str, *, hits_max: int = HITS_MAX) -> list[Hit]:
    """Find what somebody may mean; what is exact comes first."""
    said = text.strip()
    if not said:
        return []
    hits = [*await _by_box(tx, said), *await _by_invoice(tx, said), *await _by_receipt(tx, said)]
    found = await search.by_words(tx, said, found_max=hits_max)
    hits += [Hit(by=one.by, contract=one.contract, name=one.name) for one in found]
    return hits[:hits_max]


async def _by_box(tx: Tx, said: str) -> list[Hit]:
    known = [("serial", box) for box in (await boxes.by_serial(tx, _spelt(said))).values()]
    if mac := _mac(said):
        known += [("mac", box) for box in (await boxes.by_mac(tx, [mac])).values()]
    who = await names(tx, [box.service for _, box in known])
    return [_box(by, box, who) for by, box in known]


def _box(by: str, box: Resource, who: Names) -> Hit:
    holder = who.get(box.service) if box.service else None
    return Hit(
        by=by,
        contract=holder.contract if holder else None,
        name=holder.name if holder else None,
        serial=box.serial,
    )


async def _by_invoice(tx: Tx, said: str) -> list[Hit]:
    for number in _spelt(said):
        if found := await search.by_invoice(tx, number):
            return [Hit(by="invoice", contract=found[0], name=found[1], invoice=number)]
    return []


async def _by_receipt(tx: Tx, said: str) -> list[Hit]:
    for number in _spelt(said):
        if found := await search.by_receipt(tx, number):
            return [Hit(by="receipt", contract=found[0], name=found[1], receipt=number)]
    return []


def _spelt(said: str) -> Iterable[str]:
    """Give the ways in which a number may be meant: as it is said, or in capitals."""
    return dict.fromkeys((said, said.upper()))


def _mac(said: str) -> str:
    try:
        return normal_mac(said)
    except Invalid:
        return ""
