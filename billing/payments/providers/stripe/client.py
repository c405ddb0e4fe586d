"""Calls of the HTTP API: form-encoded, with our key and version, under an idempotency key.

What says nothing about the payer is raised here; the rest is read by whoever asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from billing.payments.providers.stripe.options import Options
from billing.payments.providers.stripe.reading import inner, object_of
from terms.errors import (
    Conflict,
    Invalid,
    Permanent,
    Throttled,
    Unauthorized,
    Unreachable,
    untouched,
)
from terms.http import Answer, Http

API_VERSION = "2024-06-20"
RETRY_AFTER_MAX_S = 900
RETRY_AFTER_DIGITS_MAX = 12


class Client:
    """The API of one account."""

    def __init__(self, name: str, options: Options, http: Http) -> None:
        self.name = name
        self.options = options
        self._http = http
        self._root = options.base_url.rstrip("/")

    async def post(self, path: str, form: Mapping[str, str], *, key: str) -> Answer:
        """Send a form; with a key the same one acts once."""
        headers = {**self._headers(), "content-type": "application/x-www-form-urlencoded"}
        if key:
            headers["idempotency-key"] = key
        answer = await self._http.call(
            "POST",
            f"{self._root}{path}",
            headers=headers,
            body=urlencode(form).encode(),
            deadline_s=self.options.deadline_s,
        )
        return self._checked(answer)

    async def get(self, path: str, query: Mapping[str, str]) -> Answer:
        """Look something up."""
        answer = await self._http.call(
            "GET",
            f"{self._root}{path}?{urlencode(query)}",
            headers=self._headers(),
            deadline_s=self.options.deadline_s,
        )
        return self._checked(answer)

    def _headers(self) -> dict[str, str]:
        secret = self.options.secret_key.get_secret_value()
        return {"authorization": f"Bearer {secret}", "stripe-version": API_VERSION}

    def _checked(self, answer: Answer) -> Answer:
        """Raise for what says nothing about the payer. A 5xx may have had its effect."""
        status = answer.status
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise Unauthorized(f"{self.name} refuses our key")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            # Turned away before anything is done (Stripe: "Rate limits").
            raise untouched(Throttled(f"{self.name} is asked too often", _retry_after_s(answer)))
        if status == HTTPStatus.CONFLICT:
            raise Conflict(f"{self.name} is still at the same request")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status < HTTPStatus.OK:
            raise Unreachable(f"{self.name} answered {status}")
        return answer


@contextmanager
def readable() -> Iterator[None]:
    """Count an answer that cannot be read as none: its request may have had its effect."""
    try:
        yield
    except (Invalid, KeyError, TypeError) as error:
        raise Unreachable(f"an answer that cannot be read: {error}") from None


def error_of(answer: Answer) -> dict[str, Any]:
    """Read what an answer refuses with."""
    try:
        return inner(object_of(answer.body), "error")
    except Invalid:
        return {}


def refused(answer: Answer) -> Permanent:
    """Word a refusal that is about us."""
    return Permanent(f"the provider refuses the request: {str(error_of(answer).get('code'))[:40]}")


def _retry_after_s(answer: Answer) -> float:
    told = answer.headers.get("retry-after", "")
    return (
        float(min(int(told), RETRY_AFTER_MAX_S))
        if told.isdigit() and len(told) <= RETRY_AFTER_DIGITS_MAX
        else 60.0
    )
