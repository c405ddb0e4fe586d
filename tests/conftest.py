"""What every test may ask for: databases, a browser; and what none may do: leave this machine."""

import gc
import os
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import hypothesis
import pytest

from runtime import memory
from tests.conformance import named
from tests.services import (
    binaries,
    browser,
    bytecode,
    compiled,
    forks,
    hurt,
    peers,
    postgres,
    redis,
    scratch,
    sockets,
)

pytest_plugins = ["tests.fixtures.store"]

STRICT_ENVIRONMENT = "BOXOFFICE_STRICT_SERVICES"
RUN_FOLDER = pytest.StashKey[Path]()

# Tests are never timed; a slow machine is no failure.
hypothesis.settings.register_profile("boxoffice", deadline=None, print_blob=True)
hypothesis.settings.load_profile("boxoffice")

# The suite that is shipped inside the package gets the same explained assertions as our own.
pytest.register_assert_rewrite("gateway.adapters.conformance")


def pytest_configure(config: pytest.Config) -> None:
    """Close the way out; the run's first process opens the run for all of them."""
    # Each program that a test starts would compile its libraries anew, for seconds.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    given = os.environ.get(postgres.URL_ENVIRONMENT)
    database = [urlsplit(given).hostname or ""] if given else []
    bell = [urlsplit(os.environ.get(redis.URL_ENVIRONMENT, "")).hostname or ""]
    sockets.bar_outside([*database, *filter(None, bell), *named.hosts()])
    compiled.share()
    if not hasattr(config, "workerinput"):
        scratch.settle()
        config.stash[RUN_FOLDER] = postgres.open_run()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long ones, which ask for a limit of their own: nobody waits for one alone."""
    items.sort(key=lambda item: -_limit_s(item))


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Look for no garbage in what is loaded: all of it stays. Of the rest, as often as `serve`."""
    gc.disable()
    worker = getattr(session.config, "workerinput", None)
    if worker and session.config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        bytecode.share(int(worker["workerid"].removeprefix("gw")), worker["workercount"])
    found = yield
    gc.freeze()
    gc.set_threshold(memory.YOUNG_OBJECTS_MAX, memory.YOUNG_LOOKS_MAX, memory.MIDDLE_LOOKS_MAX)
    gc.enable()
    return found


def _limit_s(item: pytest.Item) -> float:
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark else 0.0


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what this process has started, and the first one what the run has."""
    forks.loaded.close()
    folder = config.stash.get(RUN_FOLDER, None)
    if folder is not None:
        postgres.close_run(folder)


def pytest_report_header() -> list[str]:
    """Show which services the tests will use."""
    chromium = browser.find_chromium()
    return [
        f"postgres: {postgres.describe()}",
        f"redis: {redis.describe()}",
        f"chromium: {chromium or 'none'}",
        f"peers: {peers.describe()}",
        f"scratch: {tempfile.gettempdir()}",
    ]


def missing(reason: str) -> NoReturn:
    """Skip the test, or fail it where every service must be there."""
    if os.environ.get(STRICT_ENVIRONMENT) == "1":
        pytest.fail(f"{reason} ({STRICT_ENVIRONMENT}=1)", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """Return the address of the administration database of a real PostgreSQL."""
    given = os.environ.get(postgres.URL_ENVIRONMENT)
    if given:
        return given
    found = binaries.find_postgres()
    if found is None:
        missing(binaries.MISSING)
    return postgres.shared_url(found)


@pytest.fixture(scope="session")
def postgres_server(postgres_url: str) -> Iterator[postgres.Server]:
    """Return the door to that server: it makes, copies and drops databases."""
    server = postgres.Server(postgres_url)
    yield server
    server.close()


@pytest.fixture
def fresh_postgres(postgres_server: postgres.Server) -> Iterator[str]:
    """Return the address of an empty PostgreSQL database that goes after the test."""
    url = postgres_server.create()
    yield url
    postgres_server.drop(url)


@pytest.fixture(scope="module")
def hurt_postgres() -> Iterator[hurt.PostgresServer]:
    """Return a PostgreSQL of the test file's own, running; it may be hurt."""
    found = binaries.find_postgres()
    if found is None:
        missing(binaries.MISSING)
    with hurt.PostgresServer(found) as server:
        server.start()
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty database, once on each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'boxoffice.db'}"
    return str(request.getfixturevalue("fresh_postgres"))


@pytest.fixture(scope="session")
def redis_program() -> Path:
    """Return the program of a real Redis server."""
    found = redis.find_redis()
    if found is None:
        missing(redis.MISSING)
    return found


@pytest.fixture(scope="session")
def redis_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the address of a running Redis that this process's tests share."""
    given = os.environ.get(redis.URL_ENVIRONMENT)
    if given:
        yield given
        return
    with redis.RedisServer(request.getfixturevalue("redis_program")) as server:
        server.start()
        yield server.url


@pytest.fixture
def redis_server(redis_program: Path) -> Iterator[redis.RedisServer]:
    """Return a Redis of the test's own that does not run yet; it may be hurt."""
    with redis.RedisServer(redis_program) as server:
        yield server


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """Return the Chromium that looks at the pages."""
    found = browser.find_chromium()
    if found is None:
        missing(browser.MISSING)
    return found
