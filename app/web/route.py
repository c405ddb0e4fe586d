"""A route as data: who may call it, what comes in, what goes out.

Nothing is served that is not declared here, and nothing can be declared without a policy.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from app.wiring import House

BODY_BYTES_MAX = 64 * 1024


class Policy(StrEnum):
    """Who may call a route."""

    OPEN = "open"  # anybody: nothing about the business is in the answer
    SIGNED = "signed"  # the message itself proves who sent it
    TOKEN = "token"  # noqa: S105 - the name of a policy; an API token opens it
    LOCAL = "local"  # a browser on this very machine
    LOCAL_OR_TOKEN = "local_or_token"  # noqa: S105 - likewise


class Query(BaseModel):
    """The query string of a route; subclasses name what may be asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Body(BaseModel):
    """The JSON body of a route; strict, and closed against unknown fields."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as a handler sees it; `query` and `body` are what the route declares."""

    request: web.Request
    house: House
    id: str
    query: Any = None
    body: Any = None

    def part(self, name: str) -> str:
        """Give a named part of the path."""
        return self.request.match_info[name]


Handler = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One declared route.

    `answer` is the type of what the handler returns and becomes JSON; a route without it returns
    a finished response. `body` is the JSON model; with `raw` the handler reads the bytes itself.
    """

    method: str
    path: str
    policy: Policy
    handler: Handler
    answer: Any = None
    status: int = 200
    query: type[Query] | None = None
    body: type[Body] | None = None
    body_bytes_max: int = BODY_BYTES_MAX
