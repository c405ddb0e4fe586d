"""The one client of the demonstration: a single HTTP session for product, portal and provider."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from demo.proof import NoAnswer

DEADLINE_S = 15.0
OK = range(200, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    text: str
    headers: Mapping[str, str]
    cookies: Mapping[str, str]

    def json(self) -> Any:
        """Read it as JSON. Raises NoAnswer."""
        try:
            return json.loads(self.text)
        except ValueError:
            raise NoAnswer(f"HTTP {self.status} and no JSON: {self.text[:80]!r}") from None


class Client:
    """Calls systems; follows no redirect."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> Answer:
        """Make one request. Raises NoAnswer where nobody answers in time."""
        try:
            async with self._session.request(
                method,
                url,
                headers=headers,
                params=query,
                data=form,
                json=body,
                allow_redirects=False,
            ) as response:
                text = await response.text()
                cookies = {name: one.value for name, one in response.cookies.items()}
                return Answer(
                    status=response.status, text=text, headers=response.headers, cookies=cookies
                )
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            why = str(error) or type(error).__name__
            raise NoAnswer(f"{method} {url}: {why}") from None


def new_session() -> aiohttp.ClientSession:
    """Make the session; it talks to this machine only and asks no proxy."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=DEADLINE_S),
        connector=aiohttp.TCPConnector(limit=16),
        trust_env=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    )
