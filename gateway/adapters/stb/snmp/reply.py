"""What an answer of a box means: its status an error's class, its variables values. Pure.

Every variable that comes back is held against what was asked: the same OID, the type it has to
have, and a value. A request that is sent back as its own answer has no values. Boxes pad their
texts to a fixed width: blanks and NULs around one are no part of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pysnmp.proto.rfc1902 import Integer32, OctetString

from gateway.adapters import boxes
from gateway.adapters.stb.snmp.engine import Heard
from gateway.adapters.stb.snmp.wire import Oid
from terms.errors import Conflict, Permanent, Retryable, TargetError, Unreachable, untouched

TOO_BIG = 1
# RFC 3416, 4.2.5; what is missing here is "not now".
STATUSES: Mapping[int, tuple[type[TargetError], str]] = {
    TOO_BIG: (Permanent, "tooBig"),
    5: (Retryable, "genErr"),
    6: (Permanent, "noAccess"),
    7: (Permanent, "wrongType"),
    8: (Permanent, "wrongLength"),
    9: (Permanent, "wrongEncoding"),
    10: (Permanent, "wrongValue"),
    11: (Permanent, "noCreation"),
    12: (Conflict, "inconsistentValue"),
    13: (Retryable, "resourceUnavailable"),
    14: (Retryable, "commitFailed"),
    15: (Retryable, "undoFailed"),
    16: (Permanent, "authorizationError"),
    17: (Permanent, "notWritable"),
    18: (Conflict, "inconsistentName"),
}
# How the library names what a box reports about user and keys (RFC 3414, 3.2).
KEYS_REFUSED = frozenset({
    *("UnknownUserName", "UnknownSecurityName", "WrongDigest", "AuthenticationError"),
    *("AuthenticationFailure", "UnsupportedSecurityLevel", "DecryptionError"),
})  # fmt: skip
TIMED_OUT = "RequestTimedOut"
SILENT = frozenset({TIMED_OUT, "NotInTimeWindow", "UnknownEngineID"})
_WORDS = {
    TIMED_OUT: "none came in time",
    "NotInTimeWindow": "its clock is another",
    "UnknownEngineID": "it is another engine",
    "UnknownUserName": "it does not know the user",
    "UnknownSecurityName": "it does not know the user",
    "WrongDigest": "it has another key",
    "DecryptionError": "it has another key for what is secret",
    "UnsupportedSecurityLevel": "it wants another level of security",
}
TEXT, NUMBER = OctetString.tagSet, Integer32.tagSet
_PADDING = b"\0 "
_TYPES = {TEXT: "a text", NUMBER: "a number"}


def values(heard: Heard, asked: Mapping[str, tuple[Oid, Any]]) -> dict[str, str]:
    """Read the values of what was asked for, by name; `asked` says where and of which type.

    Raises what the answer stands for instead.
    """
    _check(heard, list(asked))
    if len(heard.variables) != len(asked):
        raise Retryable("the box answers another question: so many variables were not asked for")
    found = {}
    for (name, (oid, kind)), (told, value) in zip(asked.items(), heard.variables, strict=True):
        if tuple(told) != oid:
            raise Retryable(f"the box answers another question than {name}")
        if value.tagSet != kind:
            raise _unexpected(name, kind, value)
        found[name] = _text(name, value) if kind == TEXT else str(int(value))
    return found


def is_of_keys(heard: Heard) -> bool:
    """Tell whether other keys may be what it takes: they are refused, or there is no answer."""
    return heard.complaint in KEYS_REFUSED | SILENT


def _check(heard: Heard, names: Sequence[str]) -> None:
    if heard.complaint in KEYS_REFUSED:
        why = _WORDS.get(heard.complaint, "it knows others")
        raise untouched(Permanent(f"the box does not take our user and keys: {why}"))
    if heard.complaint in SILENT:
        raise Unreachable(f"the box gave no proper answer: {_WORDS[heard.complaint]}")
    if heard.complaint:
        raise Retryable("the box answers something else than was asked")
    if heard.status:
        raise refusal(heard.status, heard.index, names)


def refusal(status: int, index: int, names: Sequence[str]) -> TargetError:
    """Turn an error status into the error it stands for, naming the variable."""
    kind, word = STATUSES.get(status, (Retryable, f"status {status}"))
    about = names[index - 1 : index] if index else names
    name = about[0] if len(about) == 1 else "the request"
    return kind(f"the box refuses {name} ({word})")


def _unexpected(name: str, kind: Any, value: Any) -> TargetError:
    said = type(value).__name__
    if said in {"NoSuchObject", "NoSuchInstance"}:
        return Permanent(f"the box has no {name} where its model should")
    return Retryable(f"the box tells {name} as something else than {_TYPES[kind]}")


def _text(name: str, value: Any) -> str:
    try:
        return bytes(value).strip(_PADDING).decode()
    except UnicodeDecodeError:
        raise Retryable(f"the box tells {name} as {boxes.plain(repr(bytes(value)))}") from None
