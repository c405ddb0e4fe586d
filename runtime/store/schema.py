"""One catalogue of tables for the whole product, and the column types every package shares.

Instants are integers of microseconds since 1970 in UTC, so that both engines compare, index and
return them alike. Each package declares its own tables in its own store; nothing here knows them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Dialect, MetaData
from sqlalchemy.types import TypeDecorator, TypeEngine

# Says of a table that the database looks at what others hold when rows come in, as what seals does:
# those rows go in by a statement before its own.
LOOKS_AROUND = "looks_around"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def to_micros(instant: datetime) -> int:
    """Return microseconds since 1970. Raises TypeError for a naive datetime."""
    return (instant - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the aware UTC instant of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micros)


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime, stored as integer microseconds."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = BigInteger
    cache_ok: bool | None = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Python to database."""
        return None if value is None else to_micros(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Database to Python."""
        return None if value is None else from_micros(value)


class Duration(TypeDecorator[timedelta]):
    """A timedelta, stored as integer microseconds."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = BigInteger
    cache_ok: bool | None = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Python to database."""
        return None if value is None else value // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> timedelta | None:  # noqa: ARG002
        """Database to Python."""
        return None if value is None else timedelta(microseconds=value)
