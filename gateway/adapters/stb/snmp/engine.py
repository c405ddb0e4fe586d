"""SNMP engines shared by all boxes of a target, each replaced after so many and drained.

An engine costs a tenth of a second and keeps what it learns of every box, so there is one for
many, and none for ever. A datagram from whom nobody asked, or that nobody can read, is no answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413 import cmdgen
from pysnmp.error import PySnmpError
from pysnmp.proto.error import StatusInformation
from pysnmp.proto.rfc1902 import Null

from gateway.adapters.stb.snmp.keys import Peer
from gateway.adapters.stb.snmp.options import SnmpOptions
from terms.errors import Unreachable, untouched

Oid = tuple[int, ...]
Variables = Sequence[tuple[Oid, Any]]
V1, V2C, V3 = 0, 1, 3
CENTISECONDS = 100
NOBODY = "nobody"
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
    """A box as an engine knows it. It is asked one thing at a time."""

    name: str
    address: tuple[str, int]
    is_met: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class _Wire(udp.UdpTransport):  # type: ignore[misc]
    """The socket of an engine."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[tuple[str, int]] = Counter()
        self.closed = asyncio.Event()

    def datagram_received(self, datagram: bytes, transportAddress: Any) -> None:  # noqa: N803 - theirs
        """Hand on what somebody says who was asked; whatever is wrong with it ends here."""
        if self._callback_function is None or not self.asked[transportAddress[:2]]:
            return
        with contextlib.suppress(Exception):  # bytes nobody can read: the asker goes on waiting
            self._callback_function(self, transportAddress, datagram)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's own
        """Note that the socket is closed."""
        self.closed.set()


class Engine:
    """One engine and the boxes it knows."""

    def __init__(self, options: SnmpOptions, engine: Any, wire: _Wire) -> None:
        self._options = options
        self._engine = engine
        self._wire = wire
        self._known: dict[Peer, _Known] = {}
        self._communities: set[str] = set()
        self._users: set[str] = set()
        self._waiting: set[asyncio.Future[Heard]] = set()
        self.calls = 0

    @classmethod
    async def open(cls, options: SnmpOptions) -> Engine:
        """Make one, with a socket of its own."""
        engine = await asyncio.to_thread(SnmpEngine)
        wire = _Wire()
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: wire, local_addr=("0.0.0.0", 0))  # noqa: S104
        config.add_transport(engine, udp.DOMAIN_NAME, wire)
        del engine.message_processing_subsystems[V1]
        config.add_target_parameters(engine, NOBODY, NOBODY, "authPriv", V3)
        return cls(options, engine, wire)

    def has_room_for(self, peer: Peer) -> bool:
        """Tell whether it knows the box, or may still get to know it."""
        return peer in self._known or len(self._known) < self._options.engine_boxes_max

    async def get(self, peer: Peer, oids: Sequence[Oid]) -> Heard:
        """Ask for variables; a lost datagram is asked for again within the deadline."""
        return await self._ask(peer, _GET, "", [(oid, Null("")) for oid in oids])

    async def set(self, peer: Peer, variables: Variables) -> Heard:
        """Write variables, with one datagram: a second one might come after somebody else's."""
        return await self._ask(peer, _SET, "once", variables)

    async def close(self) -> None:
        """Close the socket; whoever still waits is told so."""
        for future in self._waiting:
            if not future.done():
                future.set_exception(Unreachable("the link to the box was closed"))
        self._engine.close_dispatcher()
        await self._wire.closed.wait()

    async def _ask(self, peer: Peer, how: Any, variant: str, variables: Variables) -> Heard:
        known = self._known.get(peer)
        if known is None:
            known = self._known[peer] = await self._noted(peer)
        try:
            async with known.lock, asyncio.timeout(self._options.deadline_s):
                if not known.is_met:
                    await self._meet(peer, known)
                return await self._sent(known, how, known.name + variant, variables)
        except TimeoutError:
            raise Unreachable(SILENCE.format(self._options.deadline_s)) from None

    async def _sent(self, known: _Known, how: Any, name: str, variables: Variables) -> Heard:
        future: asyncio.Future[Heard] = asyncio.get_running_loop().create_future()

        def hear(*told: Any) -> None:
            _, _, complaint, status, index, found, _ = told
            if not future.done():
                future.set_result(_heard(complaint, status, index, found))

        self._wire.asked[known.address] += 1
        self._waiting.add(future)
        try:
            how.send_varbinds(self._engine, name, None, "", variables, hear)
            return await future
        except StatusInformation as error:
            return _heard(error.get("errorIndication", error), 0, 0, ())
        except PySnmpError as error:
            raise untouched(
                Unreachable(f"nothing could be sent ({type(error).__name__})")
            ) from None
        finally:
            self._waiting.discard(future)
            self._wire.asked[known.address] -= 1

    async def _noted(self, peer: Peer) -> _Known:
        """Write down where a box is, once for reads and once for writes."""
        address = await _resolved(peer)
        name = f"b{len(self._known)}"
        params = self._community(peer) if peer.community else self._user(peer)
        deadline, retries = self._options.deadline_s * CENTISECONDS, self._options.retries
        for variant, within, again, who in (
            ("", deadline / (retries + 1), retries, params),
            ("once", deadline, 0, params),
            (NOBODY, deadline / (retries + 1), retries, NOBODY),
        ):
            config.add_target_address(
                self._engine, name + variant, udp.DOMAIN_NAME, address, who, within, again
            )
        return _Known(name=name, address=address, is_met=bool(peer.community))

    async def _meet(self, peer: Peer, known: _Known) -> None:
        """Learn the engine id of a box by asking as nobody, then install its user for that id."""
        await self._sent(known, _GET, known.name + NOBODY, [((1, 3, 6), Null(""))])
        met = self._engine.message_processing_subsystems[V3].get_peer_engine_info(
            udp.DOMAIN_NAME, udp.UdpTransportAddress(known.address)
        )
        if met[0] is None:
            raise Unreachable(SILENCE.format(self._options.deadline_s))
        kind = config.USM_KEY_TYPE_MASTER if peer.is_master else config.USM_KEY_TYPE_LOCALIZED
        config.add_v3_user(
            self._engine,
            peer.user,
            config.USM_AUTH_HMAC192_SHA256,
            peer.auth_key,
            config.USM_PRIV_CFB128_AES,
            peer.priv_key,
            securityEngineId=met[0],
            authKeyType=kind,
            privKeyType=kind,
        )
        known.is_met = True

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


