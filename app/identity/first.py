"""The first owner: a code shown once where the product is started makes one, and then is void.

It is kept in the memory of that process alone: a restart ends it, so does an hour, a few wrong
tries, and an owner who was made otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.identity import deeds, people
from app.identity.deeds import NewPerson
from app.identity.door import Let
from app.identity.keeper import Keeper
from app.identity.people import Person
from app.identity.roles import OWNER
from runtime.secrets import same, token_hash
from runtime.store import Tx
from runtime.store.audit import because
from terms.errors import Duplicate, Forbidden

LASTS = timedelta(hours=1)
TRIES_MAX = 10
CODE_BYTES = 12
ACTOR = "set-up"


@dataclass(slots=True)
class _Code:
    hash: str = field(repr=False)
    until: datetime
    tries_left: int = TRIES_MAX


class FirstOwner:
    """Holds the code of one process, if it has shown one."""

    def __init__(self, keeper: Keeper[Person]) -> None:
        self.keeper = keeper
        self._code: _Code | None = None

    async def offer(self) -> str:
        """Make the code, to be shown once; empty where there is an owner already."""
        async with self.keeper.store.read() as tx:
            if OWNER in await people.roles(tx):
                return ""
        code = self.keeper.chance.token(CODE_BYTES)
        self._code = _Code(token_hash(code), self.keeper.clock.machine_now() + LASTS)
        return code

    async def is_open(self, tx: Tx) -> bool:
        """Whether somebody who knows the code could still use it."""
        return self._live() is not None and OWNER not in await people.roles(tx)

    async def make(
        self, code: str, *, name: str, display: str, password: str, label: str
    ) -> Let[Person]:
        """Make the first owner, who is signed in by that.

        Raises Forbidden for another code or none, Invalid for what cannot be a name or a password.
        """
        held = self._live()
        if held is None or not same(token_hash(code), held.hash):
            if held is not None:
                held.tries_left -= 1
            raise Forbidden("this is not the code, or it is void: start the product anew")
        new = NewPerson.read(name=name, role=OWNER, display=display)
        kept = await deeds.hashed(self.keeper, password, new.name)
        if self._code is not held:  # used by another request meanwhile
            raise Forbidden("the code was used meanwhile: sign in")
        self._code = None
        try:
            async with self.keeper.store.begin() as tx:
                if OWNER in await people.roles(tx):
                    raise Forbidden("there is an owner already: sign in, or ask them")
                with because("nobody could sign in yet"):
                    one = await deeds.add(self.keeper, tx, new, kept, ACTOR)
                return await self.keeper.begin(tx, one, label=label)
        except Duplicate:
            self._code = held  # another name will do
            raise

    def _live(self) -> _Code | None:
        """Give the code unless it is void."""
        held = self._code
        if held is None or held.tries_left <= 0 or self.keeper.clock.machine_now() >= held.until:
            return None
        return held
