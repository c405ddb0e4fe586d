"""Who acts at the command line: the user of this machine, unless somebody else is named."""

from __future__ import annotations

from typing import Annotated

import typer

COMMAND_LINE = "cli:"  # before the name of a user of this machine
USER_CHARS_MAX = 76  # with that, as many as an actor may have

By = Annotated[str, typer.Option(help="Who does it, for the history; this machine's user if none.")]


Reason = Annotated[str, typer.Option(help="Why, for the audit.")]


def actor(by: str = "") -> str:
    """Name whoever acts, as it is written down."""
    return by or f"{COMMAND_LINE}{_user()[:USER_CHARS_MAX]}"


def _user() -> str:
    import os
    import pwd

    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        # In a container a process may run as a number that has no name.
        return str(uid)
