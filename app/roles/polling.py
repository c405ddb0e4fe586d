"""Payment providers are asked what happened: whatever message was lost is found so."""

from __future__ import annotations

from app.desk.asking import ask
from app.wiring import House
from billing.flows import polling
from runtime.telemetry import counter, get_log
from terms.errors import TargetError

log = get_log()

_found = counter(
    "boxoffice_provider_events_found",
    "Events of payment providers that no message had told of, found by asking",
    "provider",
)


class Polls:
    """Asks every provider; that one cannot be asked is said once, and once that it can again."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._down: set[str] = set()

    async def look(self) -> None:
        """Ask each provider for what happened behind the last event that was seen."""
        await self._house.refresh_providers()
        for name in list(self._house.providers):
            try:
                await self._ask(name)
            except TargetError as error:
                if name not in self._down:
                    log.warning("provider.poll_failed", provider=name, why=str(error))
                self._down.add(name)
                continue
            if name in self._down:
                log.info("provider.poll_works", provider=name)
                self._down.discard(name)

    async def _ask(self, name: str) -> None:
        house = self._house
        async with house.store.read() as tx:
            since = await polling.cursor(tx, name)
        for _ in range(polling.PAGES_MAX):
            provider = house.providers.get(name)
            if provider is None:
                return
            page = await ask(name, provider.events_after(since))
            async with house.store.begin() as tx:
                new, since = await polling.take(house.desk, tx, name, page, since)
            if new:
                _found.inc(name, by=new)
                log.info("provider.events_found", provider=name, count=new)
            if not since:
                return
