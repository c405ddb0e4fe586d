"""The adapter contract: what one kind of target must be able to do, and what it may offer besides.

An adapter translates. It holds no truth, has no loop around a request, does not log and does not
know billing. Every error it raises is a class of terms.errors. Methods that write are read back
by the caller, never trusted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict

from gateway.adapters.state import ViewerState
from terms.ids import TargetName

S = TypeVar("S", bound=ViewerState)


class Options(BaseModel):
    """The operator's settings of one target; every adapter kind subclasses it. Strict and closed.

    Secrets are `pydantic.SecretStr`, so that printing the options never shows them.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole HTTP answer: status, lower-case header names, body bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Http(Protocol):
    """The one client door, as an adapter sees it (given by the composition root).

    It follows no redirect, never repeats a request and reads at most `body_bytes_max`.
    """

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        deadline_s: float | None = None,
        body_bytes_max: int | None = None,
    ) -> Answer:
        """Make one request.

        Raises:
            Unreachable: nobody answered within the deadline, or the connection broke. After a
                write this says nothing about its effect.
            Permanent: the body is larger than allowed, or the address may not be talked to.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """The write was accepted but takes effect later, for example at the box's next contact."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a probe found: the target's version if it tells, and warnings for the operator."""

    version: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """The codes a target knows: tariffs with the packages each may carry, and all packages."""

    tariffs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    packages: frozenset[str] = frozenset()


class Adapter(ABC, Generic[S]):
    """One configured target. `kind` is its entry-point name, `options_type` its settings."""

    kind: ClassVar[str]
    options_type: ClassVar[type[Options]]

    def __init__(self, name: TargetName, options: Any, http: Http) -> None:
        self.name = name
        self.options = options
        self.http = http

    @abstractmethod
    def express(self, desired: S) -> S:
        """The wish as this target can hold it. Pure, and its own fixed point.

        It may drop what the target has no place for (streams, expiry) but never cuts packages or
        devices. Raises Unsupported with a reason for people.
        """

    @abstractmethod
    async def probe(self) -> Health:
        """Check credentials, version and dangerous settings. Changes nothing."""

    @abstractmethod
    async def observe(self, ref: str) -> S | None:
        """What the target holds under our key now, or None. Never answers from memory."""

    @abstractmethod
    async def apply(self, desired: S, observed: S | None) -> Pending | None:
        """Write the difference between an expressed wish and what was just observed.

        Repeating it is harmless. An answer that got lost raises Unreachable: the caller observes
        and never repeats blindly.
        """

    @abstractmethod
    async def remove(self, ref: str) -> None:
        """Delete our account there; an absent one is fine. Never used for non-payment."""

    @abstractmethod
    def scan(self) -> AsyncIterator[S]:
        """Everything the target holds, over all its pages, ours or not."""


@runtime_checkable
class Catalogued(Protocol):
    """Optional: the target can list its tariffs and packages."""

    async def catalog(self) -> Catalog:
        """All codes known there."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """An edge: `name` is message, reboot, kick or firmware; `params` are plain text."""

    name: str
    params: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class Operable(Protocol):
    """Optional: the target can do something once, now. Never replayed by reconciliation."""

    async def perform(self, ref: str, action: Action) -> None:
        """Do it for one account. Raises Unsupported for an unknown action, and refuses any ref
        that could reach more than one household."""
        ...
