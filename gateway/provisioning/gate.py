"""The guard as a running reconcile meets it: many rows ask at once, one transaction answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from gateway.provisioning import guard
from gateway.provisioning.guard import StoppedByGuard, Verdict
from gateway.provisioning.targets import Target
from runtime.clock import Clock
from runtime.store import Store
from runtime.telemetry import get_log

_log = get_log()
_REASONS = {
    Verdict.STOPPED: "guard: too many accounts would go dark at once; approve or reject",
    Verdict.REJECTED: "guard: rejected by the operator; stays on until something newer is wished",
}

_Asking: TypeAlias = dict[str, tuple[int, asyncio.Future[Verdict]]]


class Gate:
    """Asks the guard of one target on behalf of its rows."""

    def __init__(self, store: Store, clock: Clock, target: Callable[[], Target]) -> None:
        self.store = store
        self.clock = clock
        self.target = target
        self._asking: _Asking = {}
        self._answering: asyncio.Task[None] | None = None
        self._is_stopped = False

    async def ask(self, service: str, revision: int) -> None:
        """Return if the account may be switched off. Raises StoppedByGuard if not."""
        future: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._asking[service] = (revision, future)
        if self._answering is None or self._answering.done():
            self._answering = asyncio.create_task(self._answer())
        verdict = await future
        reason = _REASONS.get(verdict)
        if reason is not None:
            raise StoppedByGuard(reason)

    async def _answer(self) -> None:
        while self._asking:
            asking, self._asking = self._asking, {}
            try:
                await self._decide(asking)
            except Exception as error:  # noqa: BLE001 - each row learns of it
                _refuse(asking, error)

    async def _decide(self, asking: _Asking) -> None:
        revisions = {service: revision for service, (revision, _) in asking.items()}
        target = self.target()
        now = self.clock.machine_now()
        async with self.store.begin() as tx:
            verdicts = await guard.decide(tx, target, revisions, now=now)
        stopped = Verdict.STOPPED in verdicts.values()
        if stopped and not self._is_stopped:
            _log.error("guard.stopped", target=target.name, asking=len(asking))
        self._is_stopped = stopped
        for service, (_, future) in asking.items():
            if not future.done():
                future.set_result(verdicts[service])


def _refuse(asking: _Asking, error: Exception) -> None:
    for _, future in asking.values():
        if not future.done():
            future.set_exception(error)
