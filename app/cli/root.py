"""The tree of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.accounts import add_to as add_accounts
from app.cli.audit import add_to as add_audit
from app.cli.bill import add_to as add_bill
from app.cli.books import add_to as add_books
from app.cli.catalogue import add_to as add_catalogue
from app.cli.clock import add_to as add_clock
from app.cli.database import add_to as add_database
from app.cli.deposit import add_to as add_deposit
from app.cli.device import add_to as add_device
from app.cli.doctor import add_to as add_doctor
from app.cli.importing import add_to as add_importing
from app.cli.jobs import add_to as add_jobs
from app.cli.ledger import add_to as add_ledger
from app.cli.loyalty import add_to as add_loyalty
from app.cli.mail import add_to as add_mail
from app.cli.mending import add_to as add_mending
from app.cli.papers import add_to as add_papers
from app.cli.processes import add_to as add_processes
from app.cli.programs import add_to as add_programs
from app.cli.promotions import add_to as add_promotions
from app.cli.purchases import add_to as add_purchases
from app.cli.rests import add_to as add_rests
from app.cli.serve import add_to as add_serve
from app.cli.targets import add_to as add_targets
from app.cli.tokens import add_to as add_tokens
from app.cli.usage import add_to as add_usage
from app.cli.users import add_to as add_users
from app.cli.verify import add_to as add_verify
from app.cli.work import add_to as add_work

cli = typer.Typer(
    name="boxoffice",
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


for add in (
    add_serve,
    add_database,
    add_importing,
    add_programs,
    add_accounts,
    add_catalogue,
    add_bill,
    add_books,
    add_papers,
    add_ledger,
    add_mending,
    add_device,
    add_deposit,
    add_jobs,
    add_work,
    add_processes,
    add_rests,
    add_purchases,
    add_usage,
    add_promotions,
    add_loyalty,
    add_doctor,
    add_verify,
    add_users,
    add_tokens,
    add_targets,
    add_mail,
    add_clock,
    add_audit,
):
    add(cli)
