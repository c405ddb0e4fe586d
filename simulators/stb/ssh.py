"""The SSH face of the reference box: a server per box, each on a port and with a host key.

User `oper`, public keys alone. Whatever is asked for is a line of the box's command language: there
is no shell, no subsystem and no forwarding. One session at a time, at most five connections.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import asyncssh

from simulators.call import Call
from simulators.faults import Fault
from simulators.listening import bound, listening
from simulators.simulator import BadOperation, Faces, Stage
from simulators.stb import hostkeys, verbs
from simulators.stb.box import Box, Busy
from simulators.stb.options import add_options
from simulators.stb.rack import Rack

__all__ = ["add_options", "make"]

USER = "oper"
BANNER = "RB1_1.4"
CONNECTIONS_MAX = 5
LOGIN_S_MAX = 30
BACKLOG = 64
SETTLE_S = 0.05  # what was written is on its way before the connection goes
_CHUNK = "x" * 1023 + "\n"
_LEGACY: Mapping[str, Any] = {
    "kex_algs": ["diffie-hellman-group1-sha1"],
    "encryption_algs": ["aes128-cbc", "3des-cbc"],
    "mac_algs": ["hmac-md5"],
}
_HOST_KEYS = {
    "wrong_host_key": hostkeys.wrong_host_key,
    "other_host_key": hostkeys.other_host_key,
}
# What an injected refusal of the shared table is in the box's exit codes.
_REFUSALS = {
    "throttled": verbs.BUSY,
    "conflict": verbs.BUSY,
    "unauthorized": verbs.BAD_VALUE,
    "refused": verbs.BAD_VALUE,
}
_EXIT_CODES = 256


def make(stage: Stage, state: Mapping[str, Any]) -> Faces:
    """Make the boxes of a state; one that names no key lets the operator of the seed in."""
    face = SshFace(stage, state)
    face.rack = Rack(stage, face.armed(state), face)
    for box in face.rack.boxes.values():
        try:
            _public(box.factory.ssh_keys)
        except (asyncssh.KeyImportError, ValueError) as error:
            raise BadOperation(f"authorized_keys: {error}") from None
    return face.rack


@dataclass(slots=True, kw_only=True, eq=False)
class _Port:
    """The port of one box: held while it is down, listening while it is up."""

    held: socket.socket
    accepting: asyncio.Task[None] | None = None
    links: dict[asyncio.Task[None], "_Link"] = field(default_factory=dict)
    answers: set[asyncio.Task[None]] = field(default_factory=set)
    session: "Session | None" = None

    def forget(self, task: asyncio.Task[None]) -> None:
        """Count a connection no more."""
        self.links.pop(task, None)


@dataclass(slots=True, kw_only=True)
class _Link:
    """One TCP connection, and what became of it."""

    peer: socket.socket
    connection: asyncssh.SSHServerConnection | None = None

    def cut(self) -> None:
        """Reset it, whatever it is doing."""
        if self.connection is not None:
            self.connection.abort()
        with contextlib.suppress(OSError):
            # A linger time of zero makes close() send RST instead of FIN.
            self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.peer.shutdown(socket.SHUT_RDWR)


class SshFace:
    """All boxes of the process, as SSH servers."""

    kind = "ssh"
    rack: Rack

    def __init__(self, stage: Stage, state: Mapping[str, Any]) -> None:
        self._host = stage.host
        self._operator = hostkeys.operator_key(state.get("seed", 1))
        self._is_ours = True
        self._ports: dict[str, _Port] = {}

    def armed(self, state: Mapping[str, Any]) -> Mapping[str, Any]:
        """Let the operator of the seed in, where the state names nobody."""
        named = [state, *state.get("boxes", ())]
        self._is_ours = not any(one.get("authorized_keys") for one in named)
        keys = [hostkeys.line(self._operator)]
        return {**state, "authorized_keys": keys} if self._is_ours else state

    def common(self) -> Mapping[str, Any]:
        """Tell the operator's private key, where this process made it."""
        if not self._is_ours:
            return {}
        return {"user_key": self._operator.export_private_key("openssh").decode()}

    def papers(self, box: Box) -> Mapping[str, Any]:
        """Tell user and host key."""
        return {"user": USER, "host_key": hostkeys.line(hostkeys.host_key(box))}

    async def hold(self, box: Box, port: int) -> int:
        """Take the port of a box."""
        held = bound(self._host, port)
        self._ports[box.serial] = _Port(held=held)
        number: int = held.getsockname()[1]
        return number

    async def open(self, box: Box) -> None:
        """Listen on the box's port."""
        port = self._ports[box.serial]
        with listening(self._host, port.held.getsockname()[1]):
            port.held.listen(BACKLOG)
        port.accepting = asyncio.create_task(self._accept(box, port))

    async def shut(self, box: Box) -> None:
        """Break every connection; the port stays held."""
        port = self._ports[box.serial]
        number = port.held.getsockname()[1]
        tasks = [task for task in (port.accepting, *port.links, *port.answers) if task is not None]
        for link in list(port.links.values()):
            link.cut()
        await _ended(tasks)
        port.links.clear()
        port.accepting = port.session = None
        port.held.close()
        port.held = bound(self._host, number)

    async def release(self) -> None:
        """Give every port back."""
        for port in self._ports.values():
            port.held.close()

    async def _accept(self, box: Box, port: _Port) -> None:
        loop = asyncio.get_running_loop()
        while True:
            peer, _ = await loop.sock_accept(port.held)
            peer.setblocking(False)  # noqa: FBT003 - socket's own signature
            link = _Link(peer=peer)
            if len(port.links) >= CONNECTIONS_MAX:
                _reset(peer)
                continue
            task = asyncio.create_task(self._serve(box, port, link))
            port.links[task] = link
            task.add_done_callback(port.forget)

    async def _serve(self, box: Box, port: _Port, link: _Link) -> None:
        """Serve one connection to its end."""
        suffered = {fault.name: fault for fault in self._drawn(box)}
        try:
            if await _is_over(link.peer, suffered):
                return
            link.connection = await asyncssh.run_server(
                link.peer, config=None, **self._manners(box, port, suffered)
            )
            await link.connection.wait_closed()
        except (OSError, asyncssh.Error):
            return  # the caller is gone, or was not let in
        finally:
            if link.connection is None:
                _reset(link.peer)

    def _drawn(self, box: Box) -> list[Fault]:
        faults = self.rack.stage.faults.draw_connection(box.serial)
        for fault in faults:
            self.rack.struck(fault)
        return faults

    def _manners(self, box: Box, port: _Port, suffered: Mapping[str, Fault]) -> dict[str, Any]:
        """Choose how this connection behaves."""
        own = [make_key for name, make_key in _HOST_KEYS.items() if name in suffered]
        key = (own or [hostkeys.host_key])[0](box)
        is_refused = "auth_refused" in suffered
        return {
            "server_host_keys": [key],
            "server_factory": lambda: _Door(self.rack, box, port, is_refused=is_refused),
            "server_version": BANNER,
            "login_timeout": LOGIN_S_MAX,
            "encoding": "utf-8",
            "allow_pty": False,
            "allow_scp": False,
            "agent_forwarding": False,
            "x11_forwarding": False,
            "line_editor": False,
            **(_LEGACY if "legacy" in suffered else {}),
        }


