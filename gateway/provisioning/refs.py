"""Our keys at the targets: which account number stands for which service. Chosen, never derived."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import or_, select

from gateway.provisioning.compose import EVERY_TARGET
from gateway.provisioning.tables import target_ref as table
from runtime.store import Tx
from runtime.store.among import KEYS, among, packed
from runtime.store.prepared import PreparedQuery
from terms.errors import Duplicate, Invalid
from terms.ids import ServiceId, TargetName

REF_CHARS_MAX = 64


async def bind(tx: Tx, refs: Mapping[ServiceId, str], *, target: TargetName = EVERY_TARGET) -> None:
    """Give services their key at one target, or at every target without one of its own.

    The same again is harmless. Raises Invalid for what can be nobody's key, Duplicate for a key
    or a service that is taken.
    """
    for ref in refs.values():
        if not ref.strip() or ref != ref.strip() or not ref.isprintable() or "," in ref:
            raise Invalid("ref", f"not an account number: {ref[:70]!r}")
        if len(ref) > REF_CHARS_MAX:
            raise Invalid("ref", f"at most {REF_CHARS_MAX} characters")
    c = table.c
    taken = or_(among(tx.engine, c.service), among(tx.engine, c.ref, "refs"))
    query = select(c.service, c.ref).where(c.target == target, taken)
    given = {KEYS: packed(tx.engine, refs), "refs": packed(tx.engine, refs.values())}
    known = {row.service: row.ref for row in await tx.rows(query, given)}
    holders = {ref: service for service, ref in known.items()}
    for service, ref in refs.items():
        if known.get(service, ref) != ref:
            raise Duplicate(f"service {service} has the account number {known[service]}")
        if holders.setdefault(ref, service) != service:
            raise Duplicate(f"account number {ref} belongs to service {holders[ref]}")
    rows = [{"target": target, "service": service, "ref": ref} for service, ref in refs.items()]
    await tx.insert_new(table, rows, key=("target", "service"))


async def of(tx: Tx, services: Iterable[str]) -> dict[ServiceId, dict[TargetName, str]]:
    """Find the keys of services by target; the one for every target has an empty name."""
    found: dict[ServiceId, dict[TargetName, str]] = {}
    for row in await _OF.rows(tx, {KEYS: packed(tx.engine, services)}):
        found.setdefault(ServiceId(row.service), {})[TargetName(row.target)] = row.ref
    return found


_OF = PreparedQuery(lambda engine: select(table).where(among(engine, table.c.service)))
