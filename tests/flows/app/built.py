"""Has `boxoffice` build all its commands once, for whatever is forked from who has loaded this."""

from functools import cache

import typer.main

from app.cli.root import cli

typer.main.get_command = cache(typer.main.get_command)
typer.main.get_command(cli)
