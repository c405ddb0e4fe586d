"""The operator's portal as anybody there sees it: its REST API, and its boxes.

Stalker REST API v1, and the calls of a set-top box to server/load.php.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from demo.client import OK, Answer, Client
from demo.operator import Operator
from demo.proof import NoAnswer
from demo.simulator import Entry, Simulator

API = "/stalker_portal/api/v1/"
BOX = "/stalker_portal/server/load.php"
DENIED = "Access denied."
CUT_OFF, CUT_ON = "cut_off", "cut_on"
STREAM = "ffrt http://localhost/ch/1"
EVENTS_MAX = 50

ON, DARK = 1, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What a box is told: whether it is blocked, its channels, the stream of channel 1."""

    blocked: int
    channels: Sequence[str] | str
    stream: str


class Portal(Simulator):
    """The portal: state by REST and by its boxes, journal and tampering by the admin face."""

    def __init__(self, client: Client, operator: Operator, url: str, admin_url: str) -> None:
        super().__init__(client, url, admin_url)
        self._headers = {"Authorization": _basic(operator)}

    async def account(self, contract: str) -> dict[str, Any] | None:
        """Read the one row of an account number."""
        rows = await self._rest(f"accounts/{contract}")
        if rows is None:
            return None
        if len(rows) != 1:
            raise NoAnswer(f"account {contract} has {len(rows)} rows")
        row: dict[str, Any] = rows[0]
        return {
            "account_number": row["account_number"],
            "tariff_plan": row["tariff_plan"],
            "subscribed": sorted(row["subscribed"]),
            "stb_mac": row["stb_mac"],
            "status": row["status"],
        }

    async def statuses(self) -> dict[str, int]:
        """Read the status of every account, by account number."""
        rows = await self._rest("accounts/") or []
        return {row["account_number"]: row["status"] for row in rows}

    async def screen(self, mac: str) -> Screen:
        """Start a box and look at what it shows."""
        await self._box(mac, "stb", "handshake")
        profile = _js(await self._box(mac, "stb", "get_profile"))
        channels = await self._box(mac, "itv", "get_all_channels")
        stream = await self._box(mac, "itv", "create_link", cmd=STREAM)
        return Screen(
            blocked=profile["status"],
            channels=DENIED
            if channels.text == DENIED
            else [row["name"] for row in _js(channels)["data"]],
            stream=DENIED if stream.text == DENIED else "plays" if _js(stream)["cmd"] else "",
        )

    async def messages(self, mac: str) -> list[str]:
        """Poll a box until it has nothing to tell; what has to be confirmed is confirmed."""
        told: list[str] = []
        for _ in range(EVENTS_MAX):
            data = _js(await self._box(mac, "watchdog", "get_events", event_active_id="0"))["data"]
            if not data["msgs"]:
                return told
            told.append(data["msg"] if data["event"] == "send_msg" else data["event"])
            if data["need_confirm"] == "1":
                await self._box(mac, "watchdog", "confirm_event", event_active_id=data["id"])
        raise NoAnswer(f"box {mac} is told something without end")

    async def status_writes(self, contract: str, after: int) -> list[Entry]:
        """List the journal entries that changed the status of an account."""
        entries = await self.journal(after, subject=contract, face="api", changed="1")
        return [e for e in entries if "status" in (e["after"] or {}) and _is_change(e)]

    async def _rest(self, path: str) -> Any:
        answer = await self.client.call("GET", self.url + API + path, headers=self._headers)
        if answer.status not in OK:
            raise NoAnswer(f"the portal answers HTTP {answer.status} to {path}")
        told = answer.json()
        if told["status"] != "OK" and told["error"] != "Account not found":
            raise NoAnswer(f"the portal answers {told['error']!r} to {path}")
        return told["results"]

    async def _box(self, mac: str, kind: str, action: str, **more: str) -> Answer:
        query = {"type": kind, "action": action, **more}
        headers = {"Cookie": f"mac={mac.replace(':', '%3A')}"}
        return await self.client.call("GET", self.url + BOX, query=query, headers=headers)


def _is_change(entry: Entry) -> bool:
    before: Mapping[str, Any] = entry["before"] or {}
    return bool(before.get("status") != entry["after"]["status"])


def _js(answer: Answer) -> Any:
    return answer.json()["js"]


def _basic(operator: Operator) -> str:
    pair = f"{operator.portal_login}:{operator.portal_password}"
    return "Basic " + base64.b64encode(pair.encode()).decode()
