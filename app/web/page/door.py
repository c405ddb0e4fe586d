"""What the door of the operator's people and that of the subscribers have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.identity.passwords import PASSWORD_CHARS_MAX
from app.web.leading import NEXT_CHARS_MAX
from app.web.route import Form, Query

FORM_BYTES_MAX = 8 * 1024
PLAIN = (
    "This address is not encrypted, so a sign-in could be listened to. Open it as https://, or "
    "see “From other machines” in docs/howto/run.md."
)
# What stands on the page of one's own sign-ins.
SAID = {
    "revoked": "That sign-in is ended.",
    "others": "All other sign-ins are ended.",
    "password": "The password is changed; all other sign-ins are ended.",
}

Typed = Annotated[str, Field(max_length=PASSWORD_CHARS_MAX)]
Secret = Annotated[str, Field(max_length=PASSWORD_CHARS_MAX, repr=False)]
# Where to go afterwards; whatever is no path of ours is left aside.
Next = Annotated[str, Field(max_length=NEXT_CHARS_MAX * 3)]


class SignInQuery(Query):
    """Where to go afterwards, and what was done before."""

    next: Next = ""
    done: Annotated[str, Field(max_length=20)] = ""


class PasswordForm(Form):
    """A change of one's own password."""

    current: Secret
    new: Secret
    again: Secret


def password_told(field: str, reason: str) -> str:
    """Say which password was refused, and why."""
    told = {"current": "Your password", "new": "The new password"}[field]
    return f"{told}: {reason}."
