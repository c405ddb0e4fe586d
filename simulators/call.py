"""One request as a simulator sees it, and the reply HTTP gives: plain values, no sockets.

Faces that speak no HTTP fill in the method, the path (whom it is about) and the words.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import orjson

READS = frozenset({"GET", "GETNEXT", "GETBULK", "HEAD", "OPTIONS"})


@dataclass(kw_only=True)
class Call:
    """A request; `dwell` serves the rest of the simulated latency where the kind wishes it.

    `words` say what was asked where method and path do not.
    """

    id: int
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    raw_query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    peer: str = ""
    words: str = ""
    is_write: bool = field(init=False)
    fault: str | None = None
    entries: int = 0
    latency_left_s: float = 0.0

    def __post_init__(self) -> None:
        self.is_write = self.method not in READS

    @cached_property
    def verb_path(self) -> str:
        """What was asked, as the journal names a call."""
        return self.words or f"{self.method} {self.path}"

    async def dwell(self) -> None:
        """Let the rest of the latency pass here, once."""
        left, self.latency_left_s = self.latency_left_s, 0.0
        if left > 0:
            await asyncio.sleep(left)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, whole in memory."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    is_torn: bool = False

    def torn(self) -> "Reply":
        """Make the reply one that never arrives: the connection is reset instead."""
        return replace(self, is_torn=True)


def json_reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Make a JSON answer."""
    return Reply(status=status, body=orjson.dumps(value), headers=headers or {})
