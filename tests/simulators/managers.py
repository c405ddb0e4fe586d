"""Asks a box's SNMP face as an operator's systems would: v3 by pysnmp, v2c by bare datagrams."""

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from pysnmp.hlapi.v3arch.asyncio import (
    USM_AUTH_HMAC192_SHA256,
    USM_KEY_TYPE_LOCALIZED,
    USM_PRIV_CFB128_AES,
    ContextData,
    Integer32,
    ObjectIdentity,
    ObjectType,
    OctetString,
    SnmpEngine,
    UdpTransportTarget,
    UsmUserData,
    bulk_cmd,
    get_cmd,
    next_cmd,
    set_cmd,
)

from tests.simulators.process import RunningSimulator

BOX = "1.3.6.1.4.1.32473.1"
OIDS = {
    "sysDescr": "1.3.6.1.2.1.1.1.0",
    "sysUpTime": "1.3.6.1.2.1.1.3.0",
    "sysName": "1.3.6.1.2.1.1.5.0",
    "serial": f"{BOX}.1.1.0",
    "model": f"{BOX}.1.2.0",
    "mac": f"{BOX}.1.4.0",
    "bootId": f"{BOX}.1.5.0",
    "active": f"{BOX}.2.1.0",
    "packages": f"{BOX}.2.2.0",
    "revision": f"{BOX}.2.3.0",
    "pin": f"{BOX}.2.4.0",
    "messageText": f"{BOX}.3.1.0",
    "messageSeconds": f"{BOX}.3.2.0",
    "messageShow": f"{BOX}.3.3.0",
    "messageShown": f"{BOX}.3.4.0",
    "rebootKey": f"{BOX}.4.1.0",
    "lastKey": f"{BOX}.4.2.0",
    "freeMb": f"{BOX}.5.2.0",
    "channel": f"{BOX}.5.3.0",
}


class NotDoneError(Exception):
    """What became of a request that was not done: an error status with its index, or a silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """Who asks one box, and what he knows of it."""

    port: int
    user: str
    auth_key: bytes
    priv_key: bytes
    engine_id: bytes  # localised keys belong to it
    timeout_s: float = 5.0
    retries: int = 0
    engine: Any = field(repr=False)

    async def get(self, *names: str) -> list[Any]:
        """Read variables; Python's own text or number, or the name of the exception."""
        return [value for _, value in await self._done(get_cmd, names)]

    async def next(self, *oids: str) -> list[tuple[str, Any]]:
        """Read the variables after these."""
        return await self._done(next_cmd, oids)

    async def bulk(self, non_repeaters: int, repetitions: int, *oids: str) -> list[tuple[str, Any]]:
        """Read many variables after these."""
        return await self._done(bulk_cmd, oids, non_repeaters, repetitions)

    async def put(self, **values: str | int) -> None:
        """Write variables by one request, in this order."""
        await self._done(set_cmd, values)

    async def _done(self, command: Any, wanted: Any, *shape: int) -> list[tuple[str, Any]]:
        user = UsmUserData(
            self.user,
            self.auth_key,
            self.priv_key,
            USM_AUTH_HMAC192_SHA256,
            USM_PRIV_CFB128_AES,
            authKeyType=USM_KEY_TYPE_LOCALIZED,
            privKeyType=USM_KEY_TYPE_LOCALIZED,
            securityEngineId=OctetString(self.engine_id),
        )
        target = await UdpTransportTarget.create(
            ("127.0.0.1", self.port), timeout=self.timeout_s, retries=self.retries
        )
        variables = [_variable(name, wanted) for name in wanted]
        indication, status, index, found = await command(
            self.engine, user, target, ContextData(), *shape, *variables, lookupMib=False
        )
        if indication:
            raise NotDoneError(str(indication))
        if status:
            raise NotDoneError(f"{status.prettyPrint()} {int(index)}")
        return [(str(oid), _plain(value)) for oid, value in found]


@asynccontextmanager
async def manager_of(running: RunningSimulator, number: int = 0) -> AsyncIterator[Manager]:
    """Give the manager of a box that a simulator told of when it was ready."""
    async with manager(knowledge_of(running, number)) as made:
        yield made


def knowledge_of(running: RunningSimulator, number: int = 0) -> dict[str, Any]:
    """Return what a purchase list tells a manager about a box."""
    paper = running.told["boxes"][number]
    return {
        "port": int(paper["address"].rpartition(":")[2]),
        "user": paper["user"],
        **{name: bytes.fromhex(paper[name]) for name in ("auth_key", "priv_key", "engine_id")},
    }


@asynccontextmanager
async def manager(knowledge: Mapping[str, Any], **changes: Any) -> AsyncIterator[Manager]:
    """Give a manager with an engine of his own."""
    engine = SnmpEngine()
    try:
        yield Manager(**{**knowledge, **changes}, engine=engine)
    finally:
        engine.close_dispatcher()


def _variable(name: str, wanted: Any) -> ObjectType:
    identity = ObjectIdentity(OIDS.get(name, name))
    if not isinstance(wanted, dict):
        return ObjectType(identity)
    value = wanted[name]
    typed = Integer32(value) if isinstance(value, int) else OctetString(value.encode())
    return ObjectType(identity, typed)


def _plain(value: Any) -> Any:
    kind = type(value).__name__
    if kind in {"NoSuchObject", "NoSuchInstance", "EndOfMibView", "Null"}:
        return kind
    if kind == "OctetString":
        return bytes(value).decode()
    return str(value) if kind == "ObjectIdentifier" else int(value)


class Datagrams:
    """Bare v2c requests over a socket, so that every octet of an answer is seen."""

    def __init__(self, port: int, community: str) -> None:
        self._community = community.encode()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(10)
        self._socket.connect(("127.0.0.1", port))

    def ask(self, number: int, oid: str, *, pdu: int = 0xA0, value: bytes = b"\x05\x00") -> None:
        """Send a request for one variable, under that request id."""
        variable = _tlv(0x30, _tlv(0x06, _oid(oid)) + value)
        body = _integer(number) + _integer(0) + _integer(0) + _tlv(0x30, variable)
        inner = _integer(1) + _tlv(0x04, self._community) + _tlv(pdu, body)
        self._socket.send(_tlv(0x30, inner))

    def answer(self) -> bytes:
        """Receive one datagram."""
        return self._socket.recv(65536)

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()


def request_id(answer: bytes) -> int:
    """Read the request id of a whole v2c answer."""
    _, message, _ = _read(answer)
    _, _, rest = _read(message)
    _, _, rest = _read(rest)
    _, body, _ = _read(rest)
    _, number, _ = _read(body)
    return int.from_bytes(number)


def _read(octets: bytes) -> tuple[int, bytes, bytes]:
    """Split the first value of a run into tag, content and rest."""
    length, start = octets[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(octets[2:start])
    return octets[0], octets[start : start + length], octets[start + length :]


def _tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    return bytes([tag, 0x82]) + size.to_bytes(2) + content


def _integer(number: int) -> bytes:
    return _tlv(0x02, number.to_bytes((number.bit_length() // 8) + 1))


def _oid(text: str) -> bytes:
    first, second, *rest = map(int, text.split("."))
    octets = bytes([first * 40 + second])
    for number in rest:
        part = bytes([number & 0x7F])
        while number := number >> 7:
            part = bytes([number & 0x7F | 0x80]) + part
        octets += part
    return octets
