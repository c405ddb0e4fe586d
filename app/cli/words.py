"""The words of a command line: which command they call, its options, its values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

_NUMBER = re.compile(r"-[0-9][0-9.,]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What is asked of a `command`, behind its `path`."""

    command: Any
    path: Sequence[str]
    said: Sequence[str]

    @property
    def options(self) -> Mapping[str, Any]:
        """Give the options that want a word, by each of their names."""
        found = [one for one in self.command.params if one.param_type_name == "option"]
        return {name: one for one in found if _wants_a_word(one) for name in one.opts}

    @property
    def arguments(self) -> Sequence[Any]:
        """Give the arguments in their order."""
        return [one for one in self.command.params if one.param_type_name == "argument"]

    @property
    def has_number(self) -> bool:
        """Tell whether a number below nothing is among what is said."""
        return any(map(_NUMBER.fullmatch, self.said))

    def apart(self) -> tuple[list[str], list[str]]:
        """Take what is said apart: options with their words, and values."""
        return _apart(self.said, set(self.options))


def read(root: Any, args: Sequence[str]) -> Words:
    """Find which command of a tree is called."""
    command, path, said = root, [], list(args)
    while said and said[0] in getattr(command, "commands", ()):
        command = command.commands[said[0]]
        path.append(said.pop(0))
    return Words(command=command, path=path, said=said)


def as_values(root: Any, args: Sequence[str]) -> list[str]:
    """Have the options of a command stand before `--` and its values behind, numbers among them.

    A number below nothing is a value and no option: what is wrong with it is told by its field.
    Words without such a number stay as they are.
    """
    found = read(root, args)
    if not found.has_number:
        return list(args)
    options, values = found.apart()
    return [*found.path, *options, "--", *values]


def _wants_a_word(option: Any) -> bool:
    return not getattr(option, "is_flag", False) and not getattr(option, "count", False)


def _apart(words: Iterable[str], wanting: set[str]) -> tuple[list[str], list[str]]:
    options: list[str] = []
    values: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            values.extend(rest)
        elif word in wanting:
            options += [word, *islice(rest, 1)]
        elif word.startswith("-") and word != "-" and not _NUMBER.fullmatch(word):
            options.append(word)
        else:
            values.append(word)
    return options, values
