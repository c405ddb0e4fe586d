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

from app.identity.keeper import Here
from app.identity.people import Person
from app.wiring import House

BODY_BYTES_MAX = 64 * 1024
SAFE_METHODS = frozenset({"GET", "HEAD"})


class Policy(StrEnum):
    """Who may call a route."""

    OPEN = "open"  # anybody: nothing about the business is in the answer
    SIGNED = "signed"  # the message itself proves who sent it
    TOKEN = "token"  # noqa: S105 - the name of a policy; an API token opens it
    LOCAL = "local"  # a browser on this very machine
    LOCAL_OR_TOKEN = "local_or_token"  # noqa: S105 - likewise
    PERSON = "person"  # whoever is signed in
    # Somebody signed in whose role is this one or includes it.
    TECHNICIAN = "technician"
    OWNER = "owner"


OF_PEOPLE = frozenset({Policy.PERSON, Policy.TECHNICIAN, Policy.OWNER})


class Query(BaseModel):
    """The query string of a route; subclasses name what may be asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Body(BaseModel):
    """The JSON body of a route; strict, and closed against unknown fields."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Form(BaseModel):
    """A form of a page, its token already taken off; strict about names, all values are text."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as a handler sees it; `query`, `body` and `form` are what the route declares.

    `here` is who is signed in, on routes for people; `actor` names whoever calls in what is written
    down, on these and on routes that an API token opens.
    """

    request: web.Request
    house: House
    id: str
    query: Any = None
    body: Any = None
    form: Any = None
    here: Here | None = None
    actor: str = ""

    @property
    def person(self) -> Person:
        """Who is signed in. Only on routes whose policy asks for a person."""
        return self.signed_in.person

    @property
    def signed_in(self) -> Here:
        """The sign-in of this request. Only on routes whose policy asks for a person."""
        if self.here is None:
            raise TypeError("this route lets in people who are not signed in")
        return self.here

    def part(self, name: str) -> str:
        """Give a named part of the path."""
        return self.request.match_info[name]


Handler = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One declared route.

    `answer` is the type of what the handler returns and becomes JSON; a route without it returns
    a finished response. `body` is the JSON model, `form` that of a form; without either the handler
    reads the bytes itself, which a route for people may not.
    """

    method: str
    path: str
    policy: Policy
    handler: Handler
    answer: Any = None
    status: int = 200
    query: type[Query] | None = None
    body: type[Body] | None = None
    form: type[Form] | None = None
    body_bytes_max: int = BODY_BYTES_MAX

    def __post_init__(self) -> None:
        """Refuse a route on which a browser could change something without proof of its form."""
        needs_form = self.policy in OF_PEOPLE and self.method not in SAFE_METHODS
        if needs_form != (self.form is not None):
            raise ValueError(f"{self.method} {self.path}: people change things by forms alone")
