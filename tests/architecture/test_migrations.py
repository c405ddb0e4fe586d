"""The stream of migrations and the declared tables tell the same story on both engines."""

import asyncio
import importlib
import json
import pkgutil
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from app.migrations import LOCATION, whole
from app.shape import newest
from runtime.store import Store, audit, metadata, migrate
from runtime.store.engine import driver_url
from tests.fixtures.clock import START

ROOMS = ("runtime", "billing", "gateway", "messages", "app")
STREAM = ScriptDirectory(str(LOCATION))
SCRIPTS = [*STREAM.walk_revisions()][::-1]
REVISIONS = [script.revision for script in SCRIPTS]


def load_tables() -> None:
    """Import every module of the product, so that all its tables are declared."""
    for room in ROOMS:
        try:
            package = importlib.import_module(room)
        except ModuleNotFoundError:
            continue
        for found in pkgutil.walk_packages(package.__path__, f"{room}."):
            if ".migrations" not in found.name and not found.name.endswith("__main__"):
                importlib.import_module(found.name)


def test_the_newest_revision_has_the_highest_number():
    """One follows the other by their numbers: whoever opens a database takes the highest for it."""
    assert sorted(REVISIONS) == REVISIONS
    assert newest() == REVISIONS[-1]


async def look(url: str, question):
    """Ask a synchronous question of a database."""
    engine = create_async_engine(driver_url(url))
    async with engine.connect() as connection:
        answer = await connection.run_sync(question)
    await engine.dispose()
    return answer


def differences(connection: Connection) -> list[object]:
    """Return what would have to change for the database to be as declared."""
    options = {"compare_type": True, "compare_server_default": True}
    return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


def tables(connection: Connection) -> set[str]:
    """Return the names of the tables there are."""
    return set(inspect(connection).get_table_names())


def leftovers(connection: Connection) -> list[str]:
    """Return the names of triggers and functions that are ours."""
    if connection.dialect.name == "sqlite":
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    else:
        query = (
            "SELECT proname FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace "
            "WHERE nspname = 'public'"
        )
    return [str(row[0]) for row in connection.execute(text(query))]


async def test_migrated_equals_declared(migrated_url):
    """From nothing to the newest revision makes exactly the tables the code declares."""
    load_tables()
    assert await look(migrated_url, differences) == []


def test_what_is_made_at_once_is_what_the_revisions_come_to():
    """An embedded database that is new has the very shape that an old one has been brought to."""
    told = whole.SCRIPT.read_text("utf-8")
    assert told == whole.by_revisions(), (
        "write it again: python -m app.migrations.whole > app/migrations/whole.sql"
    )


async def test_every_step_goes_down_and_up_again(database_url):
    """Each revision can be undone and done again; at the bottom nothing is left."""
    await look(database_url, there_and_back)
    assert await migrate.current(database_url) == migrate.head(LOCATION) == REVISIONS[-1]
    await migrate.downgrade(database_url, LOCATION)
    assert await migrate.current(database_url) is None
    assert await look(database_url, tables) == {"alembic_version"}
    assert await look(database_url, leftovers) == []


def there_and_back(connection: Connection) -> None:
    """Take each step up, down and up again, as the stream does, to its end."""
    options = {"render_as_batch": True, "target_metadata": metadata}
    context = MigrationContext.configure(connection, opts=options)
    with Operations.context(context):
        for script in SCRIPTS:
            script.module.upgrade()
            script.module.downgrade()
            script.module.upgrade()
    context.stamp(STREAM, "head")
    connection.commit()


async def test_a_row_for_later_is_known_as_scheduled(database_url):
    """Rows that waited for their time do so after the migration; what was marked stays marked."""
    await migrate.upgrade(database_url, LOCATION, to="0006")
    store = Store(database_url)
    add = "INSERT INTO work (kind, key, marked_at, not_before, due_at) VALUES ('settle', "
    async with store.begin() as tx:
        await tx.driver("""UPDATE business_clock SET "offset" = 500""")
        await tx.driver(f"{add}'marked', 100, 100, 600)")
        await tx.driver(f"{add}'next month', 100, 100, 601)")
    await store.close()
    await migrate.upgrade(database_url, LOCATION)
    store = Store(database_url)
    async with store.read() as tx:
        found = await tx.fetch("SELECT key, is_scheduled FROM work ORDER BY key")
    await store.close()
    assert [tuple(row) for row in found] == [("marked", 0), ("next month", 1)]


