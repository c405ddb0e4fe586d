"""The roles as data: what each is called, where its day begins and which others it includes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ROLE_CHARS_MAX = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What belongs to a role. `home` is the page that a sign-in leads to."""

    word: str
    home: str
    includes: frozenset[str] = frozenset()


TECHNICIAN = "technician"
OWNER = "owner"
FIRST_OWNER = "boxoffice user add NAME --role owner"

# Another role is another line here; what it opens is said by the policy of each route.
ROLES: Mapping[str, Role] = {
    TECHNICIAN: Role(word="Technician", home="/field/"),
    OWNER: Role(word="Owner", home="/people", includes=frozenset({TECHNICIAN})),
}
# A role that another version wrote: it opens nothing.
_UNKNOWN = Role(word="Nothing yet", home="/me")


def about(role: str) -> Role:
    """Tell what belongs to a role."""
    return ROLES.get(role, _UNKNOWN)


def covers(role: str, wanted: str) -> bool:
    """Whether somebody of a role may do what another role may."""
    return role in ROLES and (role == wanted or wanted in ROLES[role].includes)
