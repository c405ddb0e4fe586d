"""Style sheet and script, read once at start, named by their content and cached for ever."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from aiohttp import web

from app.web.route import Call, Policy, Route
from terms.errors import NotFound

FOLDER = Path(__file__).parent / "static"
PREFIX = "/static/"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOR_EVER = "public, max-age=31536000, immutable"


class Static:
    """The files by the names they are served under."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._by_served: dict[str, tuple[bytes, str]] = {}
        self._served: dict[str, str] = {}
        for path in sorted(folder.iterdir()):
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()[:16]
            served = f"{path.stem}.{digest}{path.suffix}"
            self._by_served[served] = (content, _TYPES[path.suffix])
            self._served[path.name] = served

    def url(self, name: str) -> str:
        """Give the address of a file."""
        return PREFIX + self._served[name]

    def routes(self) -> tuple[Route, ...]:
        """Make the route that serves them."""
        return (
            Route(method="GET", path=PREFIX + "{name}", policy=Policy.OPEN, handler=self._serve),
        )

    async def _serve(self, call: Call) -> web.Response:
        found = self._by_served.get(call.part("name"))
        if found is None:
            raise NotFound("there is no such file")
        content, media_type = found
        headers = {"Cache-Control": _FOR_EVER}
        return web.Response(body=content, content_type=media_type, charset="utf-8", headers=headers)


@cache
def files() -> Static:
    """Return the files of this process, read once."""
    return Static()
