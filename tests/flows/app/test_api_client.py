"""The client of the API, and the page that shows it: run against what is really served."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from client import Client, Lost, Problem

PAGE = (Path(__file__).parents[3] / "docs" / "howto" / "api.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


async def test_the_page_says_what_is_so(harbour, served):
    """Every block of the how-to runs, one after the other, as it stands there."""
    words = "".join(BLOCKS)
    assert words.count("assert") > 10
    code = words.replace("http://127.0.0.1:8080", served.url).replace('"TOKEN"', repr(served.token))
    await asyncio.to_thread(exec, compile(code, "api.md", "exec"), {})


class Proxy:
    """Passes bytes on to the API; the first answers to changes are thrown away."""

    def __init__(self, port: int, lost: int) -> None:
        self.port = port
        self.lost = lost

    async def serve(self, reader, writer):
        """Pass one request on."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        body = await reader.readexactly(int(length[1])) if length else b""
        theirs, ours = await asyncio.open_connection("127.0.0.1", self.port)
        ours.write(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + body)
        answer = await theirs.read()
        ours.close()
        if head.startswith(b"POST") and self.lost:
            self.lost -= 1
        else:
            writer.write(answer)
            await writer.drain()
        writer.close()


@pytest.mark.parametrize(("lost", "is_told"), [(2, True), (9, False)])
async def test_a_change_whose_answer_is_lost_is_made_once(harbour, served, lost, is_told):
    """The client asks again under its key: made once, told in the end, or known to be lost."""
    port = int(served.url.rpartition(":")[2])
    proxy = await asyncio.start_server(Proxy(port, lost).serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
    client = Client(url, served.token, tries_max=3, sleep=lambda _s: None)
    asked = asyncio.to_thread(client.take_cash, "200001", "5.00", "R-1", key="k-1")
    if is_told:
        assert await asked
    else:
        with pytest.raises(Lost) as caught:
            await asked
        assert caught.value.key == "k-1"
    client.close()
    _, account = await served.api("GET", "accounts/200001")
    assert len(account["payments"]) == 1
    proxy.close()


async def test_who_has_to_wait_waits_as_long_as_told(harbour, served):
    """After 429 the client waits and asks again; in the end the problem is raised."""
    harbour.settings = harbour.settings.model_copy(update={"api_calls_per_s": 0.5})
    from tests.flows.app.served import serving  # noqa: PLC0415 - a second server, slower

    waited: list[float] = []
    async with serving(harbour) as slow:
        client = Client(slow.url, slow.token, tries_max=3, sleep=waited.append)
        await asyncio.to_thread(client.get, "work")
        with pytest.raises(Problem) as caught:
            await asyncio.to_thread(client.get, "work")
        client.close()
    assert caught.value.status == 429
    assert waited == [2.0, 2.0]


async def test_the_words_of_the_client_are_those_of_the_api(harbour, served):
    """Each way of the client that the page does not show answers, too."""
    client = Client(served.url, served.token)

    def ask() -> None:
        assert client.cancel("200001")["contract"] == "200001"
        assert client.restart("200001") == []
        assert list(client.parked()) == []
        assert client.release("settle", "nosuch", alike=True) == 0
        assert client.is_idle() in (True, False)
        with pytest.raises(Problem) as caught:
            client.pay_link("200002")
        assert caught.value.status == 400
        with pytest.raises(Problem) as missing:
            client.account("no/such")
        assert (missing.value.status, missing.value.title) == (404, "not found")
        with pytest.raises(ValueError, match="not an address"):
            Client("ftp://example", "t")

    await asyncio.to_thread(ask)
    client.close()