class Engines:
    """The engine that boxes are met by, and those that only end what was begun."""

    def __init__(self, options: SnmpOptions) -> None:
        self._options = options
        self._opening = asyncio.Lock()
        self._now: Engine | None = None
        self._draining: set[Engine] = set()
        self._closing: set[asyncio.Task[None]] = set()

    async def get(self, peer: Peer, oids: Sequence[Oid]) -> Heard:
        """Ask a box for variables. Raises Unreachable."""
        engine = await self._taken(peer)
        try:
            return await engine.get(peer, oids)
        finally:
            self._given_back(engine)

    async def set(self, peer: Peer, variables: Variables) -> Heard:
        """Write variables of a box. Raises Unreachable, which says nothing about the effect."""
        engine = await self._taken(peer)
        try:
            return await engine.set(peer, variables)
        finally:
            self._given_back(engine)

    async def drop(self) -> None:
        """Close every engine, whoever uses it."""
        engines = [one for one in (self._now, *self._draining) if one is not None]
        self._now = None
        self._draining.clear()
        await asyncio.gather(*(one.close() for one in engines), *self._closing)

    async def _taken(self, peer: Peer) -> Engine:
        async with self._opening:
            if self._now is not None and not self._now.has_room_for(peer):
                self._retire(self._now)
            if self._now is None:
                self._now = await Engine.open(self._options)
            self._now.calls += 1
            return self._now

    def _given_back(self, engine: Engine) -> None:
        engine.calls -= 1
        if engine in self._draining and not engine.calls:
            self._draining.discard(engine)
            self._close(engine)

    def _retire(self, engine: Engine) -> None:
        self._now = None
        if engine.calls:
            self._draining.add(engine)
        else:
            self._close(engine)

    def _close(self, engine: Engine) -> None:
        task = asyncio.create_task(engine.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _heard(complaint: Any, status: Any, index: Any, found: Variables) -> Heard:
    named = "" if not complaint else str(type(complaint).__name__)
    if isinstance(complaint, str):
        named = complaint
    return Heard(complaint=named, status=int(status), index=int(index), variables=list(found))


async def _resolved(peer: Peer) -> tuple[str, int]:
    try:
        return str(ip_address(peer.host)), peer.port
    except ValueError:
        pass
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(
            peer.host, peer.port, family=socket.AF_INET, type=socket.SOCK_DGRAM
        )
    except OSError:
        raise untouched(Unreachable("the name of the box is not known")) from None
    host, port = found[0][4][:2]
    return str(host), int(port)
