"""What may come of a call: a problem that is told, or no answer at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class Problem(Exception):
    """The API has refused, and says why; where fields are wrong, `field` is the first of them."""

    def __init__(self, status: int, told: Mapping[str, Any]) -> None:
        super().__init__(str(told.get("detail") or told.get("title") or f"HTTP {status}"))
        self.status = status
        self.title = str(told.get("title", ""))
        self.field = str(told.get("field", ""))
        self.errors: Sequence[Mapping[str, str]] = told.get("errors", ())
        self.request_id = str(told.get("request_id", ""))


class Lost(Exception):
    """No answer came, however often it was asked for. A change may have been made or not.

    `key` is the Idempotency-Key under which it was asked for: with it, it may be asked for again.
    """

    def __init__(self, why: str, key: str = "") -> None:
        super().__init__(why)
        self.key = key
