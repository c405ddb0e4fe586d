"""`boxoffice signup`, `change`, `cancel`, `explain`: one household."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.actor import Reason, actor
from app.cli.speak import FAILED, Json, look, say, tell, write
from billing.catalog.terms import When

if TYPE_CHECKING:
    from app.wiring import House
    from billing.flows.signup import MethodRef, SignedUp
    from gateway.inventory.flows import NewBox
    from runtime.store import Tx


Contract = Annotated[str, typer.Argument(help="The household's contract.")]
Several = Annotated[
    list[str] | None, typer.Option(help="Code of an add-on; may be given several times.")
]


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("signup")(signup)
    cli.command("change")(change)
    cli.command("cancel")(cancel)
    cli.command("jurisdiction")(jurisdiction_)
    cli.command("segment")(segment_)
    cli.command("explain")(explain)


def signup(  # noqa: PLR0913 - one for each thing that is agreed
    contract: Contract,
    name: Annotated[str, typer.Argument(help="Name of the subscriber.")],
    plan: Annotated[str, typer.Argument(help="Code of the plan.")],
    *,
    addon: Several = None,
    locale: Annotated[str, typer.Option(help="Language, like en or de-AT.")] = "",
    phone: Annotated[str, typer.Option(help="Telephone number.")] = "",
    email: Annotated[str, typer.Option(help="E-mail address.")] = "",
    bill_day: Annotated[
        int | None, typer.Option(min=1, max=31, help="Day of the month; today's unless said.")
    ] = None,
    jurisdiction: Annotated[
        str, typer.Option(help="Where it is taxed, like DE or US-NY; the operator's unless said.")
    ] = "",
    box: Annotated[
        str,
        typer.Option(
            help="A box handed over today: SERIAL,MODEL,MAC; without ,MAC one that has none."
        ),
    ] = "",
    payment: Annotated[str, typer.Option(help="How it is charged: PROVIDER,CUSTOMER,METHOD.")] = "",
    code: Annotated[str, typer.Option(help="The code of a promotion.")] = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Sign a household up. Its picture comes with the first payment."""
    its_box, method = _box(box), _method(payment)

    async def story(house: House, tx: Tx) -> SignedUp:
        from app.desk.signup import Household, sign_up

        household = Household(
            contract=contract,
            name=name,
            plan=plan,
            addons=addon or (),
            locale=locale,
            phone=phone,
            email=email,
            bill_day=bill_day,
            jurisdiction=jurisdiction,
            box=its_box,
            payment=method,
            code=code,
        )
        return await sign_up(house, tx, household, actor())

    signed = write(story, reason=reason)
    if as_json:
        tell(signed)
    else:
        say(f"{signed.contract} is signed up")


def _box(text: str) -> NewBox | None:
    """Read a box that is handed over: SERIAL,MODEL and perhaps ,MAC."""
    parts = _parts(text, "--box", (2, 3))
    if not parts:
        return None
    from gateway.inventory.flows import NewBox

    serial, model, *mac = parts
    return NewBox(serial=serial, model=model, mac=mac[0] if mac else None)


def _method(text: str) -> MethodRef | None:
    """Read how a household is charged: PROVIDER,CUSTOMER,METHOD."""
    parts = _parts(text, "--payment", (3,))
    if not parts:
        return None
    from billing.flows.signup import MethodRef

    provider, customer, reference = parts
    return MethodRef(provider=provider, customer=customer, method=reference)


def change(
    contract: Contract,
    *,
    plan: Annotated[str, typer.Option(help="The new plan.")] = "",
    add: Several = None,
    remove: Several = None,
    quantity: Annotated[
        int | None, typer.Option(min=1, help="How many: of the plan, or of what is added.")
    ] = None,
    when: Annotated[
        When | None, typer.Option(help="When; as the terms of the offering say, unless told.")
    ] = None,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Change the plan, add and remove add-ons, change how many."""
    if not (plan or add or remove or quantity):
        raise typer.BadParameter("say what changes: --plan, --add, --remove or --quantity")

    async def story(house: House, tx: Tx) -> None:
        from app.desk import contracts
        from billing.flows.change import Change

        wish = Change(
            plan=plan or None,
            add=tuple(add or ()),
            remove=tuple(remove or ()),
            when=when,
            quantity=quantity,
        )
        await contracts.change(house, tx, contract, wish, actor(), reason=reason)

    write(story)
    _done(contract, "changed", as_json=as_json)


def cancel(
    contract: Contract,
    *,
    now: Annotated[bool, typer.Option("--now", help="At once, whatever its terms say.")] = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """End a contract."""

    async def story(house: House, tx: Tx) -> None:
        from app.desk import contracts

        when = When.NOW if now else None
        await contracts.cancel(house, tx, contract, when, actor(), reason=reason)

    write(story)
    _done(contract, "cancelled", as_json=as_json)


def jurisdiction_(
    contract: Contract,
    jurisdiction: Annotated[
        str, typer.Argument(help="Like DE or US-NY; the operator's country for its own.")
    ],
    *,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Tax a household in another jurisdiction, from the next invoice on."""

    async def story(house: House, tx: Tx) -> None:
        from app.desk import taxing

        await taxing.change(house, tx, contract, jurisdiction, actor=actor(), reason=reason)

    write(story)
    if as_json:
        tell({"contract": contract, "jurisdiction": jurisdiction})
    else:
        say(f"{contract} is taxed in {jurisdiction}")


def segment_(
    contract: Contract,
    segment: Annotated[
        str, typer.Argument(help="A segment of operator.toml; left out, the usual one.")
    ] = "",
    *,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Put a household into a segment: its debts follow the rules of that one."""

    async def story(house: House, tx: Tx) -> None:
        from app.desk import segments

        await segments.change(house, tx, contract, segment, actor=actor(), reason=reason)

    write(story)
    if as_json:
        tell({"contract": contract, "segment": segment})
    else:
        say(f"{contract} is in the {f'segment {segment}' if segment else 'usual segment'}")


def explain(
    what: Annotated[
        str,
        typer.Argument(
            help="A contract, the number of a document, or one line of it like INV-00000012.3."
        ),
    ],
    *,
    as_json: Json = False,
) -> None:
    """Say what a household owes, why, and why it is dark. Or what a document is made of.

    A line is computed again from its record; where that differs, the command fails.
    """

    async def story(house: House) -> Any:
        from app.desk import household
        from billing.reads import accounts, credit_notes, explaining, invoices
        from terms.errors import NotFound

        async with house.store.read() as tx:
            if await accounts.contracts(tx, [what]):
                return await household.view(tx, what)
            for document in (invoices.view, credit_notes.view, explaining.line):
                with suppress(NotFound):
                    return await document(tx, what)
        why = f"there is neither a contract nor an invoice, a credit note or a line {what!r}"
        raise NotFound(why)

    found = look(story)
    from app.cli.explaining import explained

    if as_json:
        tell(found)
    else:
        for line in explained(found):
            say(line)
    if not getattr(found, "agrees", True):
        raise typer.Exit(FAILED)


def _parts(text: str, option: str, counts: tuple[int, ...]) -> list[str]:
    if not text:
        return []
    parts = [part.strip() for part in text.split(",")]
    if len(parts) not in counts or not all(parts):
        raise typer.BadParameter(f"{text!r} has the wrong number of parts", param_hint=option)
    return parts


def _done(contract: str, word: str, *, as_json: bool) -> None:
    if as_json:
        tell({"contract": contract, "done": word})
    else:
        say(f"{contract} is {word}")
