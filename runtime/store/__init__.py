"""The database: engine, unit of work, shared column types, migrations. No ORM."""

from runtime.store.engine import Store
from runtime.store.schema import LOOKS_AROUND, Duration, Instant, from_micros, metadata, to_micros
from runtime.store.unit import Tx

__all__ = [
    "LOOKS_AROUND",
    "Duration",
    "Instant",
    "Store",
    "Tx",
    "from_micros",
    "metadata",
    "to_micros",
]
