"""One SNMP engine for many boxes: how each is met, asked and written, one thing at a time."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413 import cmdgen
from pysnmp.error import PySnmpError
from pysnmp.proto.error import StatusInformation
from pysnmp.proto.rfc1902 import Null, OctetString

from gateway.adapters.stb.snmp.keys import Peer
from gateway.adapters.stb.snmp.options import SnmpOptions
from gateway.adapters.stb.snmp.wire import Address, Oid, Wire, Wire4, Wire6
from terms.errors import Unreachable, untouched

Variables = Sequence[tuple[Oid, Any]]
V1, V2C, V3 = 0, 1, 3
CENTISECONDS = 100
NOBODY = "nobody"
CLOSED = "the link to the box was closed"
SILENCE = (
    "the box gave no answer in {:g} s: it is off, or not at this address, or its keys are "
    "others; these look alike"
)
_GET, _SET = cmdgen.GetCommandGenerator(), cmdgen.SetCommandGenerator()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An answer as it came: what the library complains of, the status, the variables."""

    complaint: str
    status: int
    index: int
    variables: Variables


@dataclass(slots=True, kw_only=True, eq=False)
class _Known:
    """A box as an engine knows it by one set of keys. `lock` is that of its address.

    `engine_id` is what it told of itself; empty until it was met, and for a community always.
    """

    name: str
    address: Address
    wire: Wire
    lock: asyncio.Lock
    engine_id: bytes = b""


