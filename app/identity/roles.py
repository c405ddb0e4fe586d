"""Rights, and the roles as data: what each is called, where its day begins, what it opens.

A route asks for one right; a role is a row that lists its rights. Neither names the other, so that
another role is another row here and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

ROLE_CHARS_MAX = 40


class Right(StrEnum):
    """What somebody may do here."""

    SEE = "see"  # look at households, their money, the work and the targets
    CARE = "care"  # act for a household: promise, restore, restart, tell it something
    TAKE_MONEY = "take_money"  # take payments over the counter, decide about deposits and refunds
    TAKE_VOUCHERS = "take_vouchers"  # redeem a voucher for a household
    OPERATE = "operate"  # have what is parked or differs tried again
    MOVE_BOXES = "move_boxes"  # hand out jobs, move boxes anywhere
    FIELD = "field"  # work at households, out of one's own van
    MANAGE_PEOPLE = "manage_people"  # say who may sign in, and as what
    LET_GO = "let_go"  # let a cut-off go on that the brake of dunning has stopped
    RUN_BUSINESS = "run_business"  # decide what touches many, read who did what


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What belongs to a role. `home` is the page that a sign-in leads to."""

    word: str
    home: str
    rights: frozenset[Right] = frozenset()


OWNER = "owner"
TECHNICIAN = "technician"
FIRST_OWNER = "boxoffice user add NAME --role owner"

# The database keeps the name of a role alone: another row needs no migration.
ROLES: Mapping[str, Role] = {
    OWNER: Role(word="Owner", home="/console/", rights=frozenset(Right)),
    "support": Role(
        word="Support",
        home="/console/",
        rights=frozenset(
            {Right.SEE, Right.CARE, Right.TAKE_VOUCHERS, Right.OPERATE, Right.MOVE_BOXES}
        ),
    ),
    "cashier": Role(
        word="Cashier",
        home="/console/",
        rights=frozenset({Right.SEE, Right.TAKE_MONEY, Right.TAKE_VOUCHERS}),
    ),
    TECHNICIAN: Role(word="Technician", home="/field/", rights=frozenset({Right.FIELD})),
}
# A role that another version wrote: it opens nothing.
_UNKNOWN = Role(word="Nothing yet", home="/me")


def about(role: str) -> Role:
    """Tell what belongs to a role."""
    return ROLES.get(role, _UNKNOWN)


def may(role: str, right: Right) -> bool:
    """Whether somebody of a role has a right."""
    return right in about(role).rights
