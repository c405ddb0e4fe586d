"""The operator's mail server, as one address names it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult, unquote, urlsplit

from terms.errors import Invalid


class Tls(StrEnum):
    """How a talk is hidden, by the scheme of the address."""

    AT_ONCE = "smtps"  # from the first byte
    ASKED = "smtp"  # by STARTTLS; a server that has none is not talked to
    NONE = "smtp+plain"  # not at all: for a server on the same machine


# RFC 8314 and RFC 6409; a relay without TLS.
_PORTS = {Tls.AT_ONCE: 465, Tls.ASKED: 587, Tls.NONE: 25}
_SHAPE = "smtp://USER:PASSWORD@HOST:PORT is needed, or smtps:// or smtp+plain:// before it"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where letters are handed over, and as whom."""

    tls: Tls
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, name: str, url: str) -> MailServer:
        """Read an address. Raises Invalid, naming the field; it never repeats the address."""
        try:
            parts = urlsplit(url)
            tls, host, port = Tls(parts.scheme), parts.hostname or "", parts.port
            host.encode("idna")
        except ValueError:
            raise Invalid(name, _SHAPE) from None
        if not host or parts.path.strip("/") or parts.query or parts.fragment:
            raise Invalid(name, _SHAPE)
        user, password = _login(parts)
        if bool(user) != bool(password):
            raise Invalid(name, "user and password are needed together")
        if user and tls is Tls.NONE:
            raise Invalid(name, "a password is sent over TLS alone: smtp:// or smtps://")
        return cls(tls=tls, host=host, port=port or _PORTS[tls], user=user, password=password)


def _login(parts: SplitResult) -> tuple[str, str]:
    return unquote(parts.username or ""), unquote(parts.password or "")
