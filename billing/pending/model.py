"""A pending charge: what is charged once and is already known, until it stands on an invoice.

Its line is known by the id of the charge, so that nothing charges it twice. It explains that line
ever after. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from billing.rating.model import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingCharge:
    """Something to be billed with the first invoice from `from_on` on, or alone on `due_on`.

    One that `is_withdrawn` is not billed any more: what was charged for it is given back.
    """

    id: str
    line: Line
    from_on: date
    due_on: date
    is_withdrawn: bool = False

    @property
    def waits(self) -> bool:
        """Whether it waits for an invoice of something else for a while."""
        return self.from_on < self.due_on

    def __post_init__(self) -> None:
        if self.from_on > self.due_on:
            raise ValueError(f"{self.id} is due on {self.due_on}, before {self.from_on}")


def ripe(
    pending: Sequence[PendingCharge], today: date, *, is_invoiced: bool
) -> list[PendingCharge]:
    """List what is billed today: once one of them must be, all that may be are.

    `is_invoiced` says that there is an invoice today for another reason.
    """
    waiting = [one for one in pending if one.from_on <= today and not one.is_withdrawn]
    if is_invoiced or any(one.due_on <= today for one in waiting):
        return waiting
    return []
