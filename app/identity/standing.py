"""Whether somebody who once did something may still do it: not disabled, not revoked, as before."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from app.identity import people, tokens
from app.identity.roles import Right, may
from runtime.store import Tx

Acted = tuple[str, datetime]  # who, and when in machine time
_PERSON = f"{people.PERSON}:"


async def still(tx: Tx, acted: Iterable[Acted], right: Right) -> set[Acted]:
    """Keep of those who acted then whoever may still use a right; asks twice, of however many.

    A token that was made since is another one, whatever its name. Of a user of the machine the
    machine knows: they may.
    """
    asked = set(acted)
    roles = await people.roles_of(tx, _keys(asked, _PERSON))
    since = await tokens.live_since(tx, _keys(asked, tokens.API))

    def may_still(by: str, at: datetime) -> bool:
        if by.startswith(_PERSON):
            role = roles.get(by.removeprefix(_PERSON))
            return role is not None and may(role, right)
        if by.startswith(tokens.API):
            made_at = since.get(by.removeprefix(tokens.API))
            return made_at is not None and made_at <= at
        return True

    return {one for one in asked if may_still(*one)}


def _keys(acted: Iterable[Acted], kind: str) -> set[str]:
    return {by.removeprefix(kind) for by, _ in acted if by.startswith(kind)}
