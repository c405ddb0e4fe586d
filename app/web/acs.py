"""The listener of boxes that call us: a port of its own, with one path for each target.

Nothing else is served here. It bounds what comes and how long it may take, opens targets as they
are configured, and leaves what a request means to their adapters.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from multidict import CIMultiDict

from app.settings import Settings
from app.web.connection import Connection, listen
from app.web.unpacking import Refused, read
from gateway.adapters.inbound import Ask, Inbound, Reply
from gateway.provisioning.contact import Contacts
from gateway.provisioning.opening import Opened, Targets
from gateway.provisioning.targets import Target
from runtime.retry import is_away, is_lost, stopped_within
from runtime.telemetry import counter, get_log
from runtime.work import Work
from terms.errors import BoxofficeError, DomainError
from terms.ids import TargetName

ALIGN_EVERY_S = 1.0
LOOP = "acs"
REST_S_MAX = 6.0
SHUTDOWN_S = 1.0  # none would mean: wait for ever
_AWAY = Reply(status=503, headers={"Retry-After": "15"})
_BROKEN = Reply(status=500)
_UNKNOWN = Reply(status=404)

log = get_log()
answered = counter("boxoffice_acs_answers", "Requests of boxes that were answered", "status")


@dataclass(slots=True, kw_only=True)
class _Mount:
    """One target that is called, and what runs beside it."""

    opened: Opened
    adapter: Inbound
    contacts: Contacts
    stop: asyncio.Event
    task: asyncio.Task[None]


class Acs:
    """Answers boxes for every target that they call."""

    def __init__(
        self,
        settings: Settings,
        targets: Targets,
        work: Work,
        *,
        announce: Callable[[str], None] = lambda _: None,
        rest_s_max: float = REST_S_MAX,
    ) -> None:
        """`announce` is told where boxes may call, whenever that changes while it runs."""
        self._announce = announce
        self._settings = settings
        self._targets = targets
        self._work = work
        self._rest_s_max = rest_s_max
        self._mounts: dict[str, _Mount] = {}
        self._refused: dict[TargetName, int] = {}
        self._server = web.Server(self._handle, access_log=None)
        self._door: asyncio.Server | None = None
        self._outages = work.store.outages
        self._told = ""
        self._is_told = False

    @property
    def url(self) -> str:
        """Where boxes call; empty while nobody listens."""
        if self._door is None:
            return ""
        return f"http://{self._settings.acs_host}:{self._door.sockets[0].getsockname()[1]}"

    async def open(self) -> None:
        """Listen, if there is a target to be called. Raises DomainError for a taken address."""
        try:
            await self._align()
        except DomainError:
            await self._close()
            raise

    async def run(self, stop: asyncio.Event) -> None:
        """Answer boxes until told to stop; then sessions under way are served to their end."""
        self._told = self.url
        try:
            while not stop.is_set():
                await self._outages.outlive(LOOP, self._align_and_tell())
                await stopped_within(stop, ALIGN_EVERY_S)
        finally:
            await self._close()

    async def _align_and_tell(self) -> None:
        """Listen as configured, and tell where boxes may call, unless that was told."""
        try:
            await self._align()
        except DomainError as error:
            self._tell_once(str(error))
            return
        if self.url != self._told:
            self._told = self.url
            self._announce(self.url)

    # -- one request

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if isinstance(request.protocol, Connection):
            request.protocol.heard()
        try:
            reply = await self._answer(request)
        except Refused as refused:
            reply = Reply(status=refused.status, headers={"Connection": "close"})
        except Exception as error:
            if is_lost(error):
                self._outages.failed(LOOP, error)
            else:
                log.exception("acs.failed", path=request.path)
            reply = _AWAY if is_away(error) else _BROKEN
        answered.inc(str(reply.status))
        return _response(reply)

    async def _answer(self, request: web.BaseRequest) -> Reply:
        mount = self._mounts.get(request.path[1:])
        if mount is None:
            return _UNKNOWN
        ask = Ask(
            method=request.method,
            path=request.path_qs,
            headers=request.headers,
            body=await read(request),
            peer=request.remote or "",
        )
        return await mount.adapter.answer(ask, mount.contacts)

    # -- which targets there are

    async def _align(self) -> None:
        found = await self._targets.load()
        for name, mount in list(self._mounts.items()):
            target = found.get(TargetName(name))
            is_same = target is not None and target.version == mount.opened.target.version
            if target is None or not (is_same and target.enabled) or mount.task.done():
                await self._leave(name)
        for name, target in found.items():
            is_new = name not in self._mounts and self._refused.get(name) != target.version
            if is_new and target.enabled and target.models:
                await self._mount(target)
        if self._mounts and self._door is None:
            await self._listen()
        elif not self._mounts and self._door is not None:
            self._shut()

    async def _mount(self, target: Target) -> None:
        try:
            opened = await self._targets.open(target.name)
        except BoxofficeError as error:
            self._refused[target.name] = target.version
            why = str(error)
            log.error("target.cannot_be_opened", target=target.name, reason=why)  # noqa: TRY400
            return
        adapter = opened.adapter
        if not isinstance(adapter, Inbound):
            self._refused[target.name] = target.version
            return
        contacts = Contacts(opened, self._work, heartbeat_s=self._settings.heartbeat_s)
        stop = asyncio.Event()
        self._mounts[target.name] = _Mount(
            opened=opened,
            adapter=adapter,
            contacts=contacts,
            stop=stop,
            task=asyncio.create_task(contacts.run(stop), name=f"contacts {target.name}"),
        )
        adapter.begin()

    async def _leave(self, name: str) -> None:
        """Serve the sessions of a target to their end, and write what they have brought."""
        mount = self._mounts[name]
        try:
            async with asyncio.timeout(self._rest_s_max):
                await mount.adapter.rest()
        except TimeoutError:
            log.warning("acs.cut_off", target=name)
        self._mounts.pop(name, None)
        mount.stop.set()
        await asyncio.gather(mount.task, return_exceptions=True)

    async def _listen(self) -> None:
        host, port = self._settings.acs_host, self._settings.acs_port
        try:
            self._door = await listen(self._server, host, port, auto_decompress=False)
        except OSError as error:
            why = error.strerror or str(error)
            raise DomainError(f"cannot listen for boxes on {host}:{port}: {why}") from None
        log.info("acs.listening", url=self.url)
        self._is_told = False

    def _shut(self) -> None:
        if self._door is not None:
            self._door.close()
            self._door = None

    async def _close(self) -> None:
        await asyncio.gather(*(self._leave(name) for name in list(self._mounts)))
        self._shut()
        await self._server.shutdown(SHUTDOWN_S)

    def _tell_once(self, why: str) -> None:
        if not self._is_told:
            log.error("acs.cannot_listen", reason=why)
        self._is_told = True


def _response(reply: Reply) -> web.Response:
    headers: CIMultiDict[str] = CIMultiDict(Server="boxoffice")
    for name, value in reply.headers.items():
        if isinstance(value, str):
            headers.add(name, value)
        else:
            headers.extend((name, one) for one in value)
    response = web.Response(status=reply.status, body=reply.body or None, headers=headers)
    if reply.headers.get("Connection") == "close":
        response.force_close()
    return response
