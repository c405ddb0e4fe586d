"""A bundle: several queries asked as one answer as each would by itself."""

from datetime import date, timedelta

from sqlalchemy import Date, literal, select, true

from runtime.log import Entry, append, log_cursor, log_entry, snapshot
from runtime.store.among import KEYS, among, packed
from runtime.store.bundle import Bundle
from runtime.store.prepared import PreparedQuery, rows_of
from tests.fixtures.clock import START


def entries(engine):
    """Ask for entries of keys: text and an instant."""
    return select(log_entry.c.id, log_entry.c.at).where(among(engine, log_entry.c.key))


def snapshots(engine):
    """Ask for snapshots of keys: text, numbers, a day, a truth and nothing."""
    c = snapshot.c
    day = literal(date(2028, 2, 29), Date).label("day")
    missing = literal(None, Date).label("missing")
    return select(c.value, c.revision, day, true().label("yes"), missing).where(
        among(engine, c.key)
    )


def cursors(engine):
    """Ask for what there is nothing of."""
    return select(log_cursor).where(among(engine, log_cursor.c.consumer))


async def test_it_answers_as_each_by_itself(store):
    """Every value has the type it has by itself, rows of one query keep apart from the others'."""
    bundle = Bundle(entries=entries, snapshots=snapshots, cursors=cursors)
    apart = [PreparedQuery(query) for query in (entries, snapshots, cursors)]
    async with store.begin() as tx:
        for n in range(3):
            at = START + timedelta(microseconds=n)
            await append(tx, [Entry(id=f"e{n}", kind="k", key="a", value="", at=at)])
        text = '"quoted", [a] {b}\n\\ \N{SNOWMAN}\''
        row = {"topic": "t", "key": "b", "revision": 2**62, "value": text}
        await tx.insert(snapshot, [row])
    async with store.read() as tx:
        given = {KEYS: packed(tx.engine, ["a", "b"])}
        found = await bundle.rows(tx, given)
        wanted = await rows_of(tx, *((query, given) for query in apart))
    assert [sorted(map(tuple, found[name])) for name in ("entries", "snapshots", "cursors")] == [
        sorted(map(tuple, rows)) for rows in wanted
    ]
    (one,) = found["snapshots"]
    assert (one.day, bool(one.yes), one.missing) == (date(2028, 2, 29), True, None)
    assert type(one.revision) is int


async def test_nothing_is_nothing_of_each(store):
    """Where no query finds anything each has an empty list."""
    async with store.read() as tx:
        found = await Bundle(entries=entries, cursors=cursors).rows(
            tx, {KEYS: packed(tx.engine, ["x"])}
        )
    assert found == {"entries": [], "cursors": []}
