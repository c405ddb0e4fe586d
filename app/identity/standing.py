"""Whether somebody who once did something may still do it: not disabled, not revoked, as before."""

from __future__ import annotations

from datetime import datetime

from app.identity import people, tokens
from app.identity.roles import Right, may
from runtime.store import Tx


async def may_still(tx: Tx, actor: str, right: Right, since: datetime) -> bool:
    """Whether whoever acted then, in machine time, may still use a right.

    A token that was made since is another one, whatever its name. Of a user of the machine the
    machine knows: they may.
    """
    kind, _, key = actor.partition(":")
    if kind == people.PERSON:
        one = await people.by_id(tx, key)
        return one is not None and may(one.role, right)
    if actor.startswith(tokens.API):
        return await tokens.is_live(tx, actor.removeprefix(tokens.API), since)
    return True
