"""A mail catcher: an SMTP server (RFC 5321) that keeps what it is given and carries it nowhere.

STARTTLS (RFC 3207), TLS from the first byte (RFC 8314), AUTH PLAIN and LOGIN (RFC 4954), SIZE and
8BITMIME. A page of its own shows to a person what was caught.
"""

from collections.abc import Mapping
from typing import Any

from simulators.mail.catcher import Catcher
from simulators.simulator import Faces, Stage


def make(stage: Stage, state: Mapping[str, Any]) -> Faces:
    """Make a catcher with the login and the certificate of a state."""
    return Catcher(stage, state)