class Engine:
    """One engine and the boxes it knows."""

    def __init__(self, options: SnmpOptions, engine: Any) -> None:
        self._options = options
        self._engine = engine
        self._opening = asyncio.Lock()
        self._is_closed = False
        self._wires: dict[type[Wire], Wire] = {}
        self._known: dict[Peer, _Known] = {}
        self._locks: defaultdict[Address, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._communities: set[str] = set()
        self._users: set[str] = set()
        # Whose keys are installed: an engine keeps one set for each user of each box.
        self._armed: dict[tuple[bytes, str], tuple[bytes, bytes]] = {}
        self._waiting: set[asyncio.Future[Heard]] = set()
        self.calls = 0

    @classmethod
    async def open(cls, options: SnmpOptions) -> Engine:
        """Make one; it has a socket of its own for each family of addresses, when it needs it."""
        engine = await asyncio.to_thread(SnmpEngine)
        del engine.message_processing_subsystems[V1]
        config.add_target_parameters(engine, NOBODY, NOBODY, "authPriv", V3)
        return cls(options, engine)

    def has_room_for(self, peer: Peer) -> bool:
        """Tell whether it knows the box, or may still get to know it."""
        return peer in self._known or len(self._known) < self._options.engine_boxes_max

    async def get(self, peer: Peer, oids: Sequence[Oid], within_s: float) -> Heard:
        """Ask for variables; a lost datagram is asked for again within that time."""
        return await self._ask(peer, _GET, "", [(oid, Null("")) for oid in oids], within_s)

    async def set(self, peer: Peer, variables: Variables) -> Heard:
        """Write variables, with one datagram: a second one might come after somebody else's."""
        return await self._ask(peer, _SET, "once", variables, self._options.deadline_s)

    async def close(self) -> None:
        """Close the sockets; whoever still waits is told so."""
        for future in self._waiting:
            if not future.done():
                future.set_exception(Unreachable(CLOSED))
        async with self._opening:
            self._is_closed = True
        if self._wires:
            self._engine.close_dispatcher()
        for wire in self._wires.values():
            await wire.closed.wait()

    async def _ask(
        self, peer: Peer, how: Any, variant: str, variables: Variables, within_s: float
    ) -> Heard:
        wire = await self._wire(peer)
        known = self._known.get(peer)
        if known is None:
            known = self._known[peer] = self._noted(peer, wire)
        try:
            async with known.lock, asyncio.timeout(within_s):
                if not peer.community:
                    await self._met(peer, known)
                return await self._sent(known, how, known.name + variant, variables)
        except TimeoutError:
            raise Unreachable(SILENCE.format(within_s)) from None

    async def _wire(self, peer: Peer) -> Wire:
        """Find the socket of a family of addresses, or open it."""
        kind = Wire6 if ":" in peer.host else Wire4
        async with self._opening:
            if self._is_closed:
                raise untouched(Unreachable(CLOSED))
            if kind not in self._wires:
                wire: Any = kind()
                loop = asyncio.get_running_loop()
                try:
                    await loop.create_datagram_endpoint(lambda: wire, local_addr=(kind.anywhere, 0))
                except OSError as error:
                    why = f"nothing could be sent ({error.strerror or 'no way there'})"
                    raise untouched(Unreachable(why)) from None
                config.add_transport(self._engine, kind.domain, wire)
                self._wires[kind] = wire
            return self._wires[kind]

    async def _sent(self, known: _Known, how: Any, name: str, variables: Variables) -> Heard:
        future: asyncio.Future[Heard] = asyncio.get_running_loop().create_future()

        def hear(*told: Any) -> None:
            _, _, complaint, status, index, found, _ = told
            if not future.done():
                future.set_result(_heard(complaint, status, index, found))

        known.wire.asked[known.address] += 1
        self._waiting.add(future)
        try:
            how.send_varbinds(self._engine, name, None, "", variables, hear)
            return await future
        except StatusInformation as error:
            return _heard(error.get("errorIndication", error), 0, 0, ())
        except PySnmpError:
            raise untouched(Unreachable("nothing could be sent")) from None
        finally:
            self._waiting.discard(future)
            known.wire.asked[known.address] -= 1

    def _noted(self, peer: Peer, wire: Wire) -> _Known:
        """Write down where a box is, once for reads and once for writes."""
        address = peer.host, peer.port
        name = f"b{len(self._known)}"
        params = self._community(peer) if peer.community else self._user(peer)
        deadline, retries = self._options.deadline_s * CENTISECONDS, self._options.retries
        for variant, within, again, who in (
            ("", deadline / (retries + 1), retries, params),
            ("once", deadline, 0, params),
            (NOBODY, deadline / (retries + 1), retries, NOBODY),
        ):
            config.add_target_address(
                self._engine, name + variant, wire.domain, address, who, within, again
            )
        return _Known(name=name, address=address, wire=wire, lock=self._locks[address])

    async def _met(self, peer: Peer, known: _Known) -> None:
        """Learn the engine id of a box by asking as nobody, and install its user for that id."""
        if not known.engine_id:
            await self._sent(known, _GET, known.name + NOBODY, [((1, 3, 6), Null(""))])
            told, _, _ = self._engine.message_processing_subsystems[V3].get_peer_engine_info(
                known.wire.domain, (*known.address, *known.wire.behind)
            )
            if told is None:
                raise Unreachable(SILENCE.format(self._options.deadline_s))
            known.engine_id = bytes(told)
        if self._armed.get((known.engine_id, peer.user)) != (peer.auth_key, peer.priv_key):
            self._arm(peer, known.engine_id)

    def _arm(self, peer: Peer, engine_id: bytes) -> None:
        kind = config.USM_KEY_TYPE_MASTER if peer.is_master else config.USM_KEY_TYPE_LOCALIZED
        config.add_v3_user(
            self._engine,
            peer.user,
            config.USM_AUTH_HMAC192_SHA256,
            peer.auth_key,
            config.USM_PRIV_CFB128_AES,
            peer.priv_key,
            securityEngineId=OctetString(engine_id),
            authKeyType=kind,
            privKeyType=kind,
        )
        self._armed[engine_id, peer.user] = peer.auth_key, peer.priv_key

    def _user(self, peer: Peer) -> str:
        name = f"v3 {peer.user}"
        if name not in self._users:
            config.add_target_parameters(self._engine, name, peer.user, "authPriv", V3)
            self._users.add(name)
        return name

    def _community(self, peer: Peer) -> str:
        name = f"v2c {peer.community}"
        if name not in self._communities:
            config.add_v1_system(self._engine, name, peer.community)
            config.add_target_parameters(self._engine, name, name, "noAuthNoPriv", V2C)
            self._communities.add(name)
        return name


def _heard(complaint: Any, status: Any, index: Any, found: Variables) -> Heard:
    named = "" if not complaint else str(type(complaint).__name__)
    if isinstance(complaint, str):
        named = complaint
    return Heard(complaint=named, status=int(status), index=int(index), variables=list(found))
