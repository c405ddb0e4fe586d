"""Asked while the database hangs, is full, restarts or gives things up: a clear answer, soon."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from app.imports.load import import_paths
from app.settings import Settings
from app.shape import bring_up, open_house
from app.wiring import House
from runtime.store import Store
from runtime.store.engine import POSTGRES_READERS_MAX, POSTGRES_WRITERS_MAX
from tests.flows.app.paying import cleared, signed
from tests.flows.app.served import ENVIRONMENT, HARBOUR, HARBOUR_BEGINS, Served, go_to, serving
from tests.flows.app.visitor import SIGN_IN
from tests.services.hurt import PostgresServer
from tests.services.wire import Wire, wire_to

HOOK = "/hooks/payments/cards"
# A person waits two seconds; the rest is the load of a machine that runs tests.
SOON_S = 8.0
AGAIN_S = 30.0


@pytest.fixture(scope="module")
def database(hurt_postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of a database with an operator in it."""
    folder = tmp_path_factory.mktemp("data")

    async def make() -> None:
        connection = await asyncpg.connect(hurt_postgres.url())
        await connection.execute("CREATE DATABASE boxoffice")
        await connection.close()
        settings = settings_in(folder, hurt_postgres.url("boxoffice"))
        await bring_up(settings)
        async with open_house(settings) as house:
            await go_to(house, HARBOUR_BEGINS)
            outcome = await import_paths(house, [HARBOUR], ENVIRONMENT)
            assert list(outcome.problems) == []

    asyncio.run(make())
    return str(folder)


def settings_in(folder: Path, url: str) -> Settings:
    """Return the settings of a house on that database."""
    return Settings(data_dir=folder, database_url=url, log_level="error")


@pytest.fixture
async def wire(hurt_postgres: PostgresServer) -> AsyncIterator[Wire]:
    """Return the wire between the house and its database."""
    async with wire_to(hurt_postgres.port) as opened:
        yield opened


@pytest.fixture
async def served(hurt_postgres, database, wire) -> AsyncIterator[Served]:
    """Return a house that answers; nothing works in it."""
    url = urlsplit(hurt_postgres.url("boxoffice"))
    place = f"{url.username}:{url.password}@127.0.0.1:{wire.port}"
    settings = settings_in(Path(database), url._replace(netloc=place).geturl())
    async with open_house(settings) as house, serving(house) as one:
        yield one


async def check_told_to_come_again(served: Served) -> None:
    """Reading and writing get 503 and a time to come again, soon; what needs no database works."""
    began_at = time.monotonic()
    body = cleared("200001", 2640)
    headers = {"Authorization": f"Bearer {served.token}"}
    answers = await asyncio.gather(
        served.raw("GET", "/api/v1/accounts", headers=headers),
        served.raw("GET", "/api/v1/work", headers=headers),
        served.raw("POST", HOOK, data=body, headers=signed(body)),
        served.raw("GET", "/console/", headers={"Cookie": f"{SIGN_IN}=x"}),
    )
    assert time.monotonic() - began_at < SOON_S
    assert [status for status, _, _ in answers] == [503] * 4
    assert all(int(headers["Retry-After"]) > 0 for _, _, headers in answers)
    assert (await served.raw("GET", "/healthz"))[0] == 200
    await until_ready(served, 503)


async def check_well_again(served: Served) -> None:
    """Without a restart everything is answered again."""
    async with asyncio.timeout(AGAIN_S):
        while (await served.api("GET", "work"))[0] != 200:  # noqa: ASYNC110 - over a socket
            await asyncio.sleep(0.1)
    await until_ready(served, 200)


async def until_ready(served: Served, status: int) -> None:
    """Ask for readiness until it is told: it is looked at once a second at most."""
    async with asyncio.timeout(AGAIN_S):
        while (await served.raw("GET", "/readyz"))[0] != status:  # noqa: ASYNC110 - over a socket
            await asyncio.sleep(0.1)


async def count(house: House, table: str) -> int:
    """How many rows a table has."""
    async with house.store.read() as tx:
        ((rows,),) = await tx.fetch(f"SELECT count(*) FROM {table}")
    return int(rows)


async def test_a_database_that_hangs_keeps_nobody_waiting(served, hurt_postgres):
    """It answers nothing at all: whoever asks is told so, and served when it goes on."""
    await check_well_again(served)
    hurt_postgres.freeze()
    try:
        await check_told_to_come_again(served)
    finally:
        hurt_postgres.thaw()
    await check_well_again(served)


