"""One request to the provider's API, as the resources see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulators.call import Call
from simulators.journal import Journal
from simulators.payments.stripe.book import Book, Thing
from simulators.payments.stripe.charging import Cashier
from simulators.payments.stripe.params import Params
from simulators.payments.stripe.webhooks import Endpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request; `number` is the id in its path."""

    book: Book
    cashier: Cashier
    endpoints: Endpoints
    journal: Journal
    call: Call
    params: Params
    number: str
    key: str | None
    url: str

    def created(self, thing: Thing, *names: str) -> None:
        """Record a new object in the journal with the fields named."""
        after = {name: thing[name] for name in ("object", *names)}
        self.journal.effect(self.call, thing["id"], before=None, after=after)

    def changed(self, thing: Thing, before: Mapping[str, Any]) -> None:
        """Record what became of the fields given."""
        after = {name: thing[name] for name in before}
        differing = [name for name in before if before[name] != after[name]]
        self.journal.effect(
            self.call,
            thing["id"],
            before={name: before[name] for name in differing},
            after={name: after[name] for name in differing},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Torn:
    """A result that the caller must not hear of: the connection is reset instead."""

    thing: Thing
