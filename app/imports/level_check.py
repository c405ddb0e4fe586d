"""Whether what the levels of dunning add leads anywhere."""

from __future__ import annotations

from collections.abc import Collection

from app.imports.dunning_rules import unrouted
from app.imports.folder import Folder
from app.imports.operator import FILE as OPERATOR
from app.imports.problems import Problems

ROUTES = "routes.csv"


def check_levels(folder: Folder, routed: Collection[str], problems: Problems) -> None:
    """Note each package code that a level adds and no route leads to a target."""
    if folder.operator is None or problems.is_unreadable(ROUTES):
        return
    codes = {*routed, *(row.code for row in folder.routes), *problems.lost(ROUTES, "code")}
    for level, code in unrouted(folder.operator.segments, codes):
        why = f"no route leads the code '{code}' to a target"
        problems.add(OPERATOR, why, field=f"dunning.levels.{level}.adds")
