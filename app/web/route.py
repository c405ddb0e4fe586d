"""A route as data: who may call it, what comes in, what goes out.

Nothing is served that is not declared here, and nothing can be declared without a policy.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from app.identity.door import Here
from app.identity.people import Person
from app.identity.roles import Right
from app.identity.subscribers import Subscriber
from app.identity.tokens import Bearer
from app.wiring import House
from runtime.store import Tx

BODY_BYTES_MAX = 64 * 1024
SAFE_METHODS = frozenset({"GET", "HEAD"})
_PART = re.compile(r"\{([a-z_]+)\}")


class Policy(StrEnum):
    """Who may call a route, whatever their role."""

    OPEN = "open"  # anybody: nothing about the business is in the answer
    SIGNED = "signed"  # the message itself proves who sent it
    TOKEN = "token"  # noqa: S105 - the name of a policy; an API token opens it
    # The same, or a program on this very machine, whatever befell the database.
    LOCAL_OR_TOKEN = "local_or_token"  # noqa: S105 - likewise
    PERSON = "person"  # whoever of the operator's people is signed in
    SUBSCRIBER = "subscriber"  # a subscriber who is signed in, for what is their own alone


# What a route asks for: a policy, or one of the operator's people whose role has this right.
Gate = Policy | Right
OF_PEOPLE: frozenset[Gate] = frozenset({Policy.PERSON, *Right})
BY_SIGN_IN = OF_PEOPLE | {Policy.SUBSCRIBER}


# What a model checks is built when it is first asked for: most forms are never sent, and all of
# them together are 3 MB.
class Parts(BaseModel):
    """The named parts of a path; subclasses say what each may look like."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Query(BaseModel):
    """The query string of a route; subclasses name what may be asked."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Body(BaseModel):
    """The JSON body of a route; strict, and closed against unknown fields."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)


class Form(BaseModel):
    """A form of a page, its token already taken off; strict about names, all values are text."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as a handler sees it; `query`, `body` and `form` are what the route declares.

    `here` is who is signed in, on routes for people, `guest` on those for subscribers, and `bearer`
    who calls by a token; `actor` names each in what is written down. `once` is the same for a
    form that is sent again, or a request with its Idempotency-Key, and empty without one.
    """

    request: web.Request
    house: House
    id: str
    query: Any = None
    body: Any = None
    form: Any = None
    parts: Any = None
    here: Here[Person] | None = None
    guest: Here[Subscriber] | None = None
    bearer: Bearer | None = None
    actor: str = ""
    once: str = ""

    @property
    def person(self) -> Person:
        """Who is signed in. Only on routes whose policy asks for a person."""
        return self.signed_in.person

    @property
    def signed_in(self) -> Here[Person]:
        """The sign-in of this request. Only on routes whose policy asks for a person."""
        if self.here is None:
            raise TypeError("this route lets in people who are not signed in")
        return self.here

    @property
    def visit(self) -> Here[Subscriber]:
        """The sign-in of this subscriber. Only on routes whose policy asks for one."""
        if self.guest is None:
            raise TypeError("this route lets in who is no subscriber")
        return self.guest

    @property
    def subscriber(self) -> Subscriber:
        """Who is signed in to see what is their own. Only on routes that ask for a subscriber."""
        return self.visit.person

    def part(self, name: str) -> str:
        """Give a named part of the path."""
        if self.parts is not None:
            return str(getattr(self.parts, name))
        return self.request.match_info[name]


Handler = Callable[[Call], Awaitable[Any]]
Deed = Callable[[Call, Tx], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One declared route.

    It has a `deed`, which changes something in a transaction that is opened and committed around
    it, or a `handler`, which does whatever else. `answer` is the type of what these return and
    becomes JSON; a route without it returns a finished response. `body` is the JSON model, `form`
    that of a form; without either the handler reads the bytes itself, which a route for people may
    not. `problems` are statuses of failures beyond those that come of how the route is declared.
    `kept` takes out of an answer what is told once, and not when the request is sent again.
    """

    method: str
    path: str
    policy: Gate
    handler: Handler | None = None
    deed: Deed | None = None
    answer: Any = None
    status: int = 200
    parts: type[Parts] | None = None
    query: type[Query] | None = None
    body: type[Body] | None = None
    form: type[Form] | None = None
    body_bytes_max: int = BODY_BYTES_MAX
    problems: frozenset[int] = frozenset()
    kept: Callable[[Any], Any] | None = None

    def __post_init__(self) -> None:
        """Refuse what could not be served, or be misused by a browser."""
        where = f"{self.method} {self.path}"
        needs_form = self.policy in BY_SIGN_IN and self.method not in SAFE_METHODS
        if needs_form != (self.form is not None):
            raise ValueError(f"{where}: people change things by forms alone")
        if (self.handler is None) == (self.deed is None):
            raise ValueError(f"{where}: one handler, or one deed")
        if self.deed is not None and self.method in SAFE_METHODS:
            raise ValueError(f"{where}: what only looks changes nothing")
        if self.parts is not None and set(self.parts.model_fields) != self.named_parts:
            raise ValueError(f"{where}: the parts are not those of the path")

    @property
    def named_parts(self) -> set[str]:
        """Name the parts of the path."""
        return set(_PART.findall(self.path))

    @property
    def told(self) -> Handler | Deed:
        """Give what answers; its name and docstring tell what it does."""
        found = self.deed or self.handler
        if found is None:
            raise TypeError("a route is never without both")
        return found


def shows(path: str, policy: Gate, handler: Handler, query: type[Query] | None = None) -> Route:
    """Declare a page that is looked at."""
    return Route(method="GET", path=path, policy=policy, handler=handler, query=query)


def takes(path: str, policy: Gate, handler: Handler, form: type[Form]) -> Route:
    """Declare where a form is sent to."""
    return Route(method="POST", path=path, policy=policy, handler=handler, form=form)
