"""Contract two, downwards: something to tell a subscriber, once. An edge, never state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from terms.ids import NoticeId, ServiceId


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message to one service's household, delivered at most once and never replayed.

    `id` is derived from what caused it, so that the same cause never speaks twice. `kind` picks
    the template, `params` fill it. `not_after` is machine time: later than that it is dropped.
    """

    id: NoticeId
    service: ServiceId
    kind: str
    not_after: datetime
    params: Mapping[str, str] = field(default_factory=dict)
    locale: str = "en"

    def encode(self) -> str:
        """JSON text."""
        return orjson.dumps(
            {
                "id": self.id,
                "service": self.service,
                "kind": self.kind,
                "not_after": self.not_after.isoformat(),
                "params": dict(self.params),
                "locale": self.locale,
            }
        ).decode()

    @classmethod
    def decode(cls, text: str | bytes) -> Notice:
        """Read what `encode` wrote."""
        row = orjson.loads(text)
        return cls(
            id=NoticeId(row["id"]),
            service=ServiceId(row["service"]),
            kind=row["kind"],
            not_after=datetime.fromisoformat(row["not_after"]),
            params=row["params"],
            locale=row["locale"],
        )
