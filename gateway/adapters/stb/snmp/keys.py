"""As whom a box is asked: its own user with localised keys, or, where it has no keys, a community.

USM with HMAC-SHA-256 (RFC 7860) and AES-128 (RFC 3826). Passphrases are not taken: to hash one
costs more than a thousand requests, and whoever has it has every box that shares it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gateway.adapters import boxes
from gateway.adapters.sdk import Access
from terms.errors import Permanent, untouched

PORT = 161
MASTER = "master:"
# What every factory prints: whoever writes with it is nobody in particular.
COMMUNITIES_REFUSED = frozenset({"public", "private"})
_AUTH_KEY = re.compile(r"[0-9A-Fa-f]{64}")
_PRIV_KEY = re.compile(r"[0-9A-Fa-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One box at one address, and what it knows us by: a user and keys, or a community."""

    host: str
    port: int
    user: str = ""
    auth_key: bytes = field(default=b"", repr=False)
    priv_key: bytes = field(default=b"", repr=False)
    is_master: bool = False
    community: str = field(default="", repr=False)


def peer_of(access: Access) -> Peer:
    """Read how a box is reached. Raises Permanent, which shows no secret."""
    host, port = boxes.place_of(access.address, PORT)
    secrets = access.secrets
    auth, priv = secrets.get("auth_key", ""), secrets.get("priv_key", "")
    if auth or priv:
        user = secrets.get("username", "")
        is_master = auth.startswith(MASTER) and priv.startswith(MASTER)
        if is_master:
            auth, priv = auth.removeprefix(MASTER), priv.removeprefix(MASTER)
        shape = _AUTH_KEY if is_master else _PRIV_KEY
        if not (user and _AUTH_KEY.fullmatch(auth) and shape.fullmatch(priv)):
            raise untouched(Permanent("the box needs a username and two localised keys"))
        return Peer(
            host=host,
            port=port,
            user=user,
            auth_key=bytes.fromhex(auth),
            priv_key=bytes.fromhex(priv),
            is_master=is_master,
        )
    community = secrets.get("community", "")
    if not community:
        raise untouched(Permanent("nobody has told the keys of the box"))
    if community.lower() in COMMUNITIES_REFUSED:
        raise untouched(Permanent("the community of the box is one that everybody knows"))
    return Peer(host=host, port=port, community=community)
