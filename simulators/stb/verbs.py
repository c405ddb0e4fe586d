r"""The box's command language: one verb per line, done or refused with an exit code.

Words are apart by spaces; text in double quotes is one word, with \" and \\ inside it. There is
no shell: no other character means anything.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulators.stb.box import LOG_LINES_MAX, BadValue, Box, Busy, Power, Refusal, StorageFull

DONE, USAGE, UNKNOWN, BAD_VALUE, BUSY, FULL = 0, 2, 3, 4, 5, 6

_WORD = re.compile(r'"((?:[^"\\]|\\["\\])*)"(?=\s|$)|([^\s"]+)(?=\s|$)')
_CODES = {BadValue: BAD_VALUE, Busy: BUSY, StorageFull: FULL}
_NUMBER = re.compile(r"[0-9]{1,6}")


class Misused(Exception):
    """A line that cannot be read, or a verb with the wrong number of words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the box prints and the exit code it ends with."""

    code: int = DONE
    lines: Sequence[str] = ()
    complaint: str = ""

    @property
    def output(self) -> str:
        """What goes to standard output."""
        return "".join(f"{line}\n" for line in self.lines)


BUSY_NOW = Answer(code=BUSY, complaint="busy")


def perform(box: Box, line: str) -> Answer:
    """Do what a line says and tell the answer; a box about to restart does nothing."""
    if box.power is not Power.UP:
        return BUSY_NOW
    try:
        verb, arguments = _found(split(line))
        return Answer(lines=verb.act(box, *arguments))
    except Misused as error:
        return Answer(code=USAGE, complaint=str(error))
    except LookupError as error:
        return Answer(code=UNKNOWN, complaint=f"unknown verb {error.args[0]}")
    except Refusal as error:
        return Answer(code=_CODES[type(error)], complaint=str(error))


def split(line: str) -> list[str]:
    """Split a line into its words; raises Misused where a quote is wrong."""
    words: list[str] = []
    at = 0
    while line[at:].strip():
        at += len(line[at:]) - len(line[at:].lstrip())
        found = _WORD.match(line, at)
        if found is None:
            raise Misused("a quote is wrong")
        quoted, bare = found.groups()
        words.append(bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        at = found.end()
    return words


def method(line: str) -> str:
    """Name what kind of call a line is: its first word, in capital letters."""
    first = (line.split() or [""])[0]
    return first.upper() if first in {"get", "set", "show", "reboot", "reset"} else "OTHER"


def harmless(line: str) -> str:
    """Give the line as it may stand in a journal: without the PIN."""
    return "set pin ***" if re.match(r"\s*set\s+pin\s", line) else line


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verb:
    """One verb: what it does, and how many words follow it."""

    act: Callable[..., Sequence[str]]
    words: int


def _found(words: Sequence[str]) -> tuple[_Verb, Sequence[str]]:
    if not words:
        raise Misused("name a verb")
    for length in (2, 1):
        name = " ".join(words[:length])
        if name in VERBS:
            verb, arguments = VERBS[name], words[length:]
            if len(arguments) != verb.words:
                raise Misused(f"{name} takes {verb.words} words")
            return verb, arguments
    raise LookupError(" ".join(words[:2]))


def _get_state(box: Box) -> Sequence[str]:
    return [
        f"model={box.model}",
        f"serial={box.serial}",
        f"mac={box.mac}",
        f"firmware={box.firmware}",
        f"boot_id={box.boot_id}",
        f"uptime_s={int(box.uptime_s)}",
        _active(box),
        _packages(box),
        f"revision={box.revision}",
        f"last_key={box.last_key}",
        f"temperature_c={box.temperature_c}",
        f"free_mb={box.free_mb}",
    ]


def _get_messages(box: Box) -> Sequence[str]:
    message = box.message
    if message is None:
        return []
    return [f"id={message.id}", f"shown={message.shown}", f"until={message.until}"]


def _get_log(box: Box, lines: str) -> Sequence[str]:
    return box.log(_number("lines", lines, LOG_LINES_MAX))


def _set_active(box: Box, value: str) -> Sequence[str]:
    if value not in {"0", "1"}:
        raise BadValue("active", "0 or 1")
    box.set_active(value == "1")
    return [_active(box)]


def _set_packages(box: Box, codes: str) -> Sequence[str]:
    box.set_packages(codes_of(codes))
    return [_packages(box)]


def _set_revision(box: Box, text: str) -> Sequence[str]:
    box.set_revision(text)
    return [f"revision={box.revision}"]


def _set_pin(box: Box, digits: str) -> Sequence[str]:
    box.set_pin(digits)
    return []


def _show(box: Box, text: str, seconds: str) -> Sequence[str]:
    return [f"id={box.show(text, _number('seconds', seconds, None)).id}"]


def _reboot(box: Box, key: str) -> Sequence[str]:
    box.reboot(_key(key))
    return [f"accepted={key}"]


def _reset(box: Box, key: str) -> Sequence[str]:
    box.factory_reset(_key(key))
    return [f"accepted={key}"]


VERBS = {
    "get state": _Verb(act=_get_state, words=0),
    "get messages": _Verb(act=_get_messages, words=0),
    "get log": _Verb(act=_get_log, words=1),
    "set active": _Verb(act=_set_active, words=1),
    "set packages": _Verb(act=_set_packages, words=1),
    "set revision": _Verb(act=_set_revision, words=1),
    "set pin": _Verb(act=_set_pin, words=1),
    "show": _Verb(act=_show, words=2),
    "reboot": _Verb(act=_reboot, words=1),
    "reset": _Verb(act=_reset, words=1),
}


def codes_of(text: str) -> list[str]:
    """Read a comma list of package codes; nothing is an empty list.

    Raises BadValue where a code is empty.
    """
    codes = text.split(",") if text else []
    if "" in codes:
        raise BadValue("packages", "an empty code")
    return codes


def _active(box: Box) -> str:
    return f"active={int(box.active)}"


def _packages(box: Box) -> str:
    return f"packages={','.join(sorted(box.packages))}"


def _key(text: str) -> str:
    if not text:
        raise BadValue("key", "it is empty")
    return text


def _number(name: str, text: str, most: int | None) -> int:
    if not _NUMBER.fullmatch(text):
        raise BadValue(name, "a whole number")
    number = int(text)
    if most is not None and not 1 <= number <= most:
        raise BadValue(name, f"1 to {most}")
    return number