async def test_boxes_known_before_have_a_place_and_a_history(database_url):
    """What was known of a box is the first line of its history; what is held lies on no shelf."""
    await migrate.upgrade(database_url, LOCATION, to="0007")
    store = Store(database_url)
    add = "INSERT INTO resource VALUES "
    async with store.begin() as tx:
        await tx.driver(f"{add}('R1', 'A', NULL, 'M', 'assigned', 'S1', 3, 100, 'ann')")
        await tx.driver(f"{add}('R2', 'B', NULL, 'M', 'in_stock', NULL, 0, 200, 'import')")
    await store.close()
    await migrate.upgrade(database_url, LOCATION)
    store = Store(database_url)
    async with store.read() as tx:
        places = await tx.fetch("SELECT serial, place FROM resource ORDER BY serial")
        lines = await tx.fetch(
            "SELECT resource, n, action, state, service, place, actor, at FROM resource_move "
            "ORDER BY resource"
        )
    await store.close()
    assert [tuple(row) for row in places] == [("A", ""), ("B", "warehouse")]
    assert [tuple(row) for row in lines] == [
        ("R1", 3, "known", "assigned", "S1", "", "ann", 100),
        ("R2", 0, "known", "in_stock", None, "warehouse", "import", 200),
    ]


OF_BEFORE = (
    "INSERT INTO customer VALUES ('C', 'n', '', '', 0)",
    "INSERT INTO account VALUES ('A', '1', 'C', 'EUR', 'Europe/Vienna', 'en', 1, 14, 0)",
    "INSERT INTO service VALUES ('S', 'A', '1', '', 1, 1, 0, NULL, 0)",
    "INSERT INTO offering VALUES ('BOX', 'rental', 'Box', '', 'standard', 'HD-1')",
    "INSERT INTO price VALUES ('BOX', 'EUR', '2026-01-01', 300)",
    (
        "INSERT INTO rental VALUES ('K1', 'S', 'R1', 's', 'HD-1', 'BOX', '2026-03-01',"
        "'2026-03-09', '2026-03-01', 'K2')"
    ),
    (
        "INSERT INTO invoice VALUES ('I', 'INV', 1, 'INV-1', 'A', 'EUR', '2026-03-01', 0, "
        "'2026-03-01', 300, 0, 300, '[]')"
    ),
    "INSERT INTO movement VALUES ('M', 'A', 'cash', 'r', 'r', 'cleared', 300, 'EUR', NULL, 0, 0)",
    "INSERT INTO allocation VALUES ('L', 'A', 'M', 'I', 300, 0)",
)


async def test_what_was_rented_and_paid_before_stays(database_url):
    """Rentals that had ended give nothing back; payments still pay, on the way up and down."""
    await migrate.upgrade(database_url, LOCATION, to="0007")
    store = Store(database_url)
    async with store.begin() as tx:
        for each in OF_BEFORE:
            await tx.driver(each)
    await store.close()
    paid = "SELECT id, account_id, {0}, invoice_id, amount_minor FROM allocation"
    for revision, query, expected in (
        ("0010", "SELECT until_on IS NULL, ending, kept_minor FROM rental", (0, None, None)),
        ("0010", "SELECT amount_minor, deposit_minor, lost_fee_minor FROM price", (300, 0, 0)),
        ("0010", "SELECT id FROM possession_heard", ("K1",)),
        ("0010", paid.format("payer_id"), ("L", "A", "M", "I", 300)),
        ("0007", paid.format("movement_id"), ("L", "A", "M", "I", 300)),
    ):
        move = migrate.downgrade if revision == "0007" else migrate.upgrade
        await move(database_url, LOCATION, to=revision)
        store = Store(database_url)
        async with store.read() as tx:
            assert [tuple(row) for row in await tx.fetch(query)] == [expected]
        with pytest.raises(DBAPIError, match="only grows"):
            async with store.begin() as tx:
                await tx.driver("DELETE FROM allocation")
        await store.close()


DISPUTED = (
    "INSERT INTO movement VALUES ('D', 'A', 'cash', 'r', 'du_1', 'disputed', 9, 'EUR', NULL, 1, 1)",
    (
        "INSERT INTO pending_charge (id, account_id, service_id, cause, kind, offering, price_from,"
        " period_start, period_end, quantity, currency, rate_minor, amount_minor, tax, label,"
        " record, from_on, due_on, is_open, is_withdrawn, created_at) VALUES ('F', 'A', 'S', 'd',"
        " 'dispute_fee', '', '2026-03-01', '2026-03-01', '2026-03-02', 1, 'EUR', 990, 990, '',"
        """ 'Fee', '{"dispute": "du_1", "provider": "cash", "take": 0}', '2026-03-01',"""
        " '2026-03-01', false, false, 0)"
    ),
)


async def test_a_fee_for_a_dispute_becomes_one_of_its_charge(database_url):
    """What was charged by the name of a dispute is known by its charge, and down again."""
    await migrate.upgrade(database_url, LOCATION, to="0007")
    for rows, revision, named in (
        (OF_BEFORE, "0065", None),
        (DISPUTED, "0066", {"charge": "r"}),
        ((), "0065", {"dispute": "du_1"}),
    ):
        store = Store(database_url)
        async with store.begin() as tx:
            for each in rows:
                await tx.driver(each)
        await store.close()
        move = migrate.upgrade if rows else migrate.downgrade
        await move(database_url, LOCATION, to=revision)
        store = Store(database_url)
        async with store.read() as tx:
            found = [
                json.loads(row[0]) for row in await tx.fetch("SELECT record FROM pending_charge")
            ]
        await store.close()
        assert found == ([{"provider": "cash", "take": 0} | named] if named else [])


LAID = (
    (
        "INSERT INTO bank_entry (id, line_key, account, statement, place, kind, booked_on,"
        " value_on, amount_minor, currency, ref, end_to_end, structured, text, name, iban, state,"
        " why, taken_at) VALUES ('{0}', '{0}', 'AT1', 'S', '1', 'money', '2026-03-01',"
        " '2026-03-01', 100, 'EUR', '', '', '', '', '', '', 'outside', '{2}', 5)"
    ),
    "INSERT INTO entry VALUES ('{0}.moved', 1, 'suspense', 'AT1', 100, 'EUR')",
    "INSERT INTO entry VALUES ('{0}.moved', 2, '{1}', -100, 'EUR')",
    "INSERT INTO posting VALUES ('{0}.moved', 'bank', 'bank', '2026-03-02', 7)",
)


async def test_lines_set_aside_before_may_be_taken_back(database_url):
    """Whoever paid out stands in the books; what no person had set aside is not among them."""
    await migrate.upgrade(database_url, LOCATION, to="0066")
    store = Store(database_url)
    async with store.begin() as tx:
        for line, side, why in (
            ("L1", "clearing', 'cards", "person"),
            ("L2", "outside', '", "person"),
            ("L3", "clearing', 'sepa", "debits"),
        ):
            for each in LAID:
                await tx.driver(each.format(line, side, why))
    await store.close()
    for _ in range(2):
        await migrate.upgrade(database_url, LOCATION, to="0067")
        store = Store(database_url)
        async with store.read() as tx:
            query = "SELECT entry_id, provider, at, n FROM bank_aside ORDER BY entry_id"
            found = [tuple(row) for row in await tx.fetch(query)]
        await store.close()
        assert found == [("L1", "cards", 7, 1), ("L2", "", 7, 1)]
        await migrate.downgrade(database_url, LOCATION, to="0066")


