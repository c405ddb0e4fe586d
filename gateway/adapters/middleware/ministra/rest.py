"""REST API v1 of a portal (Stalker 4.9.35): address, credentials, envelope, error texts.

Application errors come as HTTP 200 with a text; success is 200, JSON, status OK and results of
the expected type. It knows accounts and boxes only as parts of an address.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote_plus

import orjson

from gateway.adapters.middleware.ministra.options import MinistraOptions
from gateway.adapters.sdk import Answer, Http, refusal
from terms.errors import Conflict, Permanent, Retryable, TargetError, Unauthorized, untouched

MIB = 1024 * 1024
ROW_BYTES_MAX = 1 * MIB
CATALOG_BYTES_MAX = 16 * MIB  # up to 5.0.3 every package lists all channels
SCAN_BYTES_MAX = 64 * MIB  # the list is not paged: 50,000 accounts are about 15 MB
TOLD_CHARS_MAX = 120

SUBSCRIPTION = "account_subscription/"
NOT_FOUND = "Account not found"
LOGIN_TAKEN = "Login already in use"
MAC_TAKEN = "MAC address already in use"
ERRORS: Mapping[str, tuple[type[TargetError], str]] = {
    NOT_FOUND: (Conflict, "the account is no longer at the portal"),
    LOGIN_TAKEN: (Conflict, "the login is taken at the portal"),
    MAC_TAKEN: (Conflict, "the box is bound to another account at the portal"),
    "Stb already exists": (Conflict, "the box is bound to another account at the portal"),
    "STB not found": (Permanent, "the account has no box at the portal"),
    "Empty stb list": (Permanent, "the account has no box at the portal"),
    "401 Unauthorized request": (Unauthorized, "the portal refuses our credentials"),
}
# Before 5.0.0-r2 a subscription write was applied and then answered like this, as text/html.
_APPLIED_ALL_THE_SAME = b"Unauthorized request."

T = TypeVar("T")


class Rest:
    """The calls of one portal. The address and the credentials are put together once."""

    def __init__(self, options: MinistraOptions, http: Http) -> None:
        self._http = http
        self._root = f"{options.base_url}{options.api_path}/"
        self._deadline_s = options.deadline_s
        self._scan_deadline_s = options.scan_deadline_s
        user = f"{options.login}:{options.password.get_secret_value()}"
        self._auth = {"Authorization": "Basic " + b64encode(user.encode()).decode()}
        # The body of PUT is read as a form, too, whatever its type is said to be.
        self._form = {**self._auth, "Content-Type": "application/x-www-form-urlencoded"}

    async def exchange(
        self, method: str, path: str, form: str = "", *, bytes_max: int = ROW_BYTES_MAX
    ) -> tuple[Any, str]:
        """Make one call and give its results and its error text; one of the two is empty."""
        answer = await self._http.call(
            method,
            self._root + path,
            headers=self._form if form else self._auth,
            body=form.encode() if form else None,
            deadline_s=self._deadline_s,
            body_bytes_max=bytes_max,
        )
        if answer.status != HTTPStatus.OK:
            raise _refused(answer)
        if path.startswith(SUBSCRIPTION) and answer.body.strip() == _APPLIED_ALL_THE_SAME:
            return True, ""  # whether it was applied is seen in the read-back
        return opened(answer.body)

    async def ask(
        self,
        method: str,
        path: str,
        expected: type[T],
        form: str = "",
        *,
        bytes_max: int = ROW_BYTES_MAX,
    ) -> T:
        """Make one call whose every application error is an error of ours."""
        results, error = await self.exchange(method, path, form, bytes_max=bytes_max)
        if error:
            raise told(error)
        return typed(results, expected)

    async def whole_list(self) -> bytes:
        """Fetch the body of all accounts, unread."""
        answer = await self._http.call(
            "GET",
            f"{self._root}accounts/",
            headers=self._auth,
            deadline_s=self._scan_deadline_s,
            body_bytes_max=SCAN_BYTES_MAX,
        )
        if answer.status != HTTPStatus.OK:
            raise _refused(answer)
        return answer.body

    async def is_open(self) -> bool:
        """Tell whether the API answers without credentials."""
        answer = await self._http.call(
            "GET",
            f"{self._root}tariffs/",
            deadline_s=self._deadline_s,
            body_bytes_max=CATALOG_BYTES_MAX,
        )
        return answer.status == HTTPStatus.OK and not opened(answer.body)[1]


def form_of(fields: Mapping[str, str]) -> str:
    """Word a form body."""
    return "&".join(f"{name}={_quoted(value)}" for name, value in fields.items())


def _quoted(value: str) -> str:
    # Most values are plain words: this halves the cost of a form.
    return value if value.isascii() and value.isalnum() else quote_plus(value)


def opened(body: bytes) -> tuple[Any, str]:
    """Open the envelope: results and error text. Raises Retryable where there is none."""
    try:
        envelope = orjson.loads(body)
    except ValueError:
        envelope = None
    if not isinstance(envelope, dict) or envelope.get("status") not in {"OK", "ERROR"}:
        # A PHP failure or somebody's web page. Never quoted: it shows paths of files.
        raise Retryable("the portal answered with something that is not its API's JSON")
    if envelope["status"] == "OK":
        return envelope.get("results"), ""
    return None, str(envelope.get("error") or "no reason given")


def told(error: str) -> TargetError:
    """Turn an error text of the portal into the error it stands for.

    The portal checks first and acts then: a call that it answers so had no effect.
    """
    known = ERRORS.get(error)
    if known is not None:
        return untouched(known[0](known[1]))
    text = "".join(char if char.isprintable() else " " for char in error[:TOLD_CHARS_MAX])
    return untouched(Permanent(f"the portal refuses: {text}"))


def typed(results: Any, expected: type[T]) -> T:
    """Insist on the expected type of results."""
    if not isinstance(results, expected):
        raise Permanent(f"the portal answered {type(results).__name__}, not {expected.__name__}")
    return results


def _refused(answer: Answer) -> TargetError:
    if answer.status == HTTPStatus.NOT_FOUND and answer.body.strip().startswith(b"API not enabled"):
        return untouched(Permanent("the portal's API is switched off: its enable_api is false"))
    return refusal(answer)
