"""The adapter contract: what one kind of target must be able to do, and what it may offer besides.

An adapter translates. It holds no truth, has no loop around a request, does not log and does not
know billing. Every error it raises is a class of terms.errors. Methods that write are read back
by the caller, never trusted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

from gateway.adapters.errands import Action as Action  # noqa: PLC0414 - from here, too
from gateway.adapters.errands import Errands
from gateway.adapters.state import ViewerState, differences
from terms.errors import (
    Conflict,
    Permanent,
    Retryable,
    TargetError,
    Throttled,
    Unauthorized,
    Unreachable,
)
from terms.http import Answer as Answer  # noqa: PLC0414 - adapters take both from here
from terms.http import Http as Http  # noqa: PLC0414
from terms.ids import TargetName

S = TypeVar("S", bound=ViewerState)
MODELS_MAX = 200
USES_MAX = 1_000
CURSOR_CHARS_MAX = 200
NEXT = "next_"  # before the name of a secret that a box may have taken already


class Options(BaseModel):
    """The operator's settings of one target; every adapter kind subclasses it. Strict and closed.

    Secrets are `runtime.options.Secret`: printing the options never shows them.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class BoxOptions(Options):
    """The options of a target that drives boxes: every one of these models, and no other's."""

    models: list[str] = Field(
        min_length=1,
        max_length=MODELS_MAX,
        description="whose boxes are driven through this target",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How one box is reached: "host:port" (empty where it calls us), its secrets, its pinned key.

    `may_pin` holds inside a technician's claim window: only then a first host key is trusted.
    `is_given` holds once the box has shown a password that we made for it.
    """

    address: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_given: bool = False
    host_key: str = ""
    may_pin: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """A box that signs in to us: its serial, and how it is reached."""

    ref: str
    access: Access


class Boxes(Protocol):
    """What an adapter of boxes may ask, and tell, about one of them; `ref` is its serial."""

    @property
    def errands(self) -> Errands:
        """What waits for boxes that call us."""
        ...

    def shared_key(self, purpose: str) -> bytes:
        """Give a secret of 32 bytes that every process of ours has alike for this target."""
        ...

    async def access(self, ref: str) -> Access:
        """Find how to reach it. Raises Permanent for a box nobody has described."""
        ...

    async def pin(self, ref: str, host_key: str) -> None:
        """Keep the key a box has shown inside its claim window. Raises Conflict outside it."""
        ...

    async def other_key(self, ref: str, shown: str) -> None:
        """Put before a person that it shows another host key than the pinned one.

        Nothing is trusted by that. Again is harmless.
        """
        ...

    async def last_seen(self, ref: str) -> ViewerState | None:
        """Give what it was last seen to hold: all there is to know of a box that calls us."""
        ...

    async def answering(self, login: str) -> Answering | None:
        """Find the box that signs in to us by this name; None where it is not exactly one."""
        ...

    async def called_at(self, ref: str, address: str) -> None:
        """Remember where a box that calls us wants to be rung."""
        ...

    async def stranger(self, serial: str, *, model: str, address: str, why: str) -> None:
        """Note a box that called and has no rights here: unknown, doubtful, or a copy."""
        ...

    async def rotate(self, ref: str, fresh: Mapping[str, str]) -> Mapping[str, str]:
        """Begin to change its secrets, and tell which it is to be given.

        What was begun before stands, and the old ones stay valid until `seen_new`; until then
        `access` gives the new ones besides, each named `next_` and its name. A username is only
        among them for a box that has none; it signs in by it at once.
        """
        ...

    async def seen_new(self, ref: str) -> None:
        """End the change: the box has shown the new secrets. Again is harmless."""
        ...

    def serials(self) -> AsyncIterator[str]:
        """Go over the serials of all boxes that this target drives."""
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
        """Word the wish as this target can hold it. Pure, and its own fixed point.

        It may drop what the target has no place for (streams, expiry) but never cuts packages or
        devices. Raises Unsupported with a reason for people.
        """

    @abstractmethod
    async def probe(self) -> Health:
        """Check credentials, version and dangerous settings. Changes nothing."""

    @abstractmethod
    async def observe(self, ref: str) -> S | None:
        """Read what the target holds under our key now, or None. Never answer from memory."""

    @abstractmethod
    async def apply(self, desired: S, observed: S | None) -> Pending | None:
        """Write the difference between an expressed wish and what was just observed.

        Repeating it is harmless. An answer that got lost raises Unreachable: the caller observes
        and never repeats blindly.
        """

    def fits(self, desired: S, held: S | None) -> bool:
        """Tell, purely, whether all wished was observed; by its revision where that proves it."""
        return held == desired

    def explain(self, desired: S, held: S | None) -> str:  # noqa: ARG002 - for subclasses
        """Say why the target still holds something else after a write it accepted; "" if unknown.

        Pure: it sees what was wished and what the read-back showed. A text means that repeating
        the write would not help, for example because the target lacks a package.
        """
        return ""

    @abstractmethod
    async def remove(self, ref: str) -> None:
        """Delete our account there; an absent one is fine. Never used for non-payment."""

    @abstractmethod
    def scan(self) -> AsyncIterator[S]:
        """Everything the target holds, over all its pages, ours or not."""


class BoxAdapter(Adapter[S]):
    """A target that is nothing but its boxes: each ref is the serial of one.

    What a box raises is about it alone: Unreachable opens no breaker, since `probe` asks none, and
    one that refuses us is Permanent. A box is always there, so it is never None. We alone can list
    them: comparing asks each by `observe`, and one that does not answer then is silent, not
    missing. Where it `pins_keys`, the first key that a box shows is kept.
    """

    pins_keys: ClassVar[bool] = False

    def __init__(self, name: TargetName, options: Any, http: Http, boxes: Boxes) -> None:
        super().__init__(name, options, http)
        self.boxes = boxes

    async def probe(self) -> Health:
        """Ask no box: there is nothing but boxes to ask."""
        return Health()

    async def scan(self) -> AsyncIterator[S]:
        """Give nothing: a box lists nobody."""
        nobody: tuple[S, ...] = ()
        for one in nobody:
            yield one


@runtime_checkable
class Catalogued(Protocol):
    """Optional: the target can list its tariffs and packages."""

    async def catalog(self) -> Catalog:
        """All codes known there."""
        ...


@runtime_checkable
class Linked(Protocol):
    """Optional: the adapter keeps something open between calls, a connection, engine or session."""

    async def drop(self) -> None:
        """Close all of it, now; whatever comes next opens its own. Called at any time."""
        ...


@runtime_checkable
class Operable(Protocol):
    """Optional: the target can do something once, now. Never replayed by reconciliation."""

    async def perform(self, ref: str, action: Action) -> Pending | None:
        """Do it for one account; Pending where a box has to call first, until its `not_after`.

        The same again, by its request, then tells what became of it. Raises Unsupported for an
        unknown action and for a ref that could reach more than one household. An error that is
        `untouched` may be followed by the same again; one after which it may have been done, not.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One use that a target counted: its own `id` of it, by which account, of which meter.

    `quantity` is a decimal number as text, so that nothing is rounded on its way.
    """

    id: str
    ref: str
    meter: str
    quantity: str
    used_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UsePage:
    """At most USES_MAX uses, and the cursor behind them; `has_more` where it can go on at once."""

    uses: Sequence[Use]
    cursor: str
    has_more: bool = False


@runtime_checkable
class Metered(Protocol):
    """Optional: the target counts what its accounts use."""

    async def usage(self, since: str) -> UsePage:
        """Read what was counted behind a cursor, the oldest first; an empty one is the beginning.

        A cursor is a text of the adapter's own, of CURSOR_CHARS_MAX at most. The same cursor again
        tells the same uses under the same ids, and nothing that is told is changed by being read.
        """
        ...


RETRY_AFTER_S_DEFAULT = 60.0
RETRY_AFTER_S_MAX = 900.0


def refusal(answer: Answer) -> TargetError:
    """Turn an HTTP answer other than success into the error its status stands for.

    Never quotes the body: it may hold traces or what we sent.
    """
    status = answer.status
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled("the target asked us to slow down", retry_after_s(answer.headers))
    if status in {401, 403}:
        return Unauthorized(f"the target refuses our credentials (HTTP {status})")
    if status in {502, 503, 504}:
        return Unreachable(f"the target is not there (HTTP {status})")
    if status in {409, 412, 423}:
        return Conflict(f"the target reports a conflict (HTTP {status})")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in {408, 425}:
        return Retryable(f"the target failed (HTTP {status})")
    return Permanent(f"the target refuses the request (HTTP {status})")


def retry_after_s(headers: Mapping[str, str]) -> float:
    """Read Retry-After (RFC 9110, 10.2.3), clamped to 1 s and 15 minutes.

    A date is counted from the answer's own Date, so that no clock is needed.
    """
    text = headers.get("retry-after", "").strip()
    seconds = RETRY_AFTER_S_DEFAULT
    if text.isascii() and text.isdigit():
        seconds = float(text[:9])
    elif text:
        try:
            until = parsedate_to_datetime(text)
            seconds = (until - parsedate_to_datetime(headers.get("date", ""))).total_seconds()
        except (TypeError, ValueError):
            pass
    return min(max(seconds, 1.0), RETRY_AFTER_S_MAX)


def mismatch(adapter: Adapter[S], desired: S, held: S | None) -> TargetError:
    """Decide what a read-back that differs from the wish means.

    Permanent with the adapter's reason where it knows one, else Conflict naming the fields.
    """
    reason = adapter.explain(desired, held)
    if reason:
        return Permanent(reason)
    fields = differences(desired, held)
    told = "; ".join(f"{name}: {was} instead of {wish}" for name, (was, wish) in fields.items())
    return Conflict(f"still different after the write: {told}")