async def test_a_database_that_hangs_keeps_no_process_from_its_end(hurt_postgres):
    """Connections are closed with a word to the server, and without it where it hangs."""
    store = Store(hurt_postgres.url())
    async with store.read(), store.begin() as tx:
        await tx.fetch("SELECT 1")
    hurt_postgres.freeze()
    try:
        async with asyncio.timeout(AGAIN_S):
            await store.close()
    finally:
        hurt_postgres.thaw()


async def test_with_every_connection_in_use_nobody_waits_long(served):
    """All connections of the process are lent: others are told, not queued for ever."""
    store = served.house.store

    async def hold(stack: AsyncExitStack) -> None:
        for _ in range(POSTGRES_READERS_MAX):
            await stack.enter_async_context(store.read())

    async def hold_a_writer(released: asyncio.Event, held: asyncio.Semaphore) -> None:
        async with store.begin():
            held.release()
            await released.wait()

    released, held = asyncio.Event(), asyncio.Semaphore(0)
    holding = [
        asyncio.create_task(hold_a_writer(released, held)) for _ in range(POSTGRES_WRITERS_MAX)
    ]
    for _ in holding:
        await held.acquire()
    async with AsyncExitStack() as stack:
        await hold(stack)
        await check_told_to_come_again(served)
    released.set()
    await asyncio.gather(*holding)
    await check_well_again(served)


async def test_with_no_connection_to_spare_at_the_server(served, hurt_postgres):
    """Somebody else has taken every connection that the server allows."""
    await served.house.store.close()  # as at its start: it has none
    async with AsyncExitStack() as stack:
        with pytest.raises(asyncpg.TooManyConnectionsError):
            for _ in range(200):
                connection = await asyncpg.connect(hurt_postgres.url())
                stack.push_async_callback(connection.close)
        await check_told_to_come_again(served)
    await check_well_again(served)


async def test_restarted_it_is_found_again(served, hurt_postgres):
    """Every connection breaks; away it is told, and when it is back nothing is left of that."""
    await check_well_again(served)
    hurt_postgres.stop_immediately()
    await check_told_to_come_again(served)
    hurt_postgres.start()
    await check_well_again(served)


async def test_a_commit_of_unknown_outcome_counts_once(served, wire):
    """The answer to a commit is lost with the connection: the message is stored once."""
    before = await count(served.house, "provider_event")
    body = cleared("200002", 2640, event="evt_unknown", charge="pi_unknown")
    wire.cut_after(b"COMMIT")
    status, _, _ = await served.raw("POST", HOOK, data=body, headers=signed(body))
    assert (status, wire.cuts_count) == (200, 1)
    assert await count(served.house, "provider_event") == before + 1


async def test_what_the_database_gives_up_is_tried_again_a_few_times(served):
    """A deadlock or a failed serialisation is repeated; one that goes on is told as 503."""
    before = await count(served.house, "provider_event")
    async with served.house.store.begin() as tx:
        await tx.driver("CREATE SEQUENCE trouble")
        await tx.driver(
            "CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF nextval('trouble') % 100 < 3 THEN "
            "RAISE EXCEPTION 'given up' USING ERRCODE = '40P01'; END IF; RETURN NEW; END $$"
        )
        await tx.driver(
            "CREATE TRIGGER trouble BEFORE INSERT ON provider_event "
            "FOR EACH ROW EXECUTE FUNCTION trouble()"
        )
    try:
        body = cleared("200003", 2640, event="evt_twice", charge="pi_twice")
        status, _, _ = await served.raw("POST", HOOK, data=body, headers=signed(body))
        assert status == 200
        assert await count(served.house, "provider_event") == before + 1
        async with served.house.store.begin() as tx:
            await tx.driver("ALTER SEQUENCE trouble RESTART WITH 100 INCREMENT BY 100")
        body = cleared("200004", 2640, event="evt_always", charge="pi_always")
        status, _, headers = await served.raw("POST", HOOK, data=body, headers=signed(body))
        assert status == 503
        assert int(headers["Retry-After"]) > 0
        assert await count(served.house, "provider_event") == before + 1
    finally:
        async with served.house.store.begin() as tx:
            await tx.driver("DROP TRIGGER trouble ON provider_event")
            await tx.driver("DROP FUNCTION trouble")
            await tx.driver("DROP SEQUENCE trouble")
