"""A blank word is refused for all commands at once: whoever has nothing to say leaves it out.

So a script whose variable is unset does nothing, instead of what the command does unless it is told
otherwise, which may be everything there is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import typer

from app.cli.words import Words, read

# Where nothing is a value: jobs of every state, a till with no place, the usual segment.
MEANT = frozenset({"jobs list --state", "cash till --place", "notices announce --segment"})


def refuse_blank(ctx: Any, root: Any, args: Sequence[str]) -> None:
    """Leave as wrongly called where a word is blank, with the option or argument it is for."""
    found = read(root, args)
    command = found.command
    if hasattr(command, "commands") or command.context_settings.get("ignore_unknown_options"):
        return
    for name, param in _blank(found):
        if f"{' '.join(found.path)} {name}" not in MEANT:
            why = "it is empty" if param.required else "it is empty: say it, or leave it out"
            raise typer.BadParameter(why, ctx=_context(ctx, root, found.path), param=param)


def _blank(found: Words) -> Iterator[tuple[str, Any]]:
    """Find what is said to be nothing, as it is called on the command line."""
    options, values = found.apart()
    rest = iter(options)
    for word in rest:
        name, is_one, said = word.partition("=")
        if word in found.options:
            said = next(rest, "-")  # without any word at all it is wrongly called anyhow
        elif not is_one or name not in found.options:
            continue
        if not said.strip():
            yield (word if word in found.options else name), found.options[name]
    last = len(found.arguments) - 1
    for n, value in enumerate(values):
        if not value.strip() and last >= 0:
            one = found.arguments[min(n, last)]
            yield one.name, one


def _context(ctx: Any, command: Any, path: Sequence[str]) -> Any:
    """Give the context of a command, so that its own usage is shown."""
    for name in path:
        command = command.commands[name]
        ctx = typer.Context(command, parent=ctx, info_name=name)
    return ctx
