"""Calls of the HTTP API: JSON in an envelope named by the resource, under an idempotency key.

What says nothing about the payer is raised here; the rest is read by whoever asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from billing.payments.providers.gocardless.options import Options
from billing.payments.reading import object_of, readable, word
from terms.errors import Invalid, Permanent, Throttled, Unauthorized, Unreachable, untouched
from terms.http import Answer, Http

API_VERSION = "2015-07-06"
PAGE_SIZE = 500
PAGES_MAX = 10
RESET_MAX_S, RESET_DEFAULT_S = 900.0, 60.0
REASON_CHARS_MAX = 60
CONFLICT = "idempotent_creation_conflict"
GONE = frozenset({"resource_not_found", "link_not_found"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why the provider refuses: its reasons, the fields that are wrong, what a key had made."""

    reasons: frozenset[str]
    fields: frozenset[str]
    made: str

    @property
    def is_gone(self) -> bool:
        """Whether it says that something is not there."""
        return bool(self.reasons & GONE)

    @property
    def reason(self) -> str:
        """One reason to show."""
        return min(self.reasons, default="refused")

    def raised(self) -> Permanent:
        """Word a refusal that is about us."""
        return Permanent(f"the provider refuses the request: {self.reason}")


class Client:
    """The API of one account."""

    def __init__(self, name: str, options: Options, http: Http) -> None:
        self.name = name
        self.options = options
        self._http = http
        self._root = options.base_url.rstrip("/")

    async def create(
        self, table: str, fields: Mapping[str, Any], *, key: str = ""
    ) -> dict[str, Any] | Refusal:
        """Make a resource. A key that has made one already gives that one."""
        said = await self._post(f"/{table}", table, fields, key)
        if isinstance(said, Refusal) and said.made:
            return await self.get(table, said.made)
        return said

    async def act(self, table: str, key: str, verb: str) -> dict[str, Any] | Refusal:
        """Do something with a resource."""
        return await self._post(f"/{table}/{_part(key)}/actions/{verb}", table, {}, "")

    async def get(self, table: str, key: str) -> dict[str, Any] | Refusal:
        """Read a resource."""
        said = await self._call("GET", f"/{table}/{_part(key)}")
        return said if isinstance(said, Refusal) else _envelope(said, table)

    async def page(self, table: str, query: Mapping[str, str]) -> dict[str, Any] | Refusal:
        """Read a page of a list, with its cursors."""
        wanted = {"limit": str(PAGE_SIZE), **query}
        return await self._call("GET", f"/{table}?{urlencode(wanted)}")

    async def walk(self, table: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """Read all pages of a list, the newest first; nothing where what it is of is not there.

        Raises Unreachable where it is too long.
        """
        found: list[dict[str, Any]] = []
        wanted = dict(query)
        for _ in range(PAGES_MAX):
            page = await self.page(table, wanted)
            if isinstance(page, Refusal):
                if page.is_gone:
                    return []
                raise page.raised()
            with readable():
                found += [one for one in page[table] if isinstance(one, dict)]
                older = page["meta"]["cursors"]["after"]
            if not isinstance(older, str):
                return found
            wanted["after"] = older
        raise Unreachable(
            f"{self.name} has more than {PAGES_MAX * PAGE_SIZE} {table} to look through"
        )

    async def _post(
        self, path: str, table: str, fields: Mapping[str, Any], key: str
    ) -> dict[str, Any] | Refusal:
        said = await self._call("POST", path, orjson.dumps({table: fields}), key)
        return said if isinstance(said, Refusal) else _envelope(said, table)

    async def _call(
        self, method: str, path: str, body: bytes | None = None, key: str = ""
    ) -> dict[str, Any] | Refusal:
        token = self.options.access_token.get_secret_value()
        headers = {
            "accept": "application/json",
            "authorization": f"Bearer {token}",
            "gocardless-version": API_VERSION,
        }
        if body is not None:
            headers["content-type"] = "application/json"
        if key:
            headers["idempotency-key"] = key
        answer = await self._http.call(
            method,
            f"{self._root}{path}",
            headers=headers,
            body=body,
            deadline_s=self.options.deadline_s,
        )
        return self._read(answer)

    def _read(self, answer: Answer) -> dict[str, Any] | Refusal:
        """Read an answer; raises for what says nothing about the payer. A 5xx may have acted."""
        status = answer.status
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            with readable():
                return object_of(answer.body)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise Unauthorized(f"{self.name} refuses our token")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            # Turned away before anything is done (GoCardless: "Rate limiting").
            wait_s = _reset_s(answer.headers)
            raise untouched(Throttled(f"{self.name} is asked too often", wait_s))
        if not HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unreachable(f"{self.name} answered {status}")
        return _refusal(answer.body)


def _part(key: str) -> str:
    return quote(key, safe="")


def _envelope(said: Mapping[str, Any], table: str) -> dict[str, Any]:
    found = said.get(table)
    if not isinstance(found, dict):
        raise Unreachable("an answer that cannot be read: it has no resource")
    return found


def _refusal(body: bytes) -> Refusal:
    try:
        error = object_of(body).get("error")
    except Invalid:
        error = None
    told = error.get("errors") if isinstance(error, dict) else None
    errors = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    links = [one["links"] for one in errors if isinstance(one.get("links"), dict)]
    made = [word(one.get("conflicting_resource_id"), REASON_CHARS_MAX) for one in links]
    reasons = {word(one.get("reason"), REASON_CHARS_MAX) for one in errors}
    return Refusal(
        reasons=frozenset(filter(None, reasons)),
        fields=frozenset(filter(None, (word(one.get("field"), 60) for one in errors))),
        made=next(filter(None, made), "") if CONFLICT in reasons else "",
    )


def _reset_s(headers: Mapping[str, str]) -> float:
    """Tell how long it takes until more may be asked, by the provider's own clock."""
    try:
        now, then = (parsedate_to_datetime(headers[name]) for name in ("date", "ratelimit-reset"))
        wait_s = (then - now).total_seconds()
    except (KeyError, TypeError, ValueError):
        return RESET_DEFAULT_S
    return min(max(wait_s, 1.0), RESET_MAX_S)
