"""The SNMP face of the reference box: an agent per box, each on a port and with an engine id."""

import asyncio
from collections.abc import Mapping
from typing import Any

from simulators.listening import listening
from simulators.simulator import Faces, Stage
from simulators.stb.agent import Agent, Wire4, Wire6, engine_id
from simulators.stb.box import Box
from simulators.stb.options import add_options
from simulators.stb.rack import Rack

__all__ = ["add_options", "make"]


def make(stage: Stage, state: Mapping[str, Any]) -> Faces:
    """Make the boxes of a state."""
    face = SnmpFace(stage)
    face.rack = Rack(stage, state, face)
    return face.rack


class SnmpFace:
    """All boxes of the process, as SNMP agents."""

    kind = "snmp"
    rack: Rack

    def __init__(self, stage: Stage) -> None:
        self._host = stage.host
        self._agents: dict[str, Agent] = {}

    def common(self) -> Mapping[str, Any]:
        """Tell nothing: every box has keys of its own."""
        return {}

    def papers(self, box: Box) -> Mapping[str, Any]:
        """Tell user, localised keys (hexadecimal), engine id and where it has one the community."""
        known = box.credentials
        told = {
            "user": known.snmp_user,
            "auth_key": known.snmp_auth_key.hex(),
            "priv_key": known.snmp_priv_key.hex(),
            "engine_id": engine_id(box).hex(),
        }
        return told | ({"community": known.snmp_community} if known.snmp_community else {})

    async def hold(self, box: Box, port: int) -> int:
        """Take the port of a box; datagrams to it are dropped until it is open."""
        wire: Any = (Wire6 if ":" in self._host else Wire4)(self.rack)
        with listening(self._host, port):
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: wire, local_addr=(self._host, port)
            )
        self._agents[box.serial] = Agent(self.rack, wire)
        number: int = transport.get_extra_info("sockname")[1]
        return number

    async def open(self, box: Box) -> None:
        """Answer for the box."""
        self._agents[box.serial].boot(box)

    async def shut(self, box: Box) -> None:
        """Answer no more."""
        self._agents[box.serial].halt()

    async def release(self) -> None:
        """Give every port back."""
        for agent in self._agents.values():
            agent.close()
