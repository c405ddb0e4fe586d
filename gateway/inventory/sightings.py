"""Boxes that call: strangers go into quarantine, what does not fit goes to the review list.

Nothing a box says of itself changes what is known of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, String, Table, select

from gateway.inventory import quarantine, reviews, store
from gateway.inventory.model import Resource, normal_mac
from gateway.inventory.quarantine import ADDRESS_CHARS_MAX, Sighting
from gateway.inventory.reviews import CaseKind, Finding
from runtime.store import Instant, Tx, metadata
from runtime.store.among import KEYS, among, packed
from terms.errors import Invalid

# A lease that runs out moves a box once; back and forth within this time are two boxes.
BY_TURNS = timedelta(minutes=10)

box_address = Table(
    "box_address",
    metadata,
    Column("serial", String(64), primary_key=True),
    Column("address", String(ADDRESS_CHARS_MAX), nullable=False),
    Column("before", String(ADDRESS_CHARS_MAX), nullable=False),
    Column("changed_at", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """From where a box calls, from where it called before, and since when that has changed."""

    address: str
    before: str = ""
    changed_at: datetime


async def hear(tx: Tx, sightings: Sequence[Sighting], now: datetime) -> Mapping[str, Resource]:
    """Take note of boxes that have called; returns those that are known, by serial.

    Writes only where a box is a stranger, calls from elsewhere than before, or does not fit.
    """
    cleaned = [one.cleaned() for one in sightings]
    known = await store.by_serial(tx, {one.serial for one in cleaned})
    ours = [one for one in cleaned if one.serial in known]
    await quarantine.keep(tx, [one for one in cleaned if one.serial not in known], now)
    macs = [mac for one in cleaned if (mac := _mac(one))]
    holders = await store.by_mac(tx, macs)
    findings = [
        finding
        for one in ours
        for finding in conflicts(known[one.serial], one, holders.get(_mac(one)))
    ]
    findings += [finding for one in cleaned for finding in _taken(one, holders.get(_mac(one)))]
    findings += await _moves(tx, ours, now)
    await reviews.report(tx, findings, now)
    return known


def conflicts(box: Resource, seen: Sighting, holder: Resource | None) -> Iterable[Finding]:
    """Say what a known box tells of itself that is not so. Pure."""
    mac = _mac(seen)
    if mac and box.mac and mac != box.mac and holder is None:
        reason = f"box {box.serial} has the MAC {box.mac} and shows {mac}"
        yield Finding(kind=CaseKind.OTHER_MAC, serial=box.serial, reason=reason)
    if seen.model and seen.model != box.model:
        reason = f"box {box.serial} is registered as {box.model} and calls itself {seen.model}"
        yield Finding(kind=CaseKind.OTHER_MODEL, serial=box.serial, reason=reason)


def moved_to(before: Whereabouts | None, address: str, now: datetime) -> Whereabouts | None:
    """Work out from where a box calls now; None where nothing has changed. Pure."""
    if before is None:
        return Whereabouts(address=address, changed_at=now)
    if before.address == address:
        return None
    return Whereabouts(address=address, before=before.address, changed_at=now)


def is_by_turns(before: Whereabouts | None, address: str, now: datetime) -> bool:
    """Tell whether a box calls from two places by turns. Pure."""
    return (
        before is not None
        and address not in {"", before.address}
        and address == before.before
        and now - before.changed_at < BY_TURNS
    )


def _taken(seen: Sighting, holder: Resource | None) -> Iterable[Finding]:
    if holder is not None and holder.serial != seen.serial:
        reason = f"{seen.serial} shows the MAC {holder.mac}, which box {holder.serial} has"
        yield Finding(kind=CaseKind.MAC_TAKEN, serial=holder.serial, reason=reason)


async def _moves(tx: Tx, seen: Sequence[Sighting], now: datetime) -> list[Finding]:
    places = await _places(tx, [one.serial for one in seen]) if seen else {}
    findings = []
    changed: dict[str, Whereabouts] = {}
    for one in seen:
        before = changed.get(one.serial) or places.get(one.serial)
        if is_by_turns(before, one.address, now):
            reason = f"box {one.serial} calls by turns from {one.address} and another address"
            findings.append(Finding(kind=CaseKind.TWO_PLACES, serial=one.serial, reason=reason))
        after = moved_to(before, one.address, now) if one.address else None
        if after is not None:
            changed[one.serial] = after
    rows = [
        {
            "serial": serial,
            "address": place.address,
            "before": place.before,
            "changed_at": place.changed_at,
        }
        for serial, place in changed.items()
    ]
    await tx.upsert(box_address, rows, key=("serial",))
    return findings


async def _places(tx: Tx, serials: Sequence[str]) -> dict[str, Whereabouts]:
    query = select(box_address).where(among(tx.engine, box_address.c.serial))
    rows: Sequence[Any] = await tx.rows(query, {KEYS: packed(tx.engine, serials)})
    return {
        row.serial: Whereabouts(address=row.address, before=row.before, changed_at=row.changed_at)
        for row in rows
    }


def _mac(seen: Sighting) -> str:
    """Read a MAC that a box shows; empty where it shows none that can be."""
    try:
        return normal_mac(seen.mac) if seen.mac else ""
    except Invalid:
        return ""
