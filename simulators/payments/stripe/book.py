"""Everything the provider remembers: tables of JSON objects by id, ids, events, time.

It knows nothing of HTTP. Objects are plain dictionaries in the shape callers are shown.
"""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from simulators.clock import SkewedClock
from simulators.payments.stripe.errors import unknown_object

API_VERSION = "2025-03-31.basil"
ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

Thing = dict[str, Any]


class Book:
    """The tables. Each one is in the order of creation."""

    def __init__(self, clock: SkewedClock) -> None:
        self.clock = clock
        self.customers: dict[str, Thing] = {}
        self.methods: dict[str, Thing] = {}
        self.intents: dict[str, Thing] = {}
        self.charges: dict[str, Thing] = {}
        self.refunds: dict[str, Thing] = {}
        self.disputes: dict[str, Thing] = {}
        self.sessions: dict[str, Thing] = {}
        self.setups: dict[str, Thing] = {}
        self.events: dict[str, Thing] = {}
        self.on_event: Callable[[Thing], None] = lambda _: None
        self._numbers = itertools.count(1)
        # Ids of two runs must differ, as they do at the provider.
        self._run = int(clock.seconds() * 1000)

    def new(self, prefix: str, kind: str, **fields: Any) -> Thing:
        """Make an object with an id of its own."""
        return {
            "id": f"{prefix}_{self._unique()}",
            "object": kind,
            "created": int(self.clock.seconds()),
            "livemode": False,
            **fields,
        }

    def secret(self) -> str:
        """Make a text nobody else has."""
        return self._unique() + self._unique()

    def customer(self, number: str, *, param: str = "customer") -> Thing:
        """Find a customer."""
        found = self.customers.get(number)
        if found is None or found.get("deleted"):
            raise unknown_object("customer", number, param=param)
        return found

    def find(self, table: Mapping[str, Thing], kind: str, number: str, param: str = "id") -> Thing:
        """Find an object of any table."""
        found = table.get(number)
        if found is None:
            raise unknown_object(kind, number, param=param)
        return found

    def emit(self, type_: str, thing: Thing, key: str | None = None) -> Thing:
        """Record an event with the object as it is now, and hand it on for delivery."""
        event = self.new(
            "evt",
            "event",
            api_version=API_VERSION,
            data={"object": copy_of(thing)},
            pending_webhooks=0,
            request={"id": f"req_{self._unique()}", "idempotency_key": key},
            type=type_,
        )
        self.events[event["id"]] = event
        self.on_event(event)
        return event

    def _unique(self) -> str:
        number = self._run * 1_000_000 + next(self._numbers)
        digits = ""
        while number:
            number, rest = divmod(number, len(ALPHABET))
            digits = ALPHABET[rest] + digits
        return digits.rjust(14, "0")


def copy_of(value: Any) -> Any:
    """Copy a JSON value deeply, so that an event keeps what was."""
    if isinstance(value, dict):
        return {key: copy_of(below) for key, below in value.items()}
    if isinstance(value, list):
        return [copy_of(below) for below in value]
    return value
