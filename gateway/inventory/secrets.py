"""Which secrets a box can have, and which nobody should use. Pure; it keeps none.

A message of this module names a secret and never shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from terms.errors import Invalid

# Names go to the adapters as they stand here.
USERNAME = "username"
NAMES = (USERNAME, "connection_username")
PASSWORD = "password"  # noqa: S105 - a name
SECRETS = (PASSWORD, "auth_key", "priv_key", "community", "connection_password")
KNOWN = (*NAMES, *SECRETS)
VALUE_CHARS_MAX = 200
# RFC 3414, 11.2: shorter passwords make keys that are guessed.
_CHARS_MIN = {"auth_key": 8, "priv_key": 8}
# What manuals, tutorials and factories print.
SAMPLES = frozenset(
    {
        *("password", "passw0rd", "password1", "changeme", "change_me", "secret", "default"),
        *("admin", "administrator", "root", "user", "guest", "test", "oper", "operator"),
        *("public", "private", "community", "1234", "12345", "123456", "12345678", "123456789"),
        *("1234567890", "00000000", "11111111", "qwerty", "letmein", "authpass", "privpass"),
        *("auth_pass", "priv_pass", "maplesyrup", "snmpv3pass", "authkey1", "privkey1"),
        *("authpassword", "privpassword", "my_authpass", "my_privpass", "sample", "example"),
    }
)


class Problem(NamedTuple):
    """What is wrong with which value; the value is not in it."""

    field: str
    why: str


def problems(values: Mapping[str, str]) -> list[Problem]:
    """Say what is wrong with the secrets of one box."""
    found = []
    for name, value in values.items():
        why = _problem(name, value, values.get(USERNAME, ""))
        if why:
            found.append(Problem(name, why))
    return found


def check(values: Mapping[str, str]) -> None:
    """Raise Invalid for the first thing that is wrong with the secrets of one box."""
    for field, why in problems(values):
        raise Invalid(field, why)


def _problem(name: str, value: str, username: str) -> str:
    if name not in KNOWN:
        return f"unknown; known are {', '.join(KNOWN)}"
    if not 0 < len(value) <= VALUE_CHARS_MAX or not value.isprintable():
        return f"1 to {VALUE_CHARS_MAX} printable characters"
    if name in NAMES:
        return ""
    if value.lower() in SAMPLES:
        return "a sample that everybody knows: give the box a secret of its own"
    if value == username:
        return "is the user name itself: give the box a secret of its own"
    shortest = _CHARS_MIN.get(name, 1)
    return f"at least {shortest} characters" if len(value) < shortest else ""
