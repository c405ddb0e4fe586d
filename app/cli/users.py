"""`boxoffice user`: who may sign in. The first owner is made here, on the machine itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.actor import Reason, actor
from app.cli.speak import Json, complain, guarded, read, run, say, table, tell, write

if TYPE_CHECKING:
    from app.identity.people import Person
    from app.identity.sign_ins import SignIn
    from app.wiring import House
    from runtime.store import Tx


Name = Annotated[str, typer.Argument(help="The name to sign in with.")]
Generate = Annotated[
    bool, typer.Option("--generate", help="Make the password and print it, this once.")
]


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Say who may sign in.", no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(listing)
    group.command("disable")(disable)
    group.command("enable")(enable)
    group.command("role")(role)
    group.command("password")(password)
    group.command("sign-ins")(sign_ins)
    group.command("revoke")(revoke)
    cli.add_typer(group, name="user")


def add(
    name: Name,
    *,
    role: Annotated[str, typer.Option(help="owner, support, cashier or technician.")],
    display: Annotated[str, typer.Option(help="The name that others see.")] = "",
    generate: Generate = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Add somebody. The password is asked for, or read from standard input."""
    from app.identity.deeds import NewPerson

    new = guarded(lambda: NewPerson.read(name=name, role=role, display=display))
    typed = "" if generate else _asked(new.name)

    async def story(house: House) -> tuple[Person, str]:
        from app.identity import deeds

        made = typed or house.keeper.passwords.make()
        kept = await deeds.hashed(house.keeper, made, new.name)
        async with house.store.begin() as tx:
            return await deeds.add(house.keeper, tx, new, kept, actor()), made

    one, made = run(story, reason=reason)
    if as_json:
        tell({"person": one, "password": None if typed else made})
        return
    say(f"{one.name} may sign in as {one.role}")
    if not typed:
        say(f"password: {made}")


def password(
    name: Name, *, generate: Generate = False, reason: Reason = "", as_json: Json = False
) -> None:
    """Give somebody another password and end all their sign-ins."""
    typed = "" if generate else _asked(name)

    async def story(house: House) -> str:
        from app.identity import deeds, people

        async with house.store.read() as tx:
            one = await people.find(tx, name)
        made = typed or house.keeper.passwords.make()
        kept = await deeds.hashed(house.keeper, made, one.name)
        async with house.store.begin() as tx:
            await deeds.set_password(house.keeper, tx, one, kept, actor())
        return made

    made = run(story, reason=reason)
    if as_json:
        tell({"password": None if typed else made})
        return
    say(f"{name} has another password; all sign-ins are ended")
    if not typed:
        say(f"password: {made}")


def listing(*, as_json: Json = False) -> None:
    """List who may sign in, and who no more."""

    async def story(_: House, tx: Tx) -> Any:
        from app.identity import people

        return await people.listing(tx)

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [
        (one.name, one.display, one.role, f"{one.disabled_at:%F %T}" if one.disabled_at else "")
        for one in found
    ]
    table(("name", "called", "role", "not let in since"), rows)


def disable(name: Name, *, reason: Reason = "", as_json: Json = False) -> None:
    """Let somebody in no more and end all their sign-ins."""

    async def story(house: House, tx: Tx) -> None:
        from app.identity import deeds, people

        await deeds.disable(house.keeper, tx, await people.find(tx, name), actor())

    write(story, reason=reason)
    _done(name, "is let in no more", as_json=as_json)


def enable(name: Name, *, reason: Reason = "", as_json: Json = False) -> None:
    """Let somebody in again."""

    async def story(house: House, tx: Tx) -> None:
        from app.identity import deeds, people

        await deeds.enable(house.keeper, tx, await people.find(tx, name), actor())

    write(story, reason=reason)
    _done(name, "is let in again", as_json=as_json)


def role(
    name: Name,
    role: Annotated[str, typer.Argument(help="owner, support, cashier or technician.")],
    *,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Give somebody another role. What they may do changes at once."""

    async def story(house: House, tx: Tx) -> None:
        from app.identity import deeds, people

        one = await people.find(tx, name)
        await deeds.set_role(house.keeper, tx, one, role, actor())

    write(story, reason=reason)
    _done(name, f"is {role} from now on", as_json=as_json)


def sign_ins(name: Name, *, as_json: Json = False) -> None:
    """List where somebody is signed in."""

    async def story(house: House, tx: Tx) -> list[SignIn]:
        from app.identity import people

        now = house.clock.machine_now()
        one = await people.find(tx, name)
        return list(await house.keeper.sign_ins.live(tx, one.id, house.keeper.lasting, now))

    found = read(story)
    if as_json:
        tell(found)
        return
    rows = [
        (one.id, one.label, f"{one.made_at:%F %T}", f"{one.last_seen_at:%F %T}") for one in found
    ]
    table(("sign-in", "with", "since", "last used"), rows)


def revoke(
    name: Name,
    sign_in: Annotated[str, typer.Argument(help="One sign-in; all unless said.")] = "",
    *,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """End somebody's sign-ins, one or all."""

    async def story(house: House, tx: Tx) -> int:
        from app.identity import deeds, people

        one = await people.find(tx, name)
        if not sign_in:
            return await deeds.revoke_all(house.keeper, tx, one, actor())
        await deeds.revoke(house.keeper, tx, one, sign_in, actor())
        return 1

    count = write(story, reason=reason)
    if as_json:
        tell({"ended": count})
    else:
        say(f"{count} ended")


def _asked(name: str) -> str:
    """Ask for a password twice where a person sits there, else read one line."""
    if not sys.stdin.isatty():
        line = sys.stdin.readline().rstrip("\r\n")
        if not line:
            raise complain("no password on standard input: give one, or --generate")
        return line
    from getpass import getpass

    first = getpass(f"Password for {name}: ")
    if first != getpass("Again: "):
        raise complain("the two differ: nothing was done")
    return first


def _done(name: str, words: str, *, as_json: bool) -> None:
    if as_json:
        tell({"name": name, "done": words})
    else:
        say(f"{name} {words}")
