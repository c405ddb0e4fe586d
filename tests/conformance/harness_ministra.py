"""How the suite starts, reads and hurts a Ministra portal."""

# ruff: noqa: D102 - what each method is for stands at Harness

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, ClassVar
from urllib.request import Request

from gateway.adapters.conformance import Harness
from gateway.adapters.state import ViewerState
from tests.conformance.panel import Panel
from tests.conformance.simulated import SimulatedHarness

STATE = json.loads(Path("tests/facts/stalker-portal-state.json").read_text())


def steps(
    harness: Harness, ref: str, tariffs: Sequence[str], packages: Sequence[str]
) -> Sequence[ViewerState]:
    """Move every field there and back; the packages are options of the first tariff."""
    one, two = harness.device(ref, 1), harness.device(ref, 2)
    plain = ViewerState(
        ref=ref,
        enabled=True,
        tariff=tariffs[0],
        devices=frozenset({one}),
        label="Ada Lovelace",
        expires_on=date(2031, 1, 31),
    )
    other = replace(plain, tariff=tariffs[1], devices=frozenset({two}), expires_on=None)
    return (
        plain,
        replace(plain, packages=frozenset(packages[:1]), label="Ада & Söhne, 100 % + 1"),
        replace(plain, packages=frozenset(packages), devices=frozenset({one, two}), streams=3),
        other,
        replace(plain, label="", devices=frozenset({two})),  # hidden subscriptions come back
        replace(other, enabled=False),
        replace(plain, enabled=False, packages=frozenset(packages[1:]), devices=frozenset()),
        replace(plain, devices=frozenset({two.lower().replace(":", "-")})),
    )


class MinistraHarness(SimulatedHarness):
    """The simulated portal, in one of its versions."""

    kind = "ministra"
    holds = SimulatedHarness.holds | {"expires_on"}
    hostile_refs: ClassVar[Sequence[str]] = (
        "123456789012",
        "00:1A:79:00:00:01",
        "1001.",
        "é",
        "\u0661\u0662\u0663",
    )

    def __init__(self, version: str) -> None:
        super().__init__()
        self.state = {**STATE, "version": version}

    def options(self, deadline_s: float) -> Mapping[str, Any]:
        login, password = self.secrets()
        return {
            "base_url": self.simulator.url,
            "login": login,
            "password": password,
            "internal_billing": True,
            "deadline_s": deadline_s,
            "scan_deadline_s": deadline_s,
        }

    def secrets(self) -> Sequence[str]:
        return STATE["api"]["basic_auth"]

    def steps(self, ref: str) -> Sequence[ViewerState]:
        return steps(self, ref, ["basic", "premium"], ["sport", "kids"])

    async def accounts(self, ref: str) -> list[dict[str, Any]]:
        """Read the rows of an account number on the simulator's own side."""
        return (await self.admin(f"/state?account_number={ref}"))["accounts"]

    async def copies(self, ref: str) -> int:
        return len(await self.accounts(ref))

    async def tamper(self, ref: str) -> None:
        await self._tamper(op="set", account_number=ref, fields={"status": 0})

    async def heard(self, ref: str) -> Sequence[str]:
        return [event["msg"] for row in await self.accounts(ref) for event in row["events"]]

    async def crowd(self, accounts: int) -> None:
        await self._tamper(op="fill", count=accounts, prefix="crowd")

    async def squat(self, ref: str) -> None:
        await self._tamper(op="add_account", fields={"login": ref, "account_number": "9"})

    async def _tamper(self, **operation: Any) -> None:
        await self.admin("/tamper", operation)


class MinistraPanel(Panel):
    """A real portal, read and tampered with by its own REST alone."""

    kind = "ministra"
    holds = Panel.holds

    def secrets(self) -> Sequence[str]:
        return [self.file["options"]["password"]]

    def steps(self, ref: str) -> Sequence[ViewerState]:
        return steps(self, ref, self.file["tariffs"], self.file["packages"])

    async def copies(self, ref: str) -> int:
        return len((await self._rest("GET", ref))["results"] or [])

    async def tamper(self, ref: str) -> None:
        assert (await self._rest("PUT", ref, b"status=0"))["results"] is True

    async def _rest(self, method: str, ref: str, body: bytes | None = None) -> Any:
        options = self.file["options"]
        user = f"{options['login']}:{options['password']}".encode()
        path = options.get("api_path", "/stalker_portal/api/v1")
        url = f"{options['base_url']}{path}/accounts/{ref}"
        headers = {"Authorization": f"Basic {b64encode(user).decode()}"}
        return json.loads(await self.fetch(Request(url, body, headers, method=method)))
