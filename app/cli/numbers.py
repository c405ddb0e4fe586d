"""A number below nothing is a value, and no option: what is wrong with it is told by its field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from typer.core import TyperGroup

_NUMBER = re.compile(r"-[0-9][0-9.,]*")


class Commands(TyperGroup):
    """The root of the tree: it hands negative numbers down as values."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read what is asked."""
        return super().parse_args(ctx, as_values(self, args))


def as_values(command: Any, args: Sequence[str]) -> list[str]:
    """Have the options of a command stand before `--` and its values behind, numbers among them.

    Words without such a number stay as they are.
    """
    path, words = [], list(args)
    while words and words[0] in getattr(command, "commands", ()):
        command = command.commands[words[0]]
        path.append(words.pop(0))
    if not any(map(_NUMBER.fullmatch, words)):
        return list(args)
    wanting = {name for one in command.params if _wants_a_word(one) for name in one.opts}
    options, values = _apart(words, wanting)
    return [*path, *options, "--", *values]


def _wants_a_word(option: Any) -> bool:
    return not getattr(option, "is_flag", False) and not getattr(option, "count", False)


def _apart(words: Iterable[str], wanting: set[str]) -> tuple[list[str], list[str]]:
    options: list[str] = []
    values: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            values.extend(rest)
        elif word in wanting and word.startswith("-"):
            options += [word, *islice(rest, 1)]
        elif word.startswith("-") and word != "-" and not _NUMBER.fullmatch(word):
            options.append(word)
        else:
            values.append(word)
    return options, values
