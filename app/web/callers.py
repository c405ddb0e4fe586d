"""Who calls by a token: known in the database, no faster than agreed, and noted as seen.

A stranger's address is slowed down before the database is asked; who has proven to be known by
this process is not held up by what others do from the same address.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from aiohttp import web

from app.identity import tokens
from app.identity.tokens import Bearer
from app.web.allowance import Allowance
from app.web.caller import address
from app.web.pacing import Pacer, per_second
from app.web.problem import UNKNOWN_CALLER, BadRequest
from app.wiring import House
from runtime.secrets import token_hash

_SCHEME = "bearer "
KNOWN_MAX = 1_000
STRANGERS_PER_S, STRANGERS_BURST_S = 50.0, 10.0
NOTED_EVERY = timedelta(minutes=1)


class Callers:
    """Lets bearers in, for one web process."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._known = Allowance(house.store, house.settings.api_calls_per_s)
        self._strange = Pacer(per_second(STRANGERS_PER_S, burst_s=STRANGERS_BURST_S))
        self._noted: OrderedDict[str, datetime] = OrderedDict()

    async def admit(self, request: web.Request) -> Bearer:
        """Tell who calls. Raises BadRequest: 401 for a stranger, 429 for who calls too often."""
        token = _given(request)
        now = self._house.clock.machine_now()
        where = address(request, self._house.settings)
        if token_hash(token) not in self._noted:
            _check(self._strange.wait(where, now))
        bearer = None
        if token:
            async with self._house.store.read() as tx:
                bearer = await tokens.find(tx, token)
        if bearer is None:
            self._strange.take(where, now)
            why = "send an API token: Authorization: Bearer ..."
            raise BadRequest(UNKNOWN_CALLER, "who are you", why)
        _check(await self._known.take(bearer.key, now))
        await self._note(bearer, now)
        return bearer

    async def _note(self, bearer: Bearer, now: datetime) -> None:
        """Write down that a token is used, once in a while."""
        noted_at = self._noted.get(bearer.key)
        if noted_at is not None and now - noted_at < NOTED_EVERY:
            return
        self._noted[bearer.key] = now
        self._noted.move_to_end(bearer.key)
        if len(self._noted) > KNOWN_MAX:
            self._noted.popitem(last=False)
        async with self._house.store.begin() as tx:
            await tokens.used(tx, bearer, now)


def _given(request: web.Request) -> str:
    given = request.headers.get("Authorization", "")
    return given[len(_SCHEME) :].strip() if given[: len(_SCHEME)].lower() == _SCHEME else ""


def _check(wait: timedelta) -> None:
    if wait:
        why = "you call too often: wait as long as Retry-After says"
        raise BadRequest(429, "too many calls", why, retry_after_s=wait.total_seconds())
