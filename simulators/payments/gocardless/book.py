"""Everything the collector remembers: tables of JSON objects by id, events, messages, time."""

import itertools
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from simulators.clock import SkewedClock
from simulators.payments.gocardless.errors import not_found, usage

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PREFIXES = {
    "customers": "CU",
    "customer_bank_accounts": "BA",
    "mandates": "MD",
    "payments": "PM",
    "refunds": "RF",
    "billing_requests": "BRQ",
    "billing_request_flows": "BRF",
    "events": "EV",
}
SATURDAY = 5

Thing = dict[str, Any]


class Book:
    """The tables, each in the order of creation; events wait until their message is made."""

    def __init__(self, clock: SkewedClock) -> None:
        self.clock = clock
        self.tables: dict[str, dict[str, Thing]] = {name: {} for name in PREFIXES}
        self.messages: list[Thing] = []
        self.on_message: Callable[[Thing], None] = lambda _: None
        self._numbers = itertools.count(1)
        self._pending: list[Thing] = []
        # Ids of two runs must differ, as they do at the collector.
        self._run = int(clock.seconds() * 1000)

    def new(self, table: str, **fields: Any) -> Thing:
        """Make an object with an id of its own."""
        made = {"id": self.name(PREFIXES[table]), "created_at": self.now(), **fields}
        self.tables[table][made["id"]] = made
        return made

    def name(self, prefix: str) -> str:
        """Make up an id."""
        number, digits = self._run * 1_000_000 + next(self._numbers), ""
        while number:
            number, rest = divmod(number, len(ALPHABET))
            digits = ALPHABET[rest] + digits
        return prefix + digits.rjust(12, "0")

    def now(self) -> str:
        """Tell the time as the API writes it."""
        at = datetime.fromtimestamp(self.clock.seconds(), UTC)
        return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"

    def working_day(self, days: int) -> str:
        """Tell the day so many working days from now, as banks count them."""
        day: date = datetime.fromtimestamp(self.clock.seconds(), UTC).date()
        while days:
            day += timedelta(days=1)
            days -= day.weekday() < SATURDAY
        return day.isoformat()

    def find(self, table: str, number: object) -> Thing:
        """Find an object by its id."""
        found = self.tables[table].get(str(number))
        if found is None:
            raise not_found()
        return found

    def linked(self, table: str, links: Mapping[str, Any], name: str) -> Thing:
        """Find what a link names."""
        found = self.tables[table].get(str(links.get(name)))
        if found is None:
            raise usage("link_not_found", link=name)
        return found

    def emit(
        self, kind: str, action: str, thing: Thing, *, origin: str = "bank", **details: Any
    ) -> None:
        """Record that something happened to an object. The event does not say how much."""
        links = {kind.removesuffix("s"): thing["id"], **details.pop("links", {})}
        cause = details.pop("cause", f"{kind.removesuffix('s')}_{action}")
        event = self.new(
            "events",
            resource_type=kind,
            action=action,
            links=links,
            details={"origin": origin, "cause": cause, "description": cause, **details},
            metadata={},
            resource_metadata=dict(thing.get("metadata", {})),
        )
        self._pending.append(event)

    def flush(self) -> None:
        """Put what happened since the last time into one message."""
        if self._pending:
            message = {"events": self._pending, "meta": {"webhook_id": self.name("WB")}}
            self._pending = []
            self.messages.append(message)
            self.on_message(message)
