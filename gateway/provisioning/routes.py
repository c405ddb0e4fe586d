"""The routing table as stored: replaced as a whole, read as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select

from gateway.provisioning.keys import COMPOSE
from gateway.provisioning.routing import Role, Route
from gateway.provisioning.tables import route as table
from gateway.provisioning.targets import load as load_targets
from runtime import log
from runtime.store import Tx
from runtime.work import Work
from terms.errors import Invalid
from terms.ids import TargetName

TOPIC = "entitlement"
PAGE_KEYS_MAX = 5_000
CODE_CHARS_MAX = 64
TARGET_CODE_CHARS_MAX = 80


async def replace(tx: Tx, work: Work, routes: Sequence[Route]) -> bool:
    """Make these the routes; True when anything changed, and then all services are composed anew.

    Raises Invalid for an unknown target or an impossible code.
    """
    targets = await load_targets(tx)
    for route in routes:
        if route.target not in targets:
            raise Invalid("target", f"no target {route.target!r}")
        _check(route)
    wanted = sorted(set(routes))
    if wanted == await load(tx):
        return False
    await tx.execute(delete(table))
    await tx.insert(table, [_row(route) for route in wanted])
    await replay(tx, work)
    return True


async def load(tx: Tx) -> list[Route]:
    """All routes, sorted."""
    rows = await tx.rows(select(table))
    return sorted(
        Route(
            code=row.code,
            target=TargetName(row.target),
            role=Role(row.role),
            target_code=row.target_code,
        )
        for row in rows
    )


async def replay(tx: Tx, work: Work) -> int:
    """Mark every service that has rights to be composed anew; returns how many."""
    count, last = 0, ""
    while True:
        keys = await log.keys_after(tx, TOPIC, last, keys_max=PAGE_KEYS_MAX)
        if not keys:
            return count
        await work.mark(tx, COMPOSE, keys)
        count, last = count + len(keys), keys[-1]


def _check(route: Route) -> None:
    for field, text, chars_max in (
        ("code", route.code, CODE_CHARS_MAX),
        ("target_code", route.target_code, TARGET_CODE_CHARS_MAX),
    ):
        if not text or len(text) > chars_max or not text.isprintable():
            raise Invalid(field, f"1 to {chars_max} printable characters: {text[:90]!r}")


def _row(route: Route) -> dict[str, str]:
    return {
        "code": route.code,
        "target": route.target,
        "role": route.role.value,
        "target_code": route.target_code,
    }
