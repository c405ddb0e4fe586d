"""The fence before a target and its boxes: no call is begun for a row whose lease is over.

Where the target has a rate, a call also waits for its turn here.

Adapters know nothing of it. Who works on a row says so for its own task; calls of others, such as
probes and scans, pass.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

from gateway.provisioning.turns import Turns
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


class FencedDoor:
    """A door that asks first, and waits for its turn where there are turns."""

    def __init__(self, http: Http, turns: Turns | None = None) -> None:
        self._http = http
        self._turns = turns

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
        call = partial(
            self._http.call,
            method,
            url,
            headers=headers,
            body=body,
            deadline_s=deadline_s,
            body_bytes_max=body_bytes_max,
        )
        return call() if self._turns is None else _in_turn(self._turns, call)

    def resolve(self, host: str, *, deadline_s: float | None = None) -> Coroutine[Any, Any, str]:
        """Find the address of a host, as `Http.resolve` does; nothing is sent there by that."""
        return self._http.resolve(host, deadline_s=deadline_s)


async def _in_turn(turns: Turns, call: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
    await turns.come()
    ask()  # the lease may have ended meanwhile
    return await call()
