"""What came back over HTTP, as a plain value. Knows nothing of connections or of vendors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole HTTP answer: status, headers to be asked for by lower-case name, body bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes
