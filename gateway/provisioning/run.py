"""One reconcile of one service at one target: express, observe, compare, apply, observe again.

It decides nothing about failures: every error leaves as it came.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from gateway.adapters.sdk import Adapter, Pending, mismatch
from gateway.adapters.state import ViewerState
from runtime import crash
from terms.errors import Conflict, Unreachable


class Overtaken(Conflict):
    """The target carries a newer revision than the wish: somebody else may have been there."""


@dataclass(slots=True, kw_only=True)
class Trail:
    """What was seen on the way, also where the run then failed."""

    desired: ViewerState | None = None
    before: ViewerState | None = None
    held: ViewerState | None = None
    # The target has told what it holds; until then nobody knows, and None above says nothing.
    is_seen: bool = False
    is_changed: bool = False
    # A write was begun; whatever became of it, it may still take effect.
    is_written: bool = False
    # The canonical form of what was seen last; empty where nothing was seen for sure.
    seen_text: str = ""


async def bring(
    adapter: Adapter[Any],
    wish: ViewerState,
    trail: Trail,
    *,
    issued: int | None,
    may_darken: Callable[[], Awaitable[None]],
    may_write: Callable[[], None],
) -> Pending | None:
    """Make the target hold the wish, and prove it.

    `issued` is the newest revision there is of the service, None while nobody has asked: a newer
    one at the target was put there by hand, or by a database that is lost, and fences nothing.
    `may_darken` and `may_write` raise where the guard or a lost lease forbid the write. Returns
    Pending where the target takes the wish up later.
    """
    desired = trail.desired = adapter.express(wish)
    held = trail.before = await adapter.observe(wish.ref)
    _see(trail, held)
    if held is not None and held.revision > wish.revision and _is_issued(held.revision, issued):
        raise Overtaken(
            f"the target carries revision {held.revision}, newer than any wish here: "
            f"{wish.revision} is the newest"
        )
    if adapter.fits(desired, held):
        return None
    if held is not None and held.enabled and not desired.enabled:
        await may_darken()
    may_write()
    trail.is_written = True
    lost: Unreachable | None = None
    pending: Pending | None = None
    trail.seen_text = ""
    try:
        pending = await adapter.apply(desired, held)
    except Unreachable as error:
        lost = error  # it may have been applied: looking decides, never a blind repeat
    crash.reach("after_call")
    held = await adapter.observe(wish.ref)
    _see(trail, held)
    crash.reach("after_readback")
    trail.is_changed = held != trail.before
    if adapter.fits(desired, held):
        return None
    if pending is not None:
        return pending
    raise lost or mismatch(adapter, desired, held)


def _is_issued(revision: int, issued: int | None) -> bool:
    return issued is None or revision <= issued


def _see(trail: Trail, held: ViewerState | None) -> None:
    trail.held, trail.is_seen = held, True
    trail.seen_text = held.encode() if held is not None else ""
