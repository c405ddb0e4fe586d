"""The product as an operator runs it, for a benchmark: `boxoffice serve` in a folder of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aiohttp
import asyncssh

BOXOFFICE = str(Path(sys.executable).with_name("boxoffice"))
LOOK_EVERY_S = 0.05
START_DEADLINE_S = 60.0
REST_DEADLINE_S = 300.0
STOP_DEADLINE_S = 20.0
TOKEN_FILE = "api-token"  # noqa: S105 - a file's name


class Failed(Exception):
    """The product did not do what the benchmark stands on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """The running product, asked by its HTTP API."""

    url: str
    pid: int
    session: aiohttp.ClientSession

    async def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call the API. Raises Failed for anything but success."""
        async with self.session.request(method, f"{self.url}/api/v1/{path}", json=body) as answer:
            if not answer.ok:
                raise Failed(f"{method} {path}: HTTP {answer.status} {await answer.text()}")
            return await answer.json()

    async def rest(self) -> None:
        """Wait until nothing is due and nothing in hand."""
        async with asyncio.timeout(REST_DEADLINE_S):
            while not (await self.ask("GET", "work"))["idle"]:  # noqa: ASYNC110 - over a socket
                await asyncio.sleep(LOOK_EVERY_S)


async def command(folder: Path, words: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run one command in a data folder. Raises Failed with what it said."""
    process = await asyncio.create_subprocess_exec(
        *(BOXOFFICE, *words),
        env=_environment(folder) | dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    if process.returncode:
        raise Failed(f"boxoffice {' '.join(words)}: {told.decode(errors='replace')}")


def new_ssh_key() -> str:
    """Make a key with which an operator signs in to boxes."""
    return asyncssh.generate_private_key("ssh-ed25519").export_private_key("openssh").decode()


@asynccontextmanager
async def workers(folder: Path, count: int, settings: Mapping[str, str]) -> AsyncIterator[None]:
    """Run so many workers beside whatever else runs, until the block is left."""
    async with AsyncExitStack() as stack:
        for _ in range(count):
            await stack.enter_async_context(serving(folder, "worker", settings))
        yield


@asynccontextmanager
async def serving(
    folder: Path, role: str = "all", settings: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[Product]:
    """Run `boxoffice serve`, with its default settings but for these, until the block is left."""
    with (folder / "serve.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(BOXOFFICE, "serve", "--json", "--port", "0", "--role", role),
            env=_environment(folder) | dict(settings),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    try:
        async with asyncio.timeout(START_DEADLINE_S):
            line = await process.stdout.readline() if process.stdout else b""
        if not line:
            raise Failed((folder / "serve.log").read_text("utf-8", errors="replace"))
        token = (folder / TOKEN_FILE).read_text("utf-8").strip()
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            yield Product(url=json.loads(line)["url"], pid=process.pid, session=session)
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(STOP_DEADLINE_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _environment(folder: Path) -> dict[str, str]:
    """Keep this process's environment but its settings: a benchmark meets no real system."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("BOXOFFICE_")}
    return kept | {"BOXOFFICE_DATA_DIR": str(folder), "BOXOFFICE_ACS_PORT": "0"}
