"""The link in a letter by which a household declines such letters: sealed, for it alone."""

from __future__ import annotations

from app.settings import Settings
from runtime.secrets import SealBroken, Sealer
from terms.errors import NotFound
from terms.ids import ServiceId

PATH = "/portal/unsubscribe/"
TOKEN_CHARS_MAX = 400
_PLACE = "opt_out/mail"


def address(settings: Settings, sealer: Sealer, service: ServiceId) -> str:
    """Give the whole address; empty where nobody has told ours."""
    if settings.public_url is None:
        return ""
    return f"{settings.public_url.rstrip('/')}{PATH}{sealer.seal(service, place=_PLACE)}"


def opened(sealer: Sealer, token: str) -> ServiceId:
    """Tell whose link it is. Raises NotFound for one that is not ours."""
    try:
        return ServiceId(sealer.open(token[:TOKEN_CHARS_MAX], place=_PLACE))
    except SealBroken:
        raise NotFound("this link is none of ours, or too old") from None
