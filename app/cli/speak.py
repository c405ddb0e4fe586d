"""How every command talks: one value to standard output, one sentence of failure to standard error.

Exit codes: 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

import typer

if TYPE_CHECKING:
    from app.settings import Settings
    from app.wiring import House
    from runtime.store import Tx

T = TypeVar("T")
Opening: TypeAlias = "Callable[[Settings], AbstractAsyncContextManager[House]]"

FAILED, MISUSED = 1, 2

# What a terminal would obey instead of showing it, and what is no text at all.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROL_IN_JSON = re.compile(r"[\x7f-\x9f]")

Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")]


def say(text: str) -> None:
    """Print one line for people."""
    sys.stdout.write(_shown(text) + "\n")


def counted(count: int, one: str, many: str) -> str:
    """Say how many, by the word for one where it is one."""
    return f"{count} {one if count == 1 else many}"


def tell(value: Any) -> None:
    """Print a value as JSON."""
    from pydantic_core import to_json

    # By what the values are, not by what their classes declare: a Mapping may be of any kind.
    raw = to_json(value, fallback=_plain)
    document = _CONTROL_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", raw.decode())
    sys.stdout.write(document + "\n")
    sys.stdout.flush()


def _plain(value: Any) -> dict[Any, Any]:
    """Turn any mapping into the one kind the serialiser knows."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def complain(sentence: str) -> typer.Exit:
    """Print why it failed and return the exit to raise."""
    line = _shown(" ".join(sentence.split()))
    sys.stderr.write(f"boxoffice: {line}\n")
    return typer.Exit(FAILED)


def check_word(option: str, given: str, words: Iterable[str]) -> None:
    """Leave as wrongly called, with all there are, where a word is none of these; "" always is."""
    known = list(words)
    if given and given not in known:
        raise typer.BadParameter(f"{given!r} is none of {', '.join(known)}", param_hint=option)


def _shown(text: str) -> str:
    """Make control characters visible, as Python writes them."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows under their heads; says so where there are none."""
    if not rows:
        say("none")
        return
    shown = [heads, *(tuple(_shown(cell) for cell in row) for row in rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*shown, strict=True)]
    for row in shown:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        say("  ".join(cells).rstrip())


def settings(*, serves: bool = False) -> Settings:
    """Load the settings, once, for one command.

    One that `serves` logs what it does; the others say it, and log what goes wrong alone, unless
    somebody wants to hear everything.
    """
    from app.settings import load
    from terms.errors import BoxofficeError

    try:
        found = load()
    except BoxofficeError as error:
        raise complain(str(error)) from None
    from runtime.telemetry import configure

    style = found.log_format
    if style == "auto":
        style = "console" if sys.stderr.isatty() else "json"
    level = found.log_level if serves or found.log_level != "info" else "warning"
    configure(level=level, style=style)
    return found


def keep_quiet() -> None:
    """Log what goes wrong alone, whatever the settings say: for programs beside the commands."""
    from runtime.telemetry import configure

    configure(level="warning")


def run(
    story: Callable[[House], Awaitable[T]], opened: Opening | None = None, *, reason: str = ""
) -> T:
    """Open the house, run one story in it, close it. Failures on purpose become one sentence.

    The reason is that of every deed of the story that says none of its own.
    """
    import asyncio

    from app.shape import open_house
    from runtime.store.audit import because

    found = settings()

    async def tell_story() -> T:
        async with (opened or open_house)(found) as house:
            with because(reason):
                return await story(house)

    return guarded(lambda: asyncio.run(tell_story()), found)


def write(story: Callable[[House, Tx], Awaitable[T]], *, reason: str = "") -> T:
    """Run one story that changes something, in one transaction."""

    async def written(house: House) -> T:
        async with house.store.begin() as tx:
            return await story(house, tx)

    return run(written, reason=reason)


def look(story: Callable[[House], Awaitable[T]]) -> T:
    """Run one story that only reads, in transactions of its own."""
    from functools import partial

    from app.shape import open_house

    return run(story, partial(open_house, only_reads=True))


def read(story: Callable[[House, Tx], Awaitable[T]]) -> T:
    """Run one story that only reads, in one transaction."""

    async def seen(house: House) -> T:
        async with house.store.read() as tx:
            return await story(house, tx)

    return look(seen)


def guarded(step: Callable[[], T], found: Settings | None = None) -> T:
    """Run a step; errors raised on purpose, trouble with database or files become one sentence."""
    from sqlalchemy.exc import DBAPIError

    from app.cli.trouble import sentence
    from runtime.telemetry import get_log
    from terms.errors import BoxofficeError

    try:
        return step()
    except BoxofficeError as error:
        raise complain(str(error) or type(error).__name__) from None
    except (DBAPIError, OSError) as error:
        told = sentence(error, found)
        if not told:
            raise
        get_log().debug("command.stopped", exc_info=error)
        raise complain(told) from None
