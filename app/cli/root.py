"""The tree of commands."""

from __future__ import annotations

import typer

from app.cli import (
    accounts,
    books,
    clock,
    database,
    doctor,
    importing,
    programs,
    serve,
    targets,
    work,
)

cli = typer.Typer(
    name="boxoffice",
    help="Billing core and provisioning gateway of an IPTV operator.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

for group in (serve, database, importing, programs, accounts, books, targets, work, clock, doctor):
    group.add_to(cli)
