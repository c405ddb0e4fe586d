"""The fence before a target and its boxes: no call is begun for a row whose lease is over.

Adapters know nothing of it. Who works on a row says so for its own task; calls of others, such as
probes and scans, pass.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from gateway.adapters.sdk import Access, Boxes
from gateway.adapters.state import ViewerState
from terms.http import Answer, Http

_CHECK: ContextVar[Callable[[], None] | None] = ContextVar("fence", default=None)


@contextmanager
def fenced(check: Callable[[], None]) -> Iterator[None]:
    """Ask `check` before every call that is begun within; it raises where none may be."""
    token = _CHECK.set(check)
    try:
        yield
    finally:
        _CHECK.reset(token)


def ask() -> None:
    """Raise where no call may be begun any more; whoever works on no row may always."""
    check = _CHECK.get()
    if check is not None:
        check()


class FencedBoxes:
    """What adapters may ask about boxes. Before a box is spoken to, it is asked for here."""

    def __init__(self, boxes: Boxes) -> None:
        self._boxes = boxes

    def access(self, ref: str) -> Coroutine[Any, Any, Access]:
        """Find how to reach it. Raises what the check raises."""
        ask()
        return self._boxes.access(ref)

    def pin(self, ref: str, host_key: str) -> Coroutine[Any, Any, None]:
        """Keep a first key."""
        return self._boxes.pin(ref, host_key)

    def last_seen(self, ref: str) -> Coroutine[Any, Any, ViewerState | None]:
        """Give what it was last seen to hold."""
        return self._boxes.last_seen(ref)

    def answering(self, login: str) -> Coroutine[Any, Any, str | None]:
        """Find the box that signs in by this name."""
        return self._boxes.answering(login)

    def called_at(self, ref: str, address: str) -> Coroutine[Any, Any, None]:
        """Remember where it wants to be rung."""
        return self._boxes.called_at(ref, address)

    def stranger(
        self, serial: str, *, model: str, address: str, why: str
    ) -> Coroutine[Any, Any, None]:
        """Note a box that has no rights here."""
        return self._boxes.stranger(serial, model=model, address=address, why=why)


class FencedDoor:
    """A door that asks first."""

    def __init__(self, http: Http) -> None:
        self._http = http

    # Not async itself: it hands on what the door gives, which costs next to nothing.
    def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        deadline_s: float | None = None,
        body_bytes_max: int | None = None,
    ) -> Coroutine[Any, Any, Answer]:
        """Make one request, as `Http.call` does. Raises what the check raises."""
        ask()
        return self._http.call(
            method,
            url,
            headers=headers,
            body=body,
            deadline_s=deadline_s,
            body_bytes_max=body_bytes_max,
        )