async def test_only_a_wallet_that_something_was_in_is_known_as_one(database_url):
    """What was noted of others goes, and nothing else that is noted of an account."""
    await migrate.upgrade(database_url, LOCATION, to="0068")
    store = Store(database_url)
    async with store.begin() as tx:
        await tx.driver("INSERT INTO customer VALUES ('C', 'C', '', '', 5)")
        for account, perks in (("A1", 17), ("A2", 33), ("A3", 32), ("A4", 1)):
            await tx.driver(
                "INSERT INTO account (id, number, customer_id, currency, zone, locale, bill_day,"
                f" terms_days, created_at, perks) VALUES ('{account}', '{account}', 'C', 'EUR',"
                f" 'UTC', 'en', 1, 0, 5, {perks})"
            )
        for n, (book, party) in enumerate((("credit", "A3"), ("receivable", "A1"))):
            await tx.driver(
                f"INSERT INTO entry VALUES ('P', {2 * n}, '{book}', '{party}', 1, 'EUR')"
            )
            await tx.driver(
                f"INSERT INTO entry VALUES ('P', {2 * n + 1}, 'clearing', '', -1, 'EUR')"
            )
        await tx.driver("INSERT INTO posting VALUES ('P', 'payment', 'A3', '2026-03-02', 7)")
    await store.close()
    for _ in range(2):
        await migrate.upgrade(database_url, LOCATION, to="0069")
        store = Store(database_url)
        async with store.read() as tx:
            query = "SELECT id, perks, warned_of FROM account ORDER BY id"
            found = [tuple(row) for row in await tx.fetch(query)]
        await store.close()
        assert found == [("A1", 1, None), ("A2", 1, None), ("A3", 32, None), ("A4", 1, None)]
        await migrate.downgrade(database_url, LOCATION, to="0068")


async def test_two_that_migrate_at_once_do_it_once(database_url):
    """Processes that start together wait for each other and both find the newest schema."""
    command = (sys.executable, "-c", MIGRATE, database_url)
    both = [await asyncio.create_subprocess_exec(*command, cwd=LOCATION.parents[1]) for _ in "ab"]
    assert [await each.wait() for each in both] == [0, 0]
    assert await migrate.current(database_url) == migrate.head(LOCATION)
    assert "work" in await look(database_url, tables)


MIGRATE = """
import asyncio, sys
from app.migrations import LOCATION
from runtime.store.migrate import upgrade

asyncio.run(upgrade(sys.argv[1], LOCATION))
"""


async def test_a_failed_migration_leaves_nothing(database_url, tmp_path):
    """A step that fails half-way is undone as a whole, tables and version alike."""
    versions = tmp_path / "stream" / "versions"
    versions.mkdir(parents=True)
    (tmp_path / "stream" / "env.py").write_text((LOCATION / "env.py").read_text("utf-8"), "utf-8")
    (versions / "0001_broken.py").write_text(
        "from alembic import op\n"
        "revision = '0001'\ndown_revision = None\n"
        "def upgrade():\n"
        "    op.execute('CREATE TABLE half (id INTEGER)')\n"
        "    op.execute('CREATE NONSENSE')\n",
        "utf-8",
    )
    with pytest.raises(DBAPIError):
        await migrate.upgrade(database_url, tmp_path / "stream")
    assert await look(database_url, tables) == set()
    assert await migrate.current(database_url) is None


@pytest.mark.parametrize("change", ["UPDATE audit SET actor = 'other'", "DELETE FROM audit"])
async def test_the_audit_only_grows(store: Store, change):
    """What was done stays written as it was: the database itself refuses to change it."""
    deed = audit.Deed(
        at=START, actor="ann", action="clock.advance", subject="clock", reason="test", after="35d"
    )
    async with store.begin() as tx:
        await audit.record(tx, [deed])

    async def tamper() -> None:
        async with store.begin() as tx:
            await tx.driver(change)

    with pytest.raises(DBAPIError, match="audit only grows"):
        await tamper()
    async with store.read() as tx:
        assert await audit.history(tx, "clock") == [deed]
