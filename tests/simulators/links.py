"""Talks to a box's SSH face as an operator would: pinned host key, one key of his own, no agent."""

from dataclasses import dataclass
from typing import Any

import asyncssh

from tests.simulators.process import RunningSimulator


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Who calls one box, and what he knows of it."""

    port: int
    host_key: str
    key: asyncssh.SSHKey
    user: str = "oper"

    def link(self, **changes: Any) -> Any:
        """Open a connection, as a context."""
        trusted = asyncssh.import_known_hosts(f"[127.0.0.1]:{self.port} {self.host_key}\n")
        options = {
            "username": self.user,
            "client_keys": [self.key],
            "known_hosts": trusted,
            "agent_path": None,
            "config": None,
            "login_timeout": 20,
            **changes,
        }
        return asyncssh.connect("127.0.0.1", self.port, **options)

    async def run(self, line: str | None, **options: Any) -> asyncssh.SSHCompletedProcess:
        """Say one line over a connection of its own; None asks for a shell."""
        async with self.link() as link:
            return await link.run(line, **options)


def operator_of(running: RunningSimulator, number: int = 0) -> Operator:
    """Return the operator of a box that a simulator told of when it was ready."""
    paper = running.told["boxes"][number]
    return Operator(
        port=int(paper["address"].rpartition(":")[2]),
        host_key=paper["host_key"],
        key=asyncssh.import_private_key(running.told["user_key"]),
    )
