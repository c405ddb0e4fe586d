"""The admin face of a simulator: its journal, and tampering. Never used to read a state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from demo.client import OK, Client
from demo.proof import StoryError

Entry = Mapping[str, Any]
ENTRIES_MAX = 10_000


class Simulator:
    """One simulator as its admin sees it."""

    def __init__(self, client: Client, url: str, admin_url: str) -> None:
        self.client = client
        self.url = url
        self.admin_url = admin_url

    async def last(self) -> int:
        """Tell the number of the newest journal entry."""
        answer = await self._admin("GET", "/journal?limit=0")
        return int(answer["last"])

    async def journal(self, after: int, **wanted: str) -> list[Entry]:
        """List entries after a number, narrowed by face, subject or changed."""
        query = {"after": str(after), "limit": str(ENTRIES_MAX), **wanted}
        answer = await self._admin("GET", "/journal", query=query)
        entries: list[Entry] = answer["entries"]
        return entries

    async def tamper(self, op: str, **fields: Any) -> None:
        """Change something behind everybody's back."""
        await self._admin("POST", "/tamper", body={"op": op, **fields})

    async def injure(self, name: str, **keys: Any) -> None:
        """Put a fault into force."""
        await self._admin("POST", "/faults", body={"set": [{"name": name, **keys}]})

    async def heal(self) -> None:
        """End all faults."""
        await self._admin("POST", "/faults", body={"clear": True})

    async def _admin(self, method: str, path: str, **what: Any) -> Any:
        answer = await self.client.call(method, self.admin_url + path, **what)
        if answer.status not in OK:
            raise StoryError(f"the simulator refuses {path}: {answer.text[:200]}")
        return answer.json()
