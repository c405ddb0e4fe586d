"""One simulated CPE as a test handles it: its papers, its admin face, its bell."""

import time
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.simulators.process import RunningSimulator

WAIT_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CpeClient:
    """The box with that number of a process; the journal is read from entry `since` on."""

    running: RunningSimulator
    number: int
    since: int = 0

    @property
    def papers(self) -> dict[str, Any]:
        """What a purchase list would hold of it."""
        papers: dict[str, Any] = self.running.told["boxes"][self.number]
        return papers

    @property
    def serial(self) -> str:
        """Its serial."""
        serial: str = self.papers["serial"]
        return serial

    @property
    def state(self) -> dict[str, Any]:
        """Its state now."""
        state: dict[str, Any] = self.running.admin(f"/state?serial={self.serial}")["boxes"][0]
        return state

    def tamper(self, op: str, **fields: Any) -> Any:
        """Do something behind its back."""
        return self.running.admin("/tamper", {"op": op, "serial": self.serial, **fields})

    def inform(self) -> None:
        """Let it call now."""
        self.tamper("inform")

    def hurt(self, spec: str) -> None:
        """Set faults that hit this box alone."""
        parts = [f"{part}:match=^{self.serial}" for part in spec.split(";")]
        self.running.admin("/faults", {"spec": ";".join(parts)})

    def suffer(self, name: str) -> None:
        """Wait until a fault has struck."""
        deadline_at = time.monotonic() + WAIT_S
        while name not in self.running.admin("/counters")["faults"]:
            assert time.monotonic() < deadline_at, f"{name} never struck"

    def heal(self) -> None:
        """Clear every fault."""
        self.running.admin("/faults", {"clear": True})

    def journal(self, call: str = "") -> list[dict[str, Any]]:
        """List what the journal holds of it, perhaps of one kind of entry alone."""
        entries = self.running.journal(self.since, subject=self.serial)
        return [one for one in entries if one["call"].startswith(call)]

    def broken(self) -> dict[str, Any]:
        """Wait for a session that broke, and tell what became of it."""
        after = self.since
        while True:
            path = f"/journal?after={after}&subject={self.serial}&wait_s=10"
            answer = self.running.admin(path)
            for entry in answer["entries"]:
                if entry["call"] == "CWMP SESSION" and entry["after"]["broken"]:
                    told: dict[str, Any] = entry["after"]
                    return told
            assert answer["last"] > after, "no session broke"
            after = answer["last"]

    async def ring(
        self, *, password: str | None = None, username: str | None = None, path: str | None = None
    ) -> int:
        """Send a connection request as aiohttp's digest client does it, and tell the status."""
        papers = self.papers
        digest = aiohttp.DigestAuthMiddleware(
            username or papers["request_username"],
            papers["request_password"] if password is None else password,
        )
        url = papers["request_url"] if path is None else f"http://{papers['address']}{path}"
        async with (
            aiohttp.ClientSession(middlewares=(digest,)) as client,
            client.get(url, timeout=aiohttp.ClientTimeout(total=5)) as answer,
        ):
            assert await answer.read() == b""
            return answer.status
