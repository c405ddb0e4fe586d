"""Forms of the console: only from our own page, in this very process's lifetime.

A browser says where a form comes from; one from elsewhere is refused. The token in each form is
known to nobody who could not read the page anyway.
"""

from __future__ import annotations

import hashlib
import hmac

from aiohttp import web

from app.web.console.views import Tone
from app.web.origin import check_from_here
from app.web.problem import BadRequest
from app.web.reading import read_form
from runtime.chance import Chance
from runtime.secrets import same

FORM_BYTES_MAX = 8 * 1024
SAYINGS_MAX = 100


class Sayings:
    """What forms have to say to the page shown next: kept here, so that no link can forge it."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._said: dict[str, tuple[str, Tone]] = {}

    def put(self, text: str, tone: Tone) -> str:
        """Keep a sentence and give its key; the oldest are forgotten."""
        key = self._chance.token(9)
        self._said[key] = (text, tone)
        while len(self._said) > SAYINGS_MAX:
            del self._said[next(iter(self._said))]
        return key

    def take(self, key: str) -> tuple[str, Tone]:
        """Give a sentence, once."""
        return self._said.pop(key, ("", "good"))


class FormToken:
    """Makes and checks the token of one process's forms."""

    def __init__(self, secret: str) -> None:
        self.value = hmac.new(secret.encode(), b"console form", hashlib.sha256).hexdigest()

    async def read(self, request: web.Request) -> dict[str, str]:
        """Read a form of ours. Raises BadRequest for one from elsewhere."""
        check_from_here(request)
        form = await read_form(request, FORM_BYTES_MAX)
        if not same(form.pop("token", ""), self.value):
            why = "the page is older than the running product: go back, reload and try again"
            raise BadRequest(403, "not allowed", why)
        return form
