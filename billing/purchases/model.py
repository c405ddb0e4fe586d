"""A purchase: something bought once. Where it grants a title it does so for a window, then no more.

It has the id of its pending charge. One that must be paid first opens when it is paid. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from billing.catalog.window import Window
from billing.subscriptions.model import Activation
from terms.ids import InvoiceId, ServiceId

SOURCE_CHARS_MAX = 40
REF_CHARS_MAX = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """What may be watched from `from_at` up to `until_at`; neither is known before it opens.

    `invoice` is the one it is charged on. One that `is_revoked` was given back.
    """

    id: str
    service: ServiceId
    offering: str
    activation: Activation
    from_at: datetime | None = None
    until_at: datetime | None = None
    invoice: InvoiceId | None = None
    is_revoked: bool = False

    def opened(self, window: Window, now: datetime, *, is_paid: bool) -> Purchase:
        """Return it with its window, which begins now, where nothing keeps it shut."""
        must_wait = self.activation is Activation.PAID and not is_paid
        if self.until_at is not None or self.is_revoked or must_wait:
            return self
        from_at, until_at = window.span(now)
        return replace(self, from_at=from_at, until_at=until_at)

    def is_over(self, now: datetime) -> bool:
        """Whether it never grants anything again."""
        return self.is_revoked or (self.until_at is not None and self.until_at <= now)

    def is_live(self, now: datetime, *, is_paid: bool) -> bool:
        """Whether its title may be watched."""
        is_kept_back = self.activation is Activation.PAID and not is_paid
        has_begun = self.from_at is not None and self.from_at <= now
        return has_begun and not is_kept_back and not self.is_over(now)

    def next_look(self, now: datetime) -> datetime | None:
        """Tell when time alone changes it next."""
        bounds = [at for at in (self.from_at, self.until_at) if at is not None and at > now]
        return min(bounds, default=None) if not self.is_revoked else None
