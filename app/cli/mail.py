"""`boxoffice mail`: whether letters reach somebody."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.speak import run, say

if TYPE_CHECKING:
    from app.wiring import House

SUBJECT = "Mail works"
TEXT = "This letter was asked for by `boxoffice mail test`. Nothing has to be done.\n"


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Look whether mail works.", no_args_is_help=True)
    group.command("test")(test)
    cli.add_typer(group, name="mail")


def test(address: Annotated[str, typer.Argument(help="Whom to write to.")]) -> None:
    """Hand one letter to the mail server, now. Exit code 1 where it is not taken."""

    async def story(house: House) -> None:
        from messages.letters.model import Letter
        from runtime.chance import new_id
        from terms.errors import Invalid

        if house.mail is None:
            raise Invalid("smtp_url", "no mail is configured")
        now = house.clock.machine_now()
        letter = Letter(
            id=new_id(now, house.chance),
            to=address,
            kind="test",
            subject=SUBJECT,
            text=TEXT,
            not_after=now + timedelta(minutes=1),
        )
        await house.mail.send(letter)

    run(story)
    say(f"the mail server took a letter to {address}")
