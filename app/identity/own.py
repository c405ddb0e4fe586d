"""A subscriber's own password: set with a code that was only just read, or with the one before."""

from __future__ import annotations

from app.identity import deeds, subscribers
from app.identity.codes import Codes
from app.identity.door import Here, Let
from app.identity.keeper import OF_ONE
from app.identity.subscribers import Subscriber
from terms.errors import Invalid

_CODE_FIRST = "sign out and come in by a code: then you can set a password"


async def asks_for_current(codes: Codes, here: Here[Subscriber]) -> bool:
    """Tell whether a new password needs the one before, for no code was read lately."""
    async with codes.keeper.store.read() as tx:
        return not await codes.proves(tx, here.sign_in.id)


async def set_password(
    codes: Codes, here: Here[Subscriber], *, current: str, new: str
) -> Let[Subscriber]:
    """Take a password from its subscriber, end all their sign-ins and begin a new one.

    Raises Invalid, naming the field, and TooOften.
    """
    keeper, one = codes.keeper, here.person
    if await asks_for_current(codes, here):
        await _prove(codes, one, current)
    anew = await deeds.hashed(keeper, new, one.contract, "new")
    async with keeper.store.begin() as tx:
        now = keeper.clock.machine_now()
        await subscribers.set_password(tx, one.id, anew, now)
        await keeper.sign_ins.revoke_all(tx, one.id, now)
        await keeper.note(tx, one, "password")
        return await keeper.begin(tx, one, label=here.sign_in.label)


async def _prove(codes: Codes, one: Subscriber, current: str) -> None:
    keeper = codes.keeper
    async with keeper.store.read() as tx:
        kept = await subscribers.kept(tx, one.id)
    if not kept:
        raise Invalid("current", _CODE_FIRST)
    paces = {f"{subscribers.KIND} change:{one.id}": OF_ONE}
    if not await keeper.proves(current, kept, paces):
        raise Invalid("current", "this is not your password")
    await keeper.was_right(paces)
