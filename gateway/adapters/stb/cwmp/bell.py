"""Ringing a box: a GET that asks it to call (TR-069, 3.2.2), proven by digest.

The address comes from the box and is never trusted: an address, not a name, and only the one the
box itself called from, or one the operator has named.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from gateway.adapters.sdk import Access, Answer, Http, refusal
from gateway.adapters.stb.cwmp.digest import answer_to
from runtime.chance import Chance
from runtime.networks import Networks
from runtime.retry import pause
from terms.errors import Permanent, TargetError, Unauthorized, untouched

CALL_S = 2.0
URL_CHARS_MAX = 255
ANSWER_BYTES_MAX = 4_096
WAIT_S_MAX = 1.0
BUSY_S = 0.3
KEPT_MAX = 50_000
CNONCE_BYTES = 12
_TAKEN = frozenset({HTTPStatus.OK, HTTPStatus.NO_CONTENT})


class Bell:
    """Rings boxes through a door, none of them too often."""

    def __init__(self, http: Http, chance: Chance) -> None:
        self._http = http
        self._chance = chance
        self._rung_s: OrderedDict[str, float] = OrderedDict()

    async def ring(self, ref: str, access: Access, every_s: float) -> str:
        """Ask a box to call. Returns why it was not asked; empty where it was.

        Raises Unreachable where it does not answer, Permanent where it refuses our credentials.
        """
        if not access.address.startswith("http://"):
            return "the box has told no address at which it could be rung"
        if not await self._is_our_turn(ref, every_s):
            return "the box was rung a moment ago"
        try:
            await self._rung(access)
        except TargetError as error:
            # Whatever became of the ringing, it has changed nothing at the box.
            raise untouched(error) from None
        return ""

    async def _is_our_turn(self, ref: str, every_s: float) -> bool:
        """Keep the pace of a model; a short while is waited for."""
        now_s = asyncio.get_running_loop().time()
        at_s = max(self._rung_s.pop(ref, -every_s) + every_s, now_s)
        if at_s - now_s > WAIT_S_MAX:
            self._keep(ref, at_s - every_s)
            return False
        self._keep(ref, at_s)
        if at_s > now_s:
            await pause(at_s - now_s)
        return True

    def _keep(self, ref: str, at_s: float) -> None:
        self._rung_s[ref] = at_s
        if len(self._rung_s) > KEPT_MAX:
            self._rung_s.popitem(last=False)

    async def _rung(self, access: Access) -> None:
        answer = await self._answered(access)
        if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
            # Most often a session that is just ending; the box keeps no memory of having been rung.
            await pause(BUSY_S)
            answer = await self._answered(access)
        if answer.status in _TAKEN:
            return
        error = refusal(answer)
        if isinstance(error, Unauthorized):
            # It says nothing about the other boxes of this target.
            raise Permanent("the box refuses the credentials of our connection requests")
        raise error

    async def _answered(self, access: Access) -> Answer:
        answer = await self._call(access.address, "")
        if answer.status == HTTPStatus.UNAUTHORIZED:
            for username, password in _credentials(access):
                answer = await self._call(
                    access.address, self._proof(answer, access.address, username, password)
                )
                if answer.status != HTTPStatus.UNAUTHORIZED:
                    break
        return answer

    async def _call(self, url: str, proof: str) -> Answer:
        return await self._http.call(
            "GET",
            url,
            headers={"Authorization": proof} if proof else {},
            deadline_s=CALL_S,
            body_bytes_max=ANSWER_BYTES_MAX,
        )

    def _proof(self, answer: Answer, url: str, username: str, password: str) -> str:
        place = urlsplit(url)
        return answer_to(
            [answer.headers.get("www-authenticate", "")],
            username=username,
            password=password,
            method="GET",
            uri=(place.path or "/") + (f"?{place.query}" if place.query else ""),
            cnonce=self._chance.token(CNONCE_BYTES),
        )


def is_ringable(url: str, peer: str, networks: Networks) -> bool:
    """Tell whether an address that a box told may be kept."""
    if not 0 < len(url) <= URL_CHARS_MAX or not (url.isascii() and url.isprintable()):
        return False
    if " " in url:
        return False
    try:
        place = urlsplit(url)
        host, caller = _literal(place), _plain(peer)
    except ValueError:
        return False
    is_bare = place.scheme == "http" and "@" not in place.netloc and not place.fragment
    return is_bare and (host == caller or host in networks)


def _literal(place: SplitResult) -> str:
    """Read the address and the port. Raises ValueError for a name, or for a port that is none."""
    _ = place.port
    return _plain(place.hostname or "")


def _plain(address: str) -> str:
    return str(ip_address(address))


def _credentials(access: Access) -> list[tuple[str, str]]:
    """List what the box may know us by: what was set last, then what was before."""
    secrets = access.secrets
    username = secrets.get("connection_username") or secrets.get("username", "")
    names = ("next_connection_password", "connection_password")
    return [(username, secrets[name]) for name in names if secrets.get(name)]
