"""A box for programs of others: its verbs for a forced command, its OIDs for `pass_persist`.

Works over one JSON file and imports nothing but the standard library. Written apart from the
simulators, so that what both share is the transport under test and the definition of the box.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

KNOWN = {"basic", "premium", "sport", "kids", "hd"}
HALT_S = 0.1
ROOT = ".1.3.6.1.4.1.32473.1"
FRESH = {
    "serial": "RB00000018",
    "active": "0",
    "packages": "",
    "revision": "",
    "pin": "",
    "last_key": "",
    "shown": 0,
    "text": "",
    "seconds": 30,
}


class Refused(Exception):
    """A verb that ends with this exit code."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


def load(path: Path) -> dict[str, Any]:
    """Read the state, or begin one."""
    return {**FRESH, **(json.loads(path.read_text("utf-8")) if path.exists() else {})}


def save(path: Path, state: dict[str, Any]) -> None:
    """Write the state."""
    path.write_text(json.dumps(state), "utf-8")


def words(line: str) -> list[str]:
    """Split a line letter by letter; raises Refused where a quote is not closed."""
    found: list[str] = []
    letters: Iterator[str] = iter(line)
    word: str | None = None
    for letter in letters:
        if letter == " ":
            found += [] if word is None else [word]
            word = None
        elif letter == '"' and word is None:
            found.append(_quoted(letters))
        else:
            word = (word or "") + letter
    return found + ([] if word is None else [word])


def _quoted(letters: Iterator[str]) -> str:
    word = ""
    for letter in letters:
        if letter == '"':
            return word
        word += next(letters, "") if letter == "\\" else letter
    raise Refused(2, "a quote is not closed")


def perform(state: dict[str, Any], line: str) -> list[str]:
    """Do what a line says and return the lines of the answer."""
    said = words(line)
    if not said:
        raise Refused(2, "name a verb")
    if said[0] == "show" and len(said) == 3:
        return _show(state, said[1], int(said[2]))
    if said[0] == "reboot" and len(said) == 2:
        state["last_key"] = said[1]
        return [f"accepted={said[1]}"]
    if said == ["get", "state"]:
        names = ("serial", "active", "packages", "revision", "last_key")
        return [f"{name}={state[name]}" for name in names]
    if said[0] == "set" and len(said) == 3 and said[1] in SETTERS:
        return SETTERS[said[1]](state, said[2])
    raise Refused(3, f"unknown verb {' '.join(said[:2])}")


def _show(state: dict[str, Any], text: str, seconds: int) -> list[str]:
    if not 1 <= len(text) <= 200 or not 1 <= seconds <= 3600:
        raise Refused(4, "text or seconds")
    state["shown"] += 1
    state["text"] = text
    return [f"id=m-{state['shown']}"]


def _set_active(state: dict[str, Any], value: str) -> list[str]:
    if value not in {"0", "1"}:
        raise Refused(4, "active: 0 or 1")
    state["active"] = value
    return [f"active={value}"]


def _set_packages(state: dict[str, Any], codes: str) -> list[str]:
    wanted = set(codes.split(",")) if codes else set()
    if not wanted <= KNOWN:
        raise Refused(4, f"packages: unknown code {','.join(sorted(wanted - KNOWN))}")
    state["packages"] = ",".join(sorted(wanted))
    return [f"packages={state['packages']}"]


def _set_revision(state: dict[str, Any], text: str) -> list[str]:
    if len(text) > 32:
        raise Refused(4, "revision: at most 32 characters")
    state["revision"] = text
    return [f"revision={text}"]


def _set_pin(state: dict[str, Any], digits: str) -> list[str]:
    if not digits.isdigit() or not 4 <= len(digits) <= 8:
        raise Refused(4, "pin: 4 to 8 digits")
    state["pin"] = digits
    return []


SETTERS: dict[str, Callable[[dict[str, Any], str], list[str]]] = {
    "active": _set_active,
    "packages": _set_packages,
    "revision": _set_revision,
    "pin": _set_pin,
}


def serve_line(path: Path) -> int:
    """Serve as a forced command: one line, its answer, its exit code."""
    state = load(path)
    line = os.environ.get("SSH_ORIGINAL_COMMAND", "")
    try:
        answer = perform(state, line)
    except Refused as error:
        sys.stderr.write(f"{error}\n")
        return error.code
    save(path, state)
    sys.stdout.buffer.write("".join(f"{one}\n" for one in answer).encode())
    sys.stdout.flush()
    if line.startswith("reboot "):
        time.sleep(HALT_S)  # the answer is on its way before the link drops
        os.kill(os.getppid(), signal.SIGKILL)
    return 0


def serve_mib(path: Path) -> int:
    """Serve as a `pass_persist` program: get, getnext and set, until the agent closes the pipe."""
    while True:
        request = sys.stdin.readline()
        if not request:
            return 0
        name = request.strip()
        if name == "PING":
            _say("PONG")
        elif name in {"get", "getnext"}:
            _tell(load(path), sys.stdin.readline().strip(), name)
        elif name == "set":
            _put(path, sys.stdin.readline().strip(), sys.stdin.readline().strip())
        # The agent sends an empty line after some requests; an answer to it would be one too many.


def _tree(state: dict[str, Any]) -> dict[tuple[int, ...], tuple[str, str]]:
    return {
        (1, 1, 0): ("string", state["serial"]),
        (1, 2, 0): ("string", "RB-1"),
        (2, 1, 0): ("integer", state["active"]),
        (2, 2, 0): ("string", state["packages"]),
        (2, 3, 0): ("string", state["revision"]),
        (2, 4, 0): ("string", ""),
        (3, 1, 0): ("string", state["text"]),
        (3, 2, 0): ("integer", str(state["seconds"])),
        (3, 3, 0): ("integer", "0"),
        (3, 4, 0): ("counter", str(state["shown"])),
        (4, 2, 0): ("string", state["last_key"]),
    }


def _place(oid: str) -> tuple[int, ...]:
    rest = oid.removeprefix(ROOT).strip(".")
    return tuple(int(part) for part in rest.split(".")) if rest else ()


def _tell(state: dict[str, Any], oid: str, how: str) -> None:
    tree, place = _tree(state), _place(oid)
    if how == "getnext":
        place = min((one for one in tree if one > place), default=())
    if place not in tree:
        _say("NONE")
        return
    kind, value = tree[place]
    _say(f"{ROOT}.{'.'.join(map(str, place))}\n{kind}\n{value}")


def _put(path: Path, oid: str, given: str) -> None:
    state, place = load(path), _place(oid)
    kind, _, value = given.partition(" ")
    value = value.strip().removeprefix('"').removesuffix('"')
    name = {(2, 1, 0): "active", (2, 2, 0): "packages", (2, 3, 0): "revision", (2, 4, 0): "pin"}
    wanted = "integer" if place == (2, 1, 0) else "string"
    if place not in name:
        _say("not-writable")
    elif kind != wanted:
        _say("wrong-type")
    else:
        try:
            SETTERS[name[place]](state, value)
        except Refused:
            _say("wrong-value")
        else:
            save(path, state)
            _say("DONE")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve = {"line": serve_line, "mib": serve_mib}[sys.argv[1]]
    sys.exit(serve(Path(sys.argv[2])))
