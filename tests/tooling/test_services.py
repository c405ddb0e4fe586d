"""The services of the tests themselves."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest
from playwright.async_api import async_playwright

from tests.services import binaries, browser, keeper, scratch, sockets


async def test_a_fresh_postgres_is_empty_and_real(fresh_postgres):
    """Each test gets an empty database of its own, on a real server."""
    connection = await asyncpg.connect(fresh_postgres)
    try:
        tables = await connection.fetchval("SELECT count(*) FROM pg_stat_user_tables")
        version = await connection.fetchval("SHOW server_version_num")
    finally:
        await connection.close()
    assert tables == 0
    assert int(version) >= 150000


def test_a_database_can_be_copied(postgres_server):
    """A prepared database serves as the template of another one."""

    async def write(url):
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE seat (number int)")
        await connection.execute("INSERT INTO seat VALUES (7)")
        await connection.close()

    async def read(url):
        connection = await asyncpg.connect(url)
        number = await connection.fetchval("SELECT number FROM seat")
        await connection.close()
        return number

    original = postgres_server.create()
    asyncio.run(write(original))
    copy = postgres_server.create(template=original)
    assert asyncio.run(read(copy)) == 7
    postgres_server.drop(copy)
    postgres_server.drop(original)


def test_each_engine_gets_a_database(database_url):
    """The address says the engine and names no driver."""
    assert database_url.startswith(("sqlite:////", "postgresql://"))


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("93.184.215.14", 443)])
def test_a_test_cannot_leave_the_machine(address):
    """A connection beyond loopback fails before a packet is sent."""
    with socket.socket() as door, pytest.raises(sockets.OutsideConnectionError):
        door.connect(address)


async def test_a_test_cannot_ask_for_foreign_names():
    """The event loop's own name look-up is barred as well."""
    with pytest.raises(sockets.OutsideConnectionError):
        await asyncio.get_running_loop().getaddrinfo("boxoffice.example", 443)


def test_loopback_stays_open():
    """Servers on this machine can be reached by address and by name."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for host in ("127.0.0.1", "localhost"):
            socket.create_connection((host, port)).close()


def installation_of(origin):
    """Return the PostgreSQL of this origin, or skip."""
    found = [place for place in binaries.candidates() if place.origin == origin]
    if not found or not found[0].is_complete():
        pytest.skip(f"no PostgreSQL of this origin here: {origin}")
    return found[0].installation


@pytest.mark.parametrize("origin", ["system", "wheel"])
def test_a_cluster_starts_as_whoever_runs_the_tests(origin):
    """The system's PostgreSQL and the wheel's both start, as root too."""
    start_and_remove(keeper.prepare(installation_of(origin)))


def test_a_closed_environment_is_no_obstacle(tmp_path):
    """Below a folder that only root may enter, the server's user works on a copy."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    copy = keeper.copy_installation(installation_of("wheel"), closed)
    cluster = keeper.prepare(copy)
    assert cluster.programs.is_relative_to(cluster.folder) is (os.geteuid() == 0)
    start_and_remove(cluster)


def start_and_remove(cluster):
    """Start the server, talk to it and take everything away."""
    try:
        server, port = keeper.start_somewhere(cluster)
        socket.create_connection(("127.0.0.1", port)).close()
        server.kill()
        server.wait()
    finally:
        shutil.rmtree(cluster.folder)


def test_the_keeper_goes_with_its_owner(tmp_path):
    """When the process of the run dies, its cluster is stopped and removed."""
    found = binaries.find_postgres()
    if found is None:
        pytest.skip(binaries.MISSING)
    owner = subprocess.Popen(["sleep", "60"])
    run_folder = tmp_path / "run"
    run_folder.mkdir()
    arguments = [str(found.installation), str(run_folder), str(owner.pid)]
    command = [sys.executable, "-m", "tests.services.keeper", *arguments]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as process:
        while not (run_folder / "postgres.url").exists() and process.poll() is None:
            time.sleep(0.05)
        owner.kill()
        owner.wait()
        assert process.wait(30) == 0
    assert not run_folder.exists()


@pytest.mark.browser
async def test_the_browser_shows_a_page(chromium_path):
    """The found Chromium renders, as root too."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=chromium_path, args=browser.launch_flags()
        )
        page = await chromium.new_page()
        await page.set_content("<h1>Now showing</h1>")
        assert await page.text_content("h1") == "Now showing"
        await chromium.close()


def test_files_lie_in_memory_where_there_is_room(tmp_path):
    """With little memory, or without such a folder, it is the disk."""
    plenty, little = tmp_path / "plenty", tmp_path / "little"
    plenty.write_text("MemTotal: 9000000 kB\nMemAvailable:    8000000 kB\n")
    little.write_text("MemTotal: 9000000 kB\nMemAvailable:    1000000 kB\n")
    assert not scratch.has_room(tmp_path, little)
    assert not scratch.has_room(tmp_path, tmp_path / "nosuch")
    assert not scratch.has_room(tmp_path / "nosuch", plenty)
