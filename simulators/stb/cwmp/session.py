"""One session: the Inform, what the ACS asks, the end; and the ways in which it can go wrong.

A box tells its events until an ACS has ended a session well; a session that broke is told again,
with a RetryCount (TR-069 section 3.2.1.1). A connection that is lost inside a session is opened
anew and the session goes on by its cookies.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from simulators.stb.cwmp import rpc, soap
from simulators.stb.cwmp.cpe import Around, Cpe, News
from simulators.stb.cwmp.tree import FORCED, MANUFACTURER
from simulators.stb.cwmp.wire import Account, Broken, Lost, Shed, Wire

EXCHANGES_MAX = 500
RESUMES_MAX = 3


@dataclass(slots=True, kw_only=True)
class Told:
    """What became of a session."""

    news: News
    retries: int
    calls: list[str] = field(default_factory=list)
    broken: str = "it was cut off"
    retry_after_s: float | None = None

    def shown(self) -> dict[str, Any]:
        """Show it as plain values, for the journal."""
        return {
            "events": [" ".join(event).strip() for event in self.news.events],
            "retries": self.retries,
            "calls": self.calls,
            "broken": self.broken,
        }


class Session:
    """One session of one box."""

    def __init__(self, cpe: Cpe, around: Around, chance: Random) -> None:
        self._cpe = cpe
        self._around = around
        self._chance = chance
        self._posts = 0
        self._is_informed = False
        self.told = Told(news=cpe.take(), retries=cpe.retries)

    async def hold(self) -> None:
        """Hold the session from its first byte to its end; `told` says why it broke, if it did."""
        credentials = self._cpe.box.credentials
        password = credentials.acs_password
        if self._strike("wrong_password") is not None:
            password += "-wrong"
        account = Account(
            url=credentials.acs_url, username=credentials.acs_username, password=password
        )
        async with Wire(account, self._chance, answer_s=self._around.pace.answer_s) as wire:
            self.told.broken = await self._ended(wire)

    async def _ended(self, wire: Wire) -> str:
        try:
            await self._inform(wire)
            await self._serve(wire)
        except Shed as shed:
            self.told.retry_after_s = shed.retry_after_s
            return "503"
        except (Broken, soap.Unreadable) as error:
            return str(error)
        except rpc.Crashed:
            return "the box restarted"
        return ""

    async def _inform(self, wire: Wire) -> None:
        number = f"{self._chance.getrandbits(32):08x}"
        body = self._written(number, self._inform_body(), "Inform")
        drip = self._strike("slow_loris")
        if drip is not None:
            await wire.drip(body, drip.seconds)
        if self._strike("torn_gzip") is not None:
            answer = await wire.post_torn_gzip(body)
            raise Broken(f"torn gzip, status {answer.status}")
        message = soap.read(await self._post(wire, body))
        if message.method != "InformResponse":
            raise Broken(f"the Inform was answered with {message.method or 'nothing'}")
        if message.id != number:
            raise Broken(f"the InformResponse has the id {message.id!r}")
        if message.text("MaxEnvelopes").strip() != "1":
            raise Broken("the InformResponse has no MaxEnvelopes of 1")
        self._is_informed = True

    async def _serve(self, wire: Wire) -> None:
        """Say that there is nothing more to tell, then do what the ACS asks until it is done."""
        hold = self._strike("half_open")
        if hold is not None:
            await asyncio.sleep(hold.seconds)
            raise Broken("it said nothing more")
        body = b""
        for _ in range(EXCHANGES_MAX):
            message = soap.read(await self._resumed(wire, body))
            if message.is_session_end:
                return
            if message.method == "Fault":
                raise Broken(f"the ACS answered with fault {soap.fault_code(message)}")
            self.told.calls.append(message.method)
            done = rpc.answer(self._cpe, self._around, message)
            body = self._written(message.id, done, f"{message.method}Response")
        raise Broken(f"more than {EXCHANGES_MAX} calls")

    async def _resumed(self, wire: Wire, body: bytes) -> bytes:
        """Post inside the session; where the connection is lost, on another one."""
        lost = self._strike("lost_link")
        if lost is not None:
            if lost.argument == "answer":
                await self._post(wire, body)
            await wire.hang_up()
        for _ in range(RESUMES_MAX):
            try:
                return await self._post(wire, body)
            except Lost:
                continue
        return await self._post(wire, body)

    async def _post(self, wire: Wire, body: bytes) -> bytes:
        self._posts += 1
        if self._is_link_down():
            await wire.hang_up()
            raise Lost("the link is down")
        if self._around.latency_s > 0:
            await asyncio.sleep(self._around.latency_s)
        slow = self._strike("slow")
        if slow is not None:
            await self._around.faults.delay(slow.seconds)
        is_replay = self._is_informed and self._strike("nonce_replay") is not None
        return await wire.post(body, is_replay=is_replay)

    def _inform_body(self) -> str:
        cpe = self._cpe
        told = [*FORCED, *sorted(self.told.news.changed.difference(FORCED))]
        return soap.inform(
            device=soap.device_id(
                manufacturer=MANUFACTURER,
                oui=cpe.box.oui,
                model=cpe.box.model,
                serial=cpe.serial,
            ),
            events=self.told.news.events,
            now=_stamp(cpe.now(), is_odd=self._around.is_on("odd_values", cpe.box.serial)),
            retries=self.told.retries,
            values=rpc.values(cpe, self._around, told),
        )

    def _written(self, number: str, body: str, what: str) -> bytes:
        text = soap.envelope(number, body)
        odd = self._strike("odd_xml", what)
        if odd is not None:
            text = soap.ODDITIES[odd.argument](text)
        return text.encode()

    def _strike(self, name: str, what: str = "") -> Any:
        return self._around.strike(name, f"{self._cpe.box.serial} {what}".rstrip())

    def _is_link_down(self) -> bool:
        flap = self._around.faults.mode("flap", self._cpe.box.serial)
        if flap is None:
            return False
        return self._cpe.box.monotonic() % (2 * flap.seconds) < flap.seconds


def _stamp(moment: datetime, *, is_odd: bool) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + ("" if is_odd else "Z")
