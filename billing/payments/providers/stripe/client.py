"""Calls of the API by the provider's own library. Not every refusal is the payer's.

What says nothing about the payer is raised here; the rest is read by whoever asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

import stripe

from billing.payments.providers.stripe.door import open_library
from billing.payments.providers.stripe.options import Options
from terms.errors import (
    Conflict,
    Permanent,
    TargetError,
    Throttled,
    Unauthorized,
    Unreachable,
    untouched,
)
from terms.http import Http

RETRY_AFTER_MAX_S = 900
RETRY_AFTER_DIGITS_MAX = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What the provider refuses with, in its own words."""

    status: int
    error: Mapping[str, Any]

    def raised(self) -> Permanent:
        """Word a refusal that is about us."""
        code = str(self.error.get("code"))[:40]
        return Permanent(f"the provider refuses the request: {code}")


class _Told(Protocol):
    """What every object of the library carries: the answer it was made of."""

    @property
    def last_response(self) -> Any: ...


class Client:
    """The API of one account."""

    def __init__(self, name: str, options: Options, http: Http) -> None:
        self.name = name
        self.options = options
        self.api = open_library(options, http).v1

    async def ask(self, call: Awaitable[_Told]) -> dict[str, Any] | Refusal:
        """Wait for a call of the library; returns the JSON object that came, or the refusal.

        Raises what says nothing about the payer. A 5xx may have had its effect, and so may
        whatever was answered in a shape that the library does not expect.
        """
        try:
            found = (await call).last_response.data
        except stripe.StripeError as error:
            return self._refusal(error)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Unreachable(f"{self.name} gave an answer that cannot be read") from None
        if not isinstance(found, dict):
            raise Unreachable(f"{self.name} gave an answer that is no object")
        return found

    def _refusal(self, error: stripe.StripeError) -> Refusal:
        status = error.http_status or 0
        if isinstance(error, stripe.RateLimitError):
            status = HTTPStatus.TOO_MANY_REQUESTS
        raised = self._not_the_payers(status, error.headers or {})
        if raised is not None:
            raise raised from None
        told = error.json_body.get("error") if isinstance(error.json_body, dict) else None
        return Refusal(status=status, error=told if isinstance(told, dict) else {})

    def _not_the_payers(self, status: int, headers: Mapping[str, str]) -> TargetError | None:
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return Unauthorized(f"{self.name} refuses our key")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            # Turned away before anything is done (Stripe: "Rate limits").
            return untouched(Throttled(f"{self.name} is asked too often", _retry_after_s(headers)))
        if status == HTTPStatus.CONFLICT:
            return Conflict(f"{self.name} is still at the same request")
        if not HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Unreachable(f"{self.name} answered {status}")
        return None


def _retry_after_s(headers: Mapping[str, str]) -> float:
    told = headers.get("retry-after", "")
    return (
        float(min(int(told), RETRY_AFTER_MAX_S))
        if told.isdigit() and len(told) <= RETRY_AFTER_DIGITS_MAX
        else 60.0
    )
