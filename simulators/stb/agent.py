"""One box's SNMP agent: an engine of its own, its user, its wire; what is managed, the MIB knows.

v3 with SHA-256 and AES-128 alone (RFC 7860, RFC 3826); v2c where the box has a community. Faults of
an answer strike before it is secured, faults of a datagram after.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from pyasn1.codec.ber import decoder, encoder
from pysnmp.carrier.asyncio.dgram import udp, udp6
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413 import cmdrsp, context
from pysnmp.proto import api, rfc1905
from pysnmp.proto.api import v2c

from simulators.call import Call
from simulators.faults import Fault
from simulators.stb import mib
from simulators.stb.box import Box, Busy, Credentials, Power
from simulators.stb.rack import Rack

ENTERPRISE_NUMBER = 32473
MAC_FORMAT = 3  # RFC 3411: the engine id is built on a MAC
V1 = 0
USM = 3
AUTH_PRIV = 3
NO_TICKS_S = 10  # an agent waits for nobody; the library allows no longer pause
WRONG_BY = 1000
PERCENT = 100
GARBAGE = b"\x30\x84\xff\xff\xff\xff\x02\x01"  # a sequence of 4 GiB that ends at once
# usmStatsDecryptionErrors.0 (RFC 3414), as it stands in a report. Widespread agents send none: who
# has the wrong privacy key waits in vain.
UNTOLD = bytes.fromhex("060a2b060106030f01010600")
STATUSES: tuple[str, ...] = (
    *("noError", "tooBig", "noSuchName", "badValue", "readOnly", "genErr", "noAccess"),
    *("wrongType", "wrongLength", "wrongEncoding", "wrongValue", "noCreation"),
    *("inconsistentValue", "resourceUnavailable", "commitFailed", "undoFailed"),
    *("authorizationError", "notWritable", "inconsistentName"),
)
# What an injected refusal of the shared table is among the error statuses.
REFUSALS = {
    "throttled": "resourceUnavailable",
    "conflict": "inconsistentValue",
    "unauthorized": "authorizationError",
    "refused": "wrongValue",
    "read_only": "noAccess",
}
METHODS = {
    rfc1905.GetRequestPDU.tagSet: "GET",
    rfc1905.GetNextRequestPDU.tagSet: "GETNEXT",
    rfc1905.GetBulkRequestPDU.tagSet: "GETBULK",
    rfc1905.SetRequestPDU.tagSet: "SET",
}
FOLLOWERS = {"growing": mib.growing, "stuck": mib.stuck}


class Wire:
    """The datagrams of one box: dropped while it is down, hurt where a fault says so."""

    domain: tuple[int, ...]

    def __init__(self, rack: Rack) -> None:
        super().__init__()
        self._rack = rack
        self._tasks: set[asyncio.Task[None]] = set()
        self.box: Box | None = None
        self.before: Callable[[], None] = lambda: None
        self.faults: Sequence[Fault] = ()
        self.shift = 0
        self.delay_s = 0.0

    def datagram_received(self, datagram: bytes, transportAddress: Any) -> None:  # noqa: N803 - theirs
        """Hand a datagram on, unless nobody is there or it got lost."""
        if self.box is None or self.box.power is not Power.UP or self._is_lost():
            return
        self.before()
        super().datagram_received(datagram, transportAddress)  # type: ignore[misc]

    def send_message(self, outgoingMessage: Any, transportAddress: Any) -> None:  # noqa: N803 - theirs
        """Send an answer as the faults drawn for it say."""
        datagrams = _hurt(_renumbered(bytes(outgoingMessage), self.shift), self.faults)
        if UNTOLD in datagrams[0] or self._is_lost():
            return
        if self.delay_s > 0:
            task = asyncio.create_task(self._later(datagrams, transportAddress, self.delay_s))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._send(datagrams, transportAddress)

    def cancel(self) -> None:
        """Forget what was still to be sent."""
        for task in self._tasks:
            task.cancel()

    async def _later(self, datagrams: Sequence[bytes], address: Any, delay_s: float) -> None:
        await self._rack.stage.faults.delay(delay_s)
        self._send(datagrams, address)

    def _send(self, datagrams: Sequence[bytes], address: Any) -> None:
        for datagram in datagrams:
            super().send_message(datagram, address)  # type: ignore[misc]

    def _is_lost(self) -> bool:
        serial = "" if self.box is None else self.box.serial
        loss = self._rack.stage.faults.mode("loss", serial)
        if loss is None or self._rack.chance.random() * PERCENT >= loss.number:
            return False
        self._rack.struck(loss)
        return True


class Wire4(Wire, udp.UdpTransport):  # type: ignore[misc]
    """Over IPv4."""

    domain = udp.DOMAIN_NAME


class Wire6(Wire, udp6.Udp6Transport):  # type: ignore[misc]
    """Over IPv6."""

    domain = udp6.DOMAIN_NAME


class Agent:
    """The agent of one box, for as long as the process lives; each boot is told to it.

    Its engine is made for the first datagram: it costs a tenth of a second and a megabyte.
    """

    def __init__(self, rack: Rack, wire: Any) -> None:
        self._rack = rack
        self._wire = wire
        self._engine: Any = None
        self._responder: Responder
        self._managed: mib.Managed
        self._armed: Credentials | None = None
        self._is_told = False

    def boot(self, box: Box) -> None:
        """Answer for the box, with the engine boots and the time of this boot."""
        self._managed = mib.Managed(box=box, draft=mib.Draft())
        self._wire.box = box
        self._wire.before = self._ready
        self._is_told = False

    def halt(self) -> None:
        """Answer no more."""
        self._wire.box = None
        self._wire.cancel()

    def close(self) -> None:
        """Give the port back."""
        self.halt()
        if self._engine is not None:
            self._engine.close_dispatcher()
        self._wire.close_transport()

    def _ready(self) -> None:
        """Bring the engine up to this boot and to those whom the box knows now."""
        box = self._managed.box
        if self._engine is None:
            self._engine = _engine(box, self._wire)
            self._responder = Responder(self._engine, self._rack, self._wire)
        if not self._is_told:
            self._is_told = True
            self._responder.managed = self._managed
            boots, moment = _clock(self._engine)
            boots.syntax = boots.syntax.clone(box.boots)
            moment.syntax = moment.syntax.clone(int(time.time() - box.uptime_s))
        if box.credentials is not self._armed:
            self._arm(box.credentials)

    def _arm(self, credentials: Credentials) -> None:
        if self._armed is not None:
            _disarm(self._engine, self._armed)
        _arm(self._engine, credentials)
        self._armed = credentials


class Responder(cmdrsp.CommandResponderBase):  # type: ignore[misc]
    """Answers every kind of request out of the MIB; the library's own knows no half a SET."""

    SUPPORTED_PDU_TYPES = tuple(METHODS)
    managed: mib.Managed

    def __init__(self, engine: Any, rack: Rack, wire: Wire) -> None:
        super().__init__(engine, context.SnmpContext(engine))
        self._rack = rack
        self._wire = wire

    def handle_management_operation(
        self,
        snmpEngine: Any,  # noqa: N803 - the library's own names
        stateReference: Any,  # noqa: N803
        contextName: Any,  # noqa: ARG002, N803
        PDU: Any,  # noqa: N803
    ) -> None:
        """Answer one request, or not at all where a fault says so."""
        box, method = self.managed.box, METHODS[PDU.tagSet]
        asked = [(tuple(oid), value) for oid, value in v2c.apiPDU.get_varbinds(PDU)]
        names = " ".join(mib.name_of(oid) for oid, _ in asked)
        with self._rack.call(box, method, f"SNMP {method} {_words(method, asked)}") as call:
            delay_s, fault = self._rack.drawn(call, f"{box.serial} {names}")
            if not _is_private(snmpEngine):
                answer = _refusal("authorizationError", 0, asked)
            else:
                status, index, found = self._answer(call, PDU, asked, fault)
                answer = status, index, self._worded(box, found)
        if fault is not None and fault.name in {"silent", "reset", "lost", "crash"}:
            return
        is_wrong = fault is not None and fault.name == "wrong_request_id"
        self._wire.shift = WRONG_BY if is_wrong else 0
        self._wire.faults = self._rack.stage.faults.draw_datagram(f"{box.serial} {names}")
        self._wire.delay_s = delay_s + call.latency_left_s
        for one in self._wire.faults:
            self._rack.struck(one)
        self.send_varbinds(snmpEngine, stateReference, *answer)
        self._wire.faults, self._wire.shift, self._wire.delay_s = (), 0, 0.0

    def send_pdu(self, snmpEngine: Any, stateReference: Any, PDU: Any) -> None:  # noqa: N803 - theirs
        """Send an answer, under another request id where a fault says so."""
        _shift(PDU, self._wire.shift)
        super().send_pdu(snmpEngine, stateReference, PDU)

    def _answer(
        self, call: Call, pdu: Any, asked: list[mib.Variable], fault: Fault | None
    ) -> tuple[int, int, list[Any]]:
        """Work out error status, error index and variables."""
        injected = None if fault is None else _injected(fault, asked)
        if fault is not None and injected is not None:
            if fault.applied:
                with contextlib.suppress(mib.Refused):
                    self._done(call, pdu, asked, None)
            return injected
        if fault is not None and fault.name in {"silent", "reset"}:
            return 0, 0, []
        try:
            found = self._done(call, pdu, asked, fault)
        except mib.Refused as error:
            return _refusal(error.status, error.index, asked)
        if fault is not None and fault.name == "crash":
            self.managed.box.crash()
        return 0, 0, found

    def _worded(self, box: Box, found: list[Any]) -> list[Any]:
        """Word the values as this box does."""
        if self._rack.stage.faults.mode("odd_values", box.serial) is None:
            return found
        return [mib.oddly(variable) for variable in found]

    def _done(
        self, call: Call, pdu: Any, asked: list[mib.Variable], fault: Fault | None
    ) -> list[Any]:
        managed, oids = self.managed, [oid for oid, _ in asked]
        if call.is_write:
            self._put(call, asked, fault)
            return asked
        if call.method == "GET":
            return mib.get(managed, oids)
        follower = mib.following
        if fault is not None and fault.name == "endless_walk":
            follower = FOLLOWERS.get(fault.argument, mib.growing)
        if call.method == "GETNEXT":
            return mib.get_next(managed, oids, follower)
        shape = (
            int(v2c.apiBulkPDU.get_non_repeaters(pdu)),
            int(v2c.apiBulkPDU.get_max_repetitions(pdu)),
        )
        return mib.get_bulk(managed, oids, shape, follower)

    def _put(self, call: Call, asked: list[mib.Variable], fault: Fault | None) -> None:
        box = self.managed.box
        before = box.shown()
        is_half = fault is not None and fault.name == "half_set"
        try:
            with box.writing():
                mib.put(self.managed, asked, len(asked) - 1 if is_half else None)
        except Busy:
            raise mib.Refused("resourceUnavailable", 1) from None
        finally:
            self._rack.effect(call, box, before)


