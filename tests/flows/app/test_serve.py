"""`boxoffice serve` as a machine runs it: begins, hears commands beside it, comes to rest."""

from __future__ import annotations

import asyncio
import json
import socket
from datetime import UTC, datetime

import aiohttp
import pytest

from tests.flows.app.process import Serving, command
from tests.flows.app.served import ENVIRONMENT, HARBOUR, HARBOUR_BEGINS

OPERATOR = {
    "operator.toml": """
[operator]
name = "Box TV"
currency = "EUR"
zone = "Europe/Vienna"
locale = "en"
country = "AT"

[targets.boxes]
kind = "cwmp"
models = ["RB-1"]
""",
}


@pytest.fixture
def folder(tmp_path):
    """The settings of a product in a folder of its own."""
    return {"data_dir": str(tmp_path / "data"), "allow_time_travel": "true"}


async def test_it_begins_on_an_empty_folder_and_ends_when_told(tmp_path, folder):
    """A first start makes all it needs; told to stop it ends with 0, whoever is still watching."""
    async with Serving(tmp_path, folder) as serving, aiohttp.ClientSession() as http:
        async with http.get(f"{serving.url}/readyz") as answer:
            checks = (await answer.json())["checks"]
            assert answer.status == 200
        duties = {"intake", "settle", "collect", "reward", "compose", "notify", "mail", "reconcile"}
        assert {"database", *duties} <= checks.keys()
        assert all(checks.values())
        told = ("user", "add", "olga", "--role", "owner", "--generate", "--json")
        _, output, _ = await command(*told, settings=folder | {"log_level": "warning"})
        form = {"name": "olga", "password": json.loads(output)["password"]}
        ours = {"Origin": serving.url}
        async with http.post(
            f"{serving.url}/sign-in", data=form, headers=ours, allow_redirects=False
        ) as answer:
            cookie = "; ".join(f"{one.key}={one.value}" for one in answer.cookies.values())
        url = f"{serving.url}/console/events?parts=clock"
        async with http.get(url, headers={"Cookie": cookie}) as watching:
            assert await watching.content.readany()
            async with asyncio.timeout(10):
                assert await serving.stop() == 0
    token = (tmp_path / "data" / "api-token").read_text().strip()
    log = serving.log.read_text()
    assert "serve.ended" in log
    assert token not in log


async def test_a_command_beside_it_is_heard_at_once(tmp_path, folder):
    """What the command line writes beside a running server is worked on without a restart.

    Boxes that call are listened to from then on, and whoever runs the server is told where.
    """
    async with Serving(tmp_path, folder) as serving:
        settings = folder | {"log_level": "warning"}
        days = (HARBOUR_BEGINS - datetime.now(UTC)).days
        assert (await command("clock", "advance", f"{days}d", settings=settings))[0] == 0
        code, output, errors = await command(
            "import", str(HARBOUR), "--json", settings=settings, **ENVIRONMENT
        )
        assert (code, json.loads(output)["taken"]) == (0, True), errors
        told = await serving.told()
        assert told["event"] == "listening"
        token = (tmp_path / "data" / "api-token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(headers=headers) as http, asyncio.timeout(20):
            while not await is_composed(http, serving.url):  # noqa: ASYNC110 - no event to wait for
                await asyncio.sleep(0.05)
            async with http.post(f"{told['acs']}/acs") as answer:
                assert answer.status == 401
        assert await serving.stop() == 0


async def is_composed(http: aiohttp.ClientSession, url: str) -> bool:
    """Whether a household was settled and its target has something to hold."""
    async with http.get(f"{url}/api/v1/accounts/200001") as answer:
        account = await answer.json()
    return bool(account.get("state") and account["targets"])


async def test_a_taken_port_is_one_sentence(tmp_path, folder):
    """Where somebody else listens already, it says so and ends with 1."""
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    code, output, errors = await command("serve", "--port", str(port), settings=folder)
    assert (code, output) == (1, "")
    assert "cannot listen on" in errors
    assert "Traceback" not in errors
    taken.close()


async def test_a_folder_is_served_once(tmp_path, folder):
    """A second process ends at once and names folder and holder; commands go on, and kill frees."""
    async with Serving(tmp_path, folder) as serving:
        code, output, errors = await command("serve", "--role", "worker", settings=folder)
        assert (code, output) == (1, "")
        assert f"process {serving.ready['pid']} serves {tmp_path / 'data'} already" in errors
        assert "Traceback" not in errors
        beside = folder | {"log_level": "warning"}
        assert (await command("user", "list", settings=beside))[0] == 0
        assert serving.process is not None
        serving.process.kill()
        await serving.death()
    async with Serving(tmp_path, folder) as again:
        assert again.url
        assert await again.stop() == 0
    assert (tmp_path / "data" / "boxoffice.db.lock").read_text() == ""


@pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True)
async def test_a_shared_database_is_served_by_many(tmp_path, folder, migrated_url):
    """On PostgreSQL any number of processes may serve, from one folder too."""
    settings = folder | {"database_url": migrated_url}
    async with Serving(tmp_path, settings) as one, Serving(tmp_path, settings) as other:
        assert one.url != other.url
        assert [await one.stop(), await other.stop()] == [0, 0]


async def test_a_worker_listens_nowhere(tmp_path, folder):
    """A process with another role works without a door of its own."""
    async with Serving(tmp_path, folder, "--role", "worker") as serving:
        assert serving.url == ""
        assert await serving.stop() == 0


async def test_boxes_are_answered_where_one_is_configured_to_call(tmp_path, folder):
    """The role `acs` listens for boxes alone, once a target is there whose boxes call."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = folder | {"acs_port": str(port)}
    operator = tmp_path / "operator"
    operator.mkdir()
    for name, text in OPERATOR.items():
        (operator / name).write_text(text)
    async with Serving(tmp_path, settings, "--role", "acs") as serving:
        assert serving.url == ""
        code, _, errors = await command("import", str(operator), settings=settings)
        assert code == 0, errors
        async with aiohttp.ClientSession() as http, asyncio.timeout(20):
            while await status(http, f"http://127.0.0.1:{port}/boxes") != 401:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            assert await status(http, f"http://127.0.0.1:{port}/healthz") == 404
        assert await serving.stop() == 0


async def status(http: aiohttp.ClientSession, url: str) -> int:
    """Post nothing, and tell the status; 0 where nobody listens."""
    try:
        async with http.post(url) as answer:
            return answer.status
    except aiohttp.ClientConnectorError:
        return 0
