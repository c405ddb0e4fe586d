"""docs/reference/roles.md, written from the routes and the roles: who is let in where."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from app.identity.roles import ROLES, Right, may
from app.identity.tokens import Scope
from app.settings import Settings
from app.web.route import SAFE_METHODS, Policy, Route
from app.web.routes import all_routes
from app.web.site import Site
from app.wiring import build

_HEAD = """\
# Who may do what

Written from the routes and the roles themselves by `.venv/bin/python -m app.web.roles_reference >
docs/reference/roles.md`; a test compares, and asks a running product for each cell below.

A route asks for one right, and a role is a list of rights (`app/identity/roles.py`). Whoever has no
sign-in is led to `/sign-in`; whose role has not the right is told so. A role that this version does
not know opens what is open to everybody signed in, and nothing else. A `subscriber` signs in at
`/portal/sign-in`, sees what is their own and opens no page of the operator's people, nor they the
portal. `this machine` is a program on the machine of the product, asking it by no proxy.

"""
_MARKS = {True: "yes", False: ""}
ANYBODY = "anybody"
TOKENS = {Scope.READ: "token to read", Scope.WRITE: "token to write"}
LOCAL = "this machine"
SUBSCRIBER = "subscriber"
COLUMNS = (ANYBODY, SUBSCRIBER, *ROLES, *TOKENS.values(), LOCAL)


def lets_in(route: Route, who: str) -> bool:
    """Whether a route is open to a column of the table."""
    gate = route.policy
    if gate in {Policy.OPEN, Policy.SIGNED}:
        return True
    if gate is Policy.LOCAL_OR_TOKEN and who == LOCAL:
        return True
    if gate in {Policy.TOKEN, Policy.LOCAL_OR_TOKEN}:
        return who == TOKENS[Scope.WRITE] or (
            who == TOKENS[Scope.READ] and route.method in SAFE_METHODS
        )
    if gate is Policy.SUBSCRIBER:
        return who == SUBSCRIBER
    return who in ROLES and (not isinstance(gate, Right) or may(who, gate))


def reference(routes: Iterable[Route]) -> str:
    """Write the whole page."""
    rights = [[f"`{right}`", *(_MARKS[may(role, right)] for role in ROLES)] for right in Right]
    found = [
        [f"`{one.method} {one.path}`", f"`{one.policy}`"]
        + [_MARKS[lets_in(one, who)] for who in COLUMNS]
        for one in sorted(routes, key=lambda route: (route.path, route.method))
    ]
    return "\n".join(
        [
            f"{_HEAD}## Rights\n",
            *_table(["right", *ROLES], rights),
            "\n## Routes\n",
            "`signed` is a message that proves itself who sent it.\n",
            *_table(["route", "asks for", *COLUMNS], found),
            "",
        ]
    )


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [_row(head), _row(["---"] * len(head)), *(_row(row) for row in rows)]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Write the page from the routes of a house that nobody ever opens."""
    with tempfile.TemporaryDirectory() as folder:
        site = Site(build(Settings(data_dir=Path(folder))))
        sys.stdout.write(reference(all_routes(site, dict)))


if __name__ == "__main__":
    main()