def _hurt(datagram: bytes, faults: Sequence[Fault]) -> list[bytes]:
    names = {fault.name for fault in faults}
    if "malformed" in names:
        datagram = GARBAGE
    if "truncated" in names:
        datagram = datagram[: len(datagram) // 2]
    return [datagram, datagram] if "duplicate" in names else [datagram]


def _renumbered(datagram: bytes, shift: int) -> bytes:
    """Give a v2c answer another request id; v3 hides its own, which was changed before."""
    if not shift or api.decodeMessageVersion(datagram) != api.SNMP_VERSION_2C:
        return datagram
    message, _ = decoder.decode(datagram, asn1Spec=v2c.Message())
    _shift(v2c.apiMessage.get_pdu(message), shift)
    return bytes(encoder.encode(message))


def _shift(pdu: Any, shift: int) -> None:
    if shift:
        v2c.apiPDU.set_request_id(pdu, int(v2c.apiPDU.get_request_id(pdu)) + shift)


def _injected(fault: Fault, asked: list[mib.Variable]) -> tuple[int, int, list[Any]] | None:
    """Word a refusal or a lie that was never the box's own; None where the box is asked."""
    if fault.name in REFUSALS:
        return _refusal(REFUSALS[fault.name], 1, asked)
    if fault.name == "error":
        return fault.number % len(STATUSES), 1, asked
    if fault.name == "null_forgery":
        return 0, 0, [(oid, v2c.null) for oid, _ in asked]
    if fault.name == "too_big" and len(asked) > fault.number:
        return STATUSES.index("tooBig"), 0, []  # RFC 3416, 4.2.1: no index and no variables
    return None


def _refusal(
    status: str, index: int, asked: list[mib.Variable]
) -> tuple[int, int, list[mib.Variable]]:
    return STATUSES.index(status), index, asked


def _words(method: str, asked: list[mib.Variable]) -> str:
    """Say what was asked for; of a SET with the values, but for the PIN."""
    if method != "SET":
        return " ".join(mib.name_of(oid) for oid, _ in asked)
    shown = [(mib.name_of(oid), value.prettyPrint()) for oid, value in asked]
    return " ".join(f"{name}={'***' if name == 'pin' else value}" for name, value in shown)


def _is_private(engine: Any) -> bool:
    """Tell whether a request came secured, or by a version that cannot be."""
    seen = engine.observer.get_execution_context("rfc3412.receiveMessage:request")
    return seen["securityModel"] != USM or int(seen["securityLevel"]) == AUTH_PRIV


def engine_id(box: Box) -> bytes:
    """Give the box's engine id (RFC 3411, SnmpEngineID)."""
    number = (ENTERPRISE_NUMBER | 1 << 31).to_bytes(4)
    return number + bytes([MAC_FORMAT]) + bytes.fromhex(box.mac.replace(":", ""))


def _engine(box: Box, wire: Wire) -> Any:
    engine = SnmpEngine()
    # Given to the constructor, the id would make it keep its boots in a file of its own.
    (identity,) = engine.get_mib_builder().import_symbols("__SNMP-FRAMEWORK-MIB", "snmpEngineID")
    identity.syntax = engine.snmpEngineID = identity.syntax.clone(engine_id(box))
    config.add_transport(engine, wire.domain, wire)
    engine.transport_dispatcher.set_timer_resolution(NO_TICKS_S)
    del engine.message_processing_subsystems[V1]
    return engine


def _clock(engine: Any) -> Any:
    return engine.get_mib_builder().import_symbols(
        "__SNMP-FRAMEWORK-MIB", "snmpEngineBoots", "snmpEngineTime"
    )


def _arm(engine: Any, credentials: Credentials) -> None:
    if credentials.snmp_user:
        config.add_v3_user(
            engine,
            credentials.snmp_user,
            config.USM_AUTH_HMAC192_SHA256,
            credentials.snmp_auth_key,
            config.USM_PRIV_CFB128_AES,
            credentials.snmp_priv_key,
            authKeyType=config.USM_KEY_TYPE_LOCALIZED,
            privKeyType=config.USM_KEY_TYPE_LOCALIZED,
        )
    if credentials.snmp_community:
        config.add_v1_system(engine, "box", credentials.snmp_community)


def _disarm(engine: Any, credentials: Credentials) -> None:
    if credentials.snmp_user:
        config.delete_v3_user(engine, credentials.snmp_user)
    if credentials.snmp_community:
        config.delete_v1_system(engine, "box")
