"""A door that leads nowhere: it writes down what was asked for and answers what it was told."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from gateway.adapters.middleware.ministra import Ministra
from gateway.adapters.middleware.ministra.options import MinistraOptions
from gateway.adapters.sdk import Answer
from terms.errors import Unreachable
from terms.ids import TargetName

Reply = Callable[[str, str], Answer]


def ok(results: Any) -> Answer:
    """Word a success of the portal."""
    body = orjson.dumps({"status": "OK", "results": results})
    return Answer(status=200, headers={}, body=body)


def agreeable(method: str, _: str) -> Answer:
    """Answer every read with an empty list and every write with "true"."""
    return ok([] if method == "GET" else True)


class Recorder:
    """The transport seam: what an adapter asks of its door, without a socket."""

    def __init__(self, reply: Reply = agreeable) -> None:
        self.calls: list[tuple[str, str]] = []
        self._reply = reply

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        deadline_s: float | None = None,
        body_bytes_max: int | None = None,
    ) -> Answer:
        """Write down the call and answer it."""
        self.calls.append((method, url))
        return self._reply(method, url)

    async def resolve(self, host: str, *, deadline_s: float | None = None) -> str:
        """Lead nowhere."""
        raise Unreachable(host)


def adapter(door: Recorder | None = None, **options: Any) -> Ministra:
    """Make an adapter whose door is a recorder."""
    chosen = {"base_url": "http://portal", "login": "api", "password": "s3cret", **options}
    parsed = MinistraOptions.model_validate(chosen)
    return Ministra(TargetName("north"), parsed, door or Recorder())
