"""The tree of commands."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from app.cli import (
    accounts,
    audit,
    bank,
    bill,
    books,
    cash,
    catalogue,
    clock,
    database,
    debits,
    deposit,
    device,
    doctor,
    dunning,
    importing,
    jobs,
    ledger,
    loyalty,
    mail,
    mending,
    notices,
    papers,
    payments,
    processes,
    programs,
    promotions,
    purchases,
    rests,
    serve,
    targets,
    tokens,
    usage,
    users,
    verify,
    vouchers,
    wallet,
    work,
)
from app.cli.blank import refuse_blank
from app.cli.words import as_values


class Commands(TyperGroup):
    """The root of the tree: it looks at all words before a command does."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read what is asked. Leaves as wrongly called for a blank word."""
        refuse_blank(ctx, self, args)
        return super().parse_args(ctx, as_values(self, args))


cli = typer.Typer(
    name="boxoffice",
    cls=Commands,
    help="Billing core and provisioning gateway of an IPTV operator.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _tell_version(value: bool) -> None:  # noqa: FBT001 - the library's signature
    """Print the version and end."""
    if value:
        from importlib.metadata import version

        typer.echo(f"boxoffice {version('boxoffice')}")
        raise typer.Exit


@cli.callback(help=cli.info.help)
def _root(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_tell_version, is_eager=True, help="Print the version and end."
        ),
    ] = False,
) -> None:
    """Take the options of no command."""


for part in (
    serve,
    database,
    importing,
    programs,
    accounts,
    catalogue,
    bill,
    books,
    payments,
    papers,
    ledger,
    mending,
    notices,
    device,
    deposit,
    dunning,
    jobs,
    work,
    processes,
    rests,
    purchases,
    usage,
    bank,
    debits,
    promotions,
    vouchers,
    wallet,
    cash,
    loyalty,
    doctor,
    verify,
    users,
    tokens,
    targets,
    mail,
    clock,
    audit,
):
    part.add_to(cli)
