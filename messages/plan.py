"""Which notice goes by which channels, and what it may say. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from terms.errors import Invalid


class Via(StrEnum):
    """A channel: one way to people."""

    SCREEN = "screen"
    MAIL = "mail"
    SMS = "sms"


class Way(StrEnum):
    """Whether one channel is enough."""

    FIRST = "first"  # the first that can take it; the next one where that fails
    ALL = "all"


class Purpose(StrEnum):
    """Whether a household may decline a kind of notice."""

    SERVICE = "service"  # about what it has and owes: always told
    MARKETING = "marketing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The channels of a kind, in order."""

    via: tuple[Via, ...] = (Via.SCREEN,)
    way: Way = Way.FIRST

    def __post_init__(self) -> None:
        if not self.via or len(set(self.via)) < len(self.via):
            raise Invalid("via", "names each channel once, and one at least")

    @property
    def begins(self) -> tuple[Via, ...]:
        """Where a notice is sent at once."""
        return self.via if self.way is Way.ALL else self.via[:1]

    def behind(self, via: Via) -> Via | None:
        """Give the channel that takes over where one has failed, if there is one."""
        if self.way is Way.ALL or via not in self.via:
            return None
        rest = self.via[self.via.index(via) + 1 :]
        return rest[0] if rest else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a kind of notice is for, and the places of its texts, each with a sample."""

    sample: Mapping[str, str]
    purpose: Purpose = Purpose.SERVICE


USUAL = Route()
ANNOUNCEMENT = "announcement"
_DEBT = {
    "contract": "200001",
    "number": "INV-00000017",
    "due_on": "2027-04-01",
    "days": "3",
    "amount": "26.40 EUR",
}
KINDS: Mapping[str, Kind] = {
    "welcome": Kind(sample={"contract": "200001"}),
    "receipt": Kind(sample={"contract": "200001", "amount": "26.40 EUR"}),
    "payment_failed": Kind(sample=_DEBT),
    "payment_reminder": Kind(sample=_DEBT),
    "suspension_warning": Kind(sample=_DEBT),
    "suspended": Kind(sample=_DEBT),
    "card_expires": Kind(
        sample={"contract": "200001", "card": "visa 4242", "month": "05/2027"},
    ),
    "debit_comes": Kind(
        sample={
            "amount": "26.40 EUR",
            "account": "AT61 1904 ... 3201",
            "day": "2027-04-01",
            "number": "INV-00000017",
            "mandate": "M-200001-1",
            "creditor": "AT61ZZZ01234567890",
        },
    ),
    "wallet_low": Kind(sample={"contract": "200001", "amount": "4.50 EUR"}),
    "wallet_renewal": Kind(
        sample={
            "contract": "200001",
            "amount": "4.50 EUR",
            "needed": "26.40 EUR",
            "missing": "21.90 EUR",
            "due_on": "2027-04-01",
        },
    ),
    ANNOUNCEMENT: Kind(
        sample={"contract": "200001", "text": "From May on there are four more channels."},
        purpose=Purpose.MARKETING,
    ),
    "restored": Kind(sample={"contract": "200001"}),
    "cancelled": Kind(sample={"contract": "200001"}),
}


def is_marketing(kind: str) -> bool:
    """Whether a household may decline a kind."""
    return kind in KINDS and KINDS[kind].purpose is Purpose.MARKETING


# What a step of dunning may say: nobody is dunned by an advertisement.
OF_SERVICE = tuple(sorted(kind for kind, one in KINDS.items() if one.purpose is Purpose.SERVICE))