class _Door(asyncssh.SSHServer):
    """Who is let in, and to what."""

    def __init__(self, rack: Rack, box: Box, port: _Port, *, is_refused: bool) -> None:
        self._rack = rack
        self._box = box
        self._port = port
        self._is_refused = is_refused

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - the library's own
        """Nobody comes in without a proof."""
        return True

    def public_key_auth_supported(self) -> bool:
        """Keys are the only proof."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Let the operator in with a key that the box was given."""
        if self._is_refused or username != USER:
            return False
        with contextlib.suppress(asyncssh.KeyImportError, ValueError):
            return key.public_data in _public(self._box.credentials.ssh_keys)
        return False

    def session_requested(self) -> "Session":
        """Open a session, unless there is one."""
        if self._port.session is not None:
            raise asyncssh.ChannelOpenError(
                asyncssh.OPEN_RESOURCE_SHORTAGE, "one session at a time"
            )
        self._port.session = Session(self._rack, self._box, self._port)
        return self._port.session


class Session(asyncssh.SSHServerSession[str]):
    """One line of the command language, its answer and its end."""

    def __init__(self, rack: Rack, box: Box, port: _Port) -> None:
        self._rack = rack
        self._box = box
        self._port = port
        self._line = ""
        self._gone = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, chan: asyncssh.SSHServerChannel[str]) -> None:
        """Remember where the answer goes."""
        self._channel = chan

    def exec_requested(self, command: str) -> bool:
        """Take a line."""
        self._line = command
        return True

    def shell_requested(self) -> bool:
        """Take it as an empty line: a forced command knows no shell."""
        return True

    def subsystem_requested(self, subsystem: str) -> bool:  # noqa: ARG002 - the library's own
        """Refuse: there is none."""
        return False

    def session_started(self) -> None:
        """Answer."""
        task = asyncio.create_task(self._answer())
        self._port.answers.add(task)
        task.add_done_callback(self._port.answers.discard)

    def eof_received(self) -> bool:
        """Go on: who says no more may still listen."""
        return True

    def pause_writing(self) -> None:
        """Hold back: the caller reads too slowly."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Go on: the caller reads again."""
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the library's own
        """Make room for the next session; a write under way is not undone."""
        self._gone.set()
        self._writable.set()
        self._free()

    async def _answer(self) -> None:
        line, box = self._line, self._box
        with self._rack.call(box, verbs.method(line), f"SSH {verbs.harmless(line)}") as call:
            delay_s, fault = self._rack.drawn(call, f"{box.serial} {line}")
            await self._rack.stage.faults.delay(delay_s)
            if fault is None or fault.strikes_after:
                answer = await self._performed(call, line)
            else:
                answer = _injected(fault)
        # The caller may be gone by now; what was done stays done.
        with contextlib.suppress(BrokenPipeError):
            if fault is None or not await self._hurt(fault, answer):
                self._say(answer)

    async def _performed(self, call: Call, line: str) -> verbs.Answer:
        box = self._box
        if not call.is_write:
            await call.dwell()
            return verbs.perform(box, line)
        try:
            with box.writing():
                await call.dwell()
                before = box.shown()
                answer = verbs.perform(box, line)
        except Busy:
            return verbs.BUSY_NOW
        if answer.code == verbs.DONE:
            self._rack.effect(call, box, before)
        return answer

    async def _hurt(self, fault: Fault, answer: verbs.Answer) -> bool:
        """Do what the fault says to the answer; False where the answer goes out as it is."""
        connection = self._channel.get_connection()
        if fault.name == "silent":
            await self._gone.wait()
        elif fault.name == "huge":
            await self._flood(fault.size_bytes)
        elif fault.name == "drip":
            await self._drip(answer, fault.seconds)
        elif fault.name == "half":
            self._channel.write(answer.output[: max(1, len(answer.output) // 2)])
            await asyncio.sleep(SETTLE_S)
            connection.disconnect(asyncssh.DISC_BY_APPLICATION, "")
        elif fault.name == "crash":
            self._box.crash()
        elif fault.name in {"reset", "lost"}:
            connection.abort()
        else:
            return False
        return True

    async def _flood(self, size_bytes: int) -> None:
        left = size_bytes
        while left > 0:
            await self._writable.wait()
            self._channel.write(_CHUNK[:left])
            left -= len(_CHUNK)
            await asyncio.sleep(0)
        self._end(verbs.DONE)

    async def _drip(self, answer: verbs.Answer, pause_s: float) -> None:
        for letter in answer.output:
            self._channel.write(letter)
            await asyncio.sleep(pause_s)
        self._end(answer.code)

    def _say(self, answer: verbs.Answer) -> None:
        self._channel.write(answer.output)
        if answer.complaint:
            self._channel.write_stderr(f"{answer.complaint}\n")
        self._end(answer.code)

    def _end(self, code: int) -> None:
        # Free before the caller hears of the end: he may ask again the same moment.
        self._free()
        self._channel.exit(code)

    def _free(self) -> None:
        if self._port.session is self:
            self._port.session = None


def _injected(fault: Fault) -> verbs.Answer:
    """Word a refusal that was never the box's own."""
    if fault.name == "error":
        return verbs.Answer(code=min(fault.number, _EXIT_CODES - 1), complaint="error")
    if fault.name == "garbage":
        return verbs.Answer(lines=["\N{REPLACEMENT CHARACTER}\x00=", "BusyBox v1.30.1 sh: ~ $"])
    return verbs.Answer(code=_REFUSALS.get(fault.name, 0), complaint=fault.argument or fault.name)


async def _is_over(peer: socket.socket, suffered: Mapping[str, Fault]) -> bool:
    """Let faults strike that come before any SSH; tell whether nothing is left to do."""
    if "crowded" in suffered:
        _reset(peer)
        return True
    if "slow_banner" in suffered:
        await asyncio.sleep(suffered["slow_banner"].seconds)
    if "banner_silence" not in suffered:
        return False
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(peer, f"SSH-2.0-{BANNER}\r\n".encode())
    while await loop.sock_recv(peer, 4096):
        pass
    return True


def _reset(peer: socket.socket) -> None:
    with contextlib.suppress(OSError):
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@lru_cache(maxsize=256)
def _public(lines: tuple[str, ...]) -> frozenset[bytes]:
    """Read lines of authorized_keys; their options mean nothing to a box."""
    return frozenset(asyncssh.import_public_key(line).public_data for line in lines)
