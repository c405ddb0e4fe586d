"""Moves a database's schema up and down one ordered stream of revisions (Alembic).

The stream belongs to the application and is passed in as a folder. Each move is one transaction
under a lock: of two processes that start together one migrates and the other finds it done.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, NullPool, event, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from runtime.memory import unadorned
from runtime.store.engine import driver_url
from runtime.store.schema import metadata
from runtime.store.sqlite import BUSY_TIMEOUT_MS, make_place
from terms.errors import Invalid

with unadorned("pygments"):
    from alembic import command
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

# Any two numbers, as long as nobody else in the database takes them.
LOCK_NUMBERS = "8080, 547"
LOCK_TIMEOUT_S = 5
LOG_TRIES_MAX = 10


async def upgrade(url: str, location: Path, *, to: str = "head") -> str | None:
    """Move the schema up to a revision; returns where it stood as this move had its turn."""
    return await _move(url, location, lambda config: command.upgrade(config, to))


async def downgrade(url: str, location: Path, *, to: str = "base") -> str | None:
    """Move the schema down to a revision; returns where it stood as this move had its turn."""
    return await _move(url, location, lambda config: command.downgrade(config, to))


async def current(url: str) -> str | None:
    """Return the revision a database stands at; None where nothing was ever migrated."""
    async with _connection(url) as connection:
        return await connection.run_sync(_revision)


def head(location: Path) -> str | None:
    """Return the newest revision of the stream."""
    return ScriptDirectory(str(location)).get_current_head()


def run_in(context: Any) -> None:
    """Run what was asked for; called by the stream's `env.py` with Alembic's context."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _move(url: str, location: Path, step: Callable[[Config], None]) -> str | None:
    config = Config()
    config.set_main_option("script_location", str(location).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    async with _connection(url) as connection:
        await _lock(connection)
        before = await connection.run_sync(_revision)

        def run(sync_connection: Connection) -> None:
            config.attributes["connection"] = sync_connection
            step(config)

        await connection.run_sync(run)
        await _check_references(connection)
        await connection.commit()
        return before


@asynccontextmanager
async def _connection(url: str) -> AsyncIterator[AsyncConnection]:
    target = driver_url(url)
    engine = create_async_engine(target, poolclass=NullPool)
    if target.get_backend_name() == "sqlite":
        make_place(target)
        event.listen(engine.sync_engine, "connect", _sqlite_settings)
        event.listen(engine.sync_engine, "begin", _sqlite_begin)
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


def _sqlite_settings(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    # The patience comes first: another process that migrates keeps even the log's mode waiting.
    # A table that is rebuilt is dropped for a moment: its references must not cascade.
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    _keep_a_log(cursor)
    cursor.execute("PRAGMA foreign_keys=OFF")
    cursor.close()


def _keep_a_log(cursor: Any) -> None:
    """Have the file write ahead; of two who ask for it at once one is refused without patience."""
    for _ in range(LOG_TRIES_MAX):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            # Beginning to write is waited for: then the other one is done.
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("ROLLBACK")
        else:
            return
    cursor.execute("PRAGMA journal_mode=WAL")


def _sqlite_begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


async def _lock(connection: AsyncConnection) -> None:
    if connection.dialect.name == "postgresql":
        await connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK_NUMBERS})"))
        # A change of schema must not queue behind a long report and stop everybody after it.
        await connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'"))


async def _check_references(connection: AsyncConnection) -> None:
    if connection.dialect.name == "sqlite":
        broken = (await connection.execute(text("PRAGMA foreign_key_check"))).first()
        if broken is not None:
            raise Invalid("database", f"row {broken[1]} of {broken[0]} refers to nothing")


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
