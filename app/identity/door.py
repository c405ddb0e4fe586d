"""What passes at a door: what is brought, what is kept of who was let in, and the two refusals."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic

from app.identity.population import P
from app.identity.sign_ins import SignIn
from terms.errors import DomainError, Forbidden


class NotLetIn(Forbidden):
    """Name or password is wrong; which of them is nobody's business."""


class TooOften(DomainError):
    """Too many guesses; `wait_s` says when the next may be made."""

    def __init__(self, wait: timedelta) -> None:
        self.wait_s = max(1, round(wait.total_seconds()))
        told = f"{self.wait_s} s" if self.wait_s <= 60 else f"{-(-self.wait_s // 60)} minutes"  # noqa: PLR2004 - a minute
        super().__init__(f"too many tries: wait {told}, then try again")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What is brought to sign in. `browser` is what tells a known one, if it is one.

    Nothing of it is shown: people type passwords into the field for the name, too.
    """

    name: str = field(repr=False)
    password: str = field(repr=False)
    address: str
    browser: str = field(default="", repr=False)
    user_agent: str = ""
    former_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Let(Generic[P]):
    """Somebody was let in: what the browser shall keep."""

    person: P
    sign_in: SignIn
    token: str = field(repr=False)
    browser: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Here(Generic[P]):
    """Who makes a request. `form_token` has to come back in every form."""

    person: P
    sign_in: SignIn
    form_token: str = field(repr=False)


def form_token(token: str) -> str:
    """Give what has to come back in every form of a sign-in; it does not lead back to its token."""
    return hmac.new(token.encode(), b"form", hashlib.sha256).hexdigest()
