"""The provider's own library, sent through our one client door: once each, and with nothing extra.

Its retries, its telemetry and its logging of bodies are off. What it tells of the machine is left
out, and so is whatever the answer says to the library alone.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import stripe
from stripe import _util

from billing.payments.providers.stripe.options import Options
from terms.http import Http

API_VERSION = "2025-03-31.basil"
_SENT = frozenset({"authorization", "content-type", "idempotency-key", "stripe-version"})
_HEARD = frozenset({"request-id", "retry-after"})

stripe.enable_telemetry = False
# It writes whole bodies, to its logger or, where the environment says so, to stderr.
logging.getLogger("stripe").setLevel(logging.CRITICAL)
_util.STRIPE_LOG = None


class Door(stripe.HTTPClient):
    """Takes the requests that the library words, and hands back what came."""

    name = "boxoffice"

    def __init__(self, http: Http, deadline_s: float) -> None:
        super().__init__()
        self._http = http
        self._deadline_s = deadline_s

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Make one request. Raises what the door raises: the library lets it pass."""
        answer = await self._http.call(
            method.upper(),
            url,
            headers={name: text for name, text in headers.items() if name.lower() in _SENT},
            body=None if post_data is None else str(post_data).encode(),
            deadline_s=self._deadline_s,
        )
        told = {name: answer.headers[name] for name in _HEARD if name in answer.headers}
        return answer.body, answer.status, told


def open_library(options: Options, http: Http) -> stripe.StripeClient:
    """Open the library for one account."""
    return stripe.StripeClient(
        options.secret_key.get_secret_value(),
        stripe_version=API_VERSION,
        base_addresses={"api": options.base_url.rstrip("/")},
        max_network_retries=0,
        http_client=Door(http, options.deadline_s),
    )
