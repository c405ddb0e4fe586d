"""What is done to people: added, disabled, given another role, signed out. All is audited.

Hashing takes long and writes nothing, so that it comes before the transaction: `hashed`. Whoever is
shut out while he acts on others is refused: of two owners who disable each other one stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from app.identity import passwords, people
from app.identity.door import Here, Let
from app.identity.keeper import OF_ONE, Keeper
from app.identity.people import PERSON, Person
from app.identity.roles import OWNER
from runtime.chance import new_id
from runtime.store import Tx
from terms.errors import Forbidden, Invalid

Door: TypeAlias = Keeper[Person]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """Somebody to be added; checked by whoever makes it."""

    name: str
    display: str
    role: str

    @classmethod
    def read(cls, *, name: str, role: str, display: str = "") -> NewPerson:
        """Read what somebody typed. Raises Invalid, naming the field."""
        read = people.read_name(name)
        return cls(
            name=read, display=people.read_display(display, read), role=people.read_role(role)
        )


async def hashed(keeper: Keeper[Any], password: str, name: str, field: str = "password") -> str:
    """Make what is kept of a password. Raises Invalid for one that is too easy to guess."""
    passwords.check(password, name, field)
    return await keeper.passwords.hash(password)


async def add(keeper: Door, tx: Tx, new: NewPerson, kept: str, actor: str) -> Person:
    """Add somebody. Raises Duplicate, and Forbidden for an actor who may do so no more."""
    await _owners(tx, actor)
    now = keeper.clock.machine_now()
    one = Person(
        id=new_id(now, keeper.chance),
        name=new.name,
        display=new.display,
        role=new.role,
        made_at=now,
        password_at=now,
    )
    await people.add(tx, one, kept)
    await keeper.note(tx, one, "add", actor, after=f"{one.name}, {one.role}")
    return one


async def disable(keeper: Door, tx: Tx, one: Person, actor: str) -> None:
    """Let somebody in no more and end all their sign-ins. Raises Forbidden for the last owner."""
    owners = await _owners(tx, actor)
    _check_not_last(one, owners)
    await people.set_disabled(tx, one.id, one.disabled_at or keeper.clock.machine_now())
    await keeper.sign_ins.revoke_all(tx, one.id, keeper.clock.machine_now())
    await keeper.note(tx, one, "disable", actor, before="let in", after="let in no more")


async def set_role(keeper: Door, tx: Tx, one: Person, role: str, actor: str) -> None:
    """Give somebody another role; what they see changes at once.

    Raises Invalid for a role there is not, and Forbidden for the last owner.
    """
    role = people.read_role(role)
    owners = await _owners(tx, actor)
    if one.role == role:
        return
    _check_not_last(one, owners)
    await people.set_role(tx, one.id, role)
    await keeper.note(tx, one, "role", actor, before=one.role, after=role)


async def enable(keeper: Door, tx: Tx, one: Person, actor: str) -> None:
    """Let somebody in again. Raises Forbidden for an actor who may do so no more."""
    await _owners(tx, actor)
    await people.set_disabled(tx, one.id, None)
    await keeper.note(tx, one, "enable", actor, before="let in no more", after="let in")


async def set_password(keeper: Door, tx: Tx, one: Person, kept: str, actor: str) -> None:
    """Give somebody another password and end all their sign-ins.

    Raises Forbidden for an actor who may do so no more.
    """
    await _check(tx, one, actor)
    await people.set_password(tx, one.id, kept, keeper.clock.machine_now())
    await keeper.sign_ins.revoke_all(tx, one.id, keeper.clock.machine_now())
    await keeper.note(tx, one, "password", actor)


async def revoke(keeper: Door, tx: Tx, one: Person, sign_in_id: str, actor: str) -> None:
    """End one of somebody's sign-ins. Raises NotFound, and Forbidden as `set_password`."""
    await _check(tx, one, actor)
    await keeper.revoke(tx, one, sign_in_id, actor)


async def revoke_all(keeper: Door, tx: Tx, one: Person, actor: str, but: str = "") -> int:
    """End all of somebody's sign-ins, but perhaps one; returns how many. Raises Forbidden."""
    await _check(tx, one, actor)
    return await keeper.revoke_all(tx, one, actor, but)


async def change_own_password(
    keeper: Door, here: Here[Person], *, current: str, new: str
) -> Let[Person]:
    """Take another password from its owner, end all their sign-ins and begin a new one.

    Raises Invalid, naming the field, and TooOften.
    """
    one = here.person
    async with keeper.store.read() as tx:
        found = await people.with_hash(tx, one.name)
    paces = {f"change:{one.id}": OF_ONE}
    if not await keeper.proves(current, found[1] if found else None, paces):
        raise Invalid("current", "this is not your password")
    await keeper.was_right(paces)
    kept = await hashed(keeper, new, one.name, "new")
    async with keeper.store.begin() as tx:
        await set_password(keeper, tx, one, kept, one.actor)
        return await keeper.begin(tx, one, label=here.sign_in.label)


async def _check(tx: Tx, one: Person, actor: str) -> None:
    """Raise Forbidden for a former owner who acts on somebody else."""
    if actor != one.actor:
        await _owners(tx, actor)


def _check_not_last(one: Person, owners: frozenset[str]) -> None:
    if one.role == OWNER and not owners - {one.id}:
        raise Forbidden("nobody else could add people: make another owner first")


async def _owners(tx: Tx, actor: str) -> frozenset[str]:
    """Name the owners by id, who stay as they are meanwhile. Raises Forbidden for a former one."""
    owners = await people.locked(tx, OWNER)
    kind, _, person_id = actor.partition(":")
    if kind == PERSON and person_id not in owners:
        raise Forbidden("you have been shut out meanwhile: nothing was done")
    return owners
