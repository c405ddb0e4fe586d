"""How fast boxes are brought up to date over SSH and SNMP, and how soon a payment is proven on one.

A change is look, picture, revision, look: over SSH one sign-in with four commands, over SNMP four
calls. The limit is a bare loop of the same library, as its documentation shows it, that makes the
same ones at boxes of the same rack with as many in flight. Both sides take turns in rounds.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
from pysnmp.hlapi.v3arch.asyncio import (
    USM_AUTH_HMAC192_SHA256,
    USM_KEY_TYPE_LOCALIZED,
    USM_PRIV_CFB128_AES,
    ContextData,
    ObjectIdentity,
    ObjectType,
    SnmpEngine,
    UdpTransportTarget,
    UsmUserData,
    get_cmd,
    set_cmd,
)
from pysnmp.proto.rfc1902 import Integer32, OctetString

from app.imports.load import import_paths
from app.roles.crew import Crew, Role, duties
from app.settings import Settings
from app.shape import bring_up, open_house
from app.wiring import House
from bench.report import Result, against, at_most
from bench.simulator import Simulator, running
from terms.entitlement import Entitlement, Grant, ServiceState
from terms.ids import ServiceId

KINDS = ("ssh", "snmp")
BOXES = 120
ROUNDS = 5
IN_FLIGHT = 32
TARGETS = {"ssh": 0.80, "snmp": 0.75}
A_SECOND = 12.0
PROVEN_S = 1.0
WITHIN_S = 120.0
LOOK_EVERY_S = 0.02
ROOT = "1.3.6.1.4.1.32473.1"
STATE = ("1.1.0", "2.1.0", "2.2.0", "2.3.0")

FILES = {
    "operator.toml": """
[operator]
name = "Bench TV"
currency = "EUR"
zone = "Europe/Vienna"
locale = "en"
country = "AT"

[targets.ssh]
kind = "ssh"
models = ["RB-ssh"]
private_key = "${BOX_KEY}"

[targets.snmp]
kind = "snmp"
models = ["RB-snmp"]

[guard]
share_percent = 100
floor = 100000
""",
    "taxes.csv": "tax,effective_from,rate\nvat,2020-01-01,20%\n",
    "offerings.csv": "code,kind,name,grants,tax\nBASIC,plan,Basic,base,vat\n",
    "prices.csv": "offering,effective_from,currency,amount\nBASIC,2020-01-01,EUR,10.00\n",
    "routes.csv": "code,target,role,target_code\nbase,ssh,package,basic\nbase,snmp,package,basic\n",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How a box of the rack is reached."""

    address: str
    host_key: str
    secrets: Mapping[str, str] = field(repr=False)
    may_pin: bool = False


class Papers:
    """What the racks tell of their boxes, in the place of an inventory that seals it."""

    def __init__(self, told: Iterable[Mapping[str, Any]]) -> None:
        self._known = {one["serial"]: _access(one) for one in told}

    async def access(self, ref: str) -> Access:
        """Tell how to reach a box."""
        return self._known[ref]


Change = Callable[[Mapping[str, Any], str, str], Awaitable[None]]


async def run() -> list[Result]:
    """Measure both kinds on one embedded database."""
    async with AsyncExitStack() as stack:
        racks = {
            kind: await stack.enter_async_context(
                running(kind, {"count": 2 * BOXES, "seed": f"bench {kind}"})
            )
            for kind in KINDS
        }
        bench = Bench(await stack.enter_async_context(product(racks)), racks)
        await bench.begin()
        try:
            rates = [await bench.rate(kind) for kind in KINDS]
            return rates + [await bench.proven(kind) for kind in KINDS]
        finally:
            await bench.end()


class Bench:
    """The product at work beside two racks, and bare clients as the limit."""

    def __init__(self, house: House, racks: Mapping[str, Simulator]) -> None:
        self.house = house
        self.racks = racks
        self.ours = {kind: rack.told["boxes"][:BOXES] for kind, rack in racks.items()}
        self.bare = {kind: rack.told["boxes"][BOXES:] for kind, rack in racks.items()}
        self.revision = 1
        self.is_lit = dict.fromkeys(KINDS, False)
        self.crew = Crew(duties(house, Role.WORKER))

    async def begin(self) -> None:
        """Have the product know its boxes, and every box hold its packages."""
        async with self.house.store.begin() as tx:
            for kind, boxes in self.ours.items():
                await tx.driver(
                    "INSERT INTO resource (id, serial, model, state, service, moves, changed_at, "
                    "changed_by) VALUES (?, ?, ?, 'assigned', ?, 1, 0, 'bench')",
                    [(one["serial"], one["serial"], f"RB-{kind}", service(one)) for one in boxes],
                )
        self.crew.start()
        for kind in KINDS:
            await self.switch_ours(kind)

    async def end(self) -> None:
        """Let everything rest."""
        await self.crew.rest()

    # -- what is measured

    async def rate(self, kind: str) -> Result:
        """Compare boxes per second, ours and the bare loop's."""
        ours, bare = [], []
        async with BARE[kind](self.racks[kind]) as change:
            for _ in range(ROUNDS + 1):
                ours.append(await self.switch_ours(kind))
                bare.append(await self.switch_bare(kind, change))
        # The first round warms up; of the others the one in the middle counts.
        rates = [BOXES / statistics.median(took[1:]) for took in (ours, bare)]
        return against(kind, *rates, unit="boxes/s", target=TARGETS[kind])

    async def proven(self, kind: str) -> Result:
        """Measure from the mark of a wish to its proof at the box, at random moments."""
        dice = random.Random(5)  # noqa: S311 - moments of payments protect nothing
        boxes, marked = self.ours[kind], {}
        self.is_lit[kind] = not self.is_lit[kind]
        for one in boxes:
            await asyncio.sleep(dice.expovariate(A_SECOND))
            await self.publish(kind, [one])
            marked[one["serial"]] = time.time()
            await self.mark([one])
        await self.done()
        async with self.house.store.read() as tx:
            rows = await tx.fetch(f"SELECT subject, seen_at FROM observed WHERE target = '{kind}'")  # noqa: S608 - a kind of the list above
        seconds = [seen_at / 1_000_000 - marked[subject] for subject, seen_at in rows]
        if len(seconds) < BOXES or min(seconds) < 0:
            raise RuntimeError("a box was not seen after its wish changed")
        p95 = statistics.quantiles(seconds, n=100, method="inclusive")[94]
        return at_most(f"proven_{kind}_p95", p95, unit="s", target=PROVEN_S)

    # -- the product's side

    async def switch_ours(self, kind: str) -> float:
        """Switch every box of ours over; returns the seconds it took."""
        self.is_lit[kind] = not self.is_lit[kind]
        await self.publish(kind, self.ours[kind])
        begun = time.perf_counter()
        await self.mark(self.ours[kind])
        await self.done()
        return time.perf_counter() - begun

    async def publish(self, kind: str, boxes: Sequence[Mapping[str, Any]]) -> None:
        """Write newer rights, as settling would."""
        self.revision += 1
        state = ServiceState.ACTIVE if self.is_lit[kind] else ServiceState.SUSPENDED
        rows = [
            (service(one), self.revision, _rights(one, state, self.revision).encode())
            for one in boxes
        ]
        async with self.house.store.begin() as tx:
            await tx.driver(
                "INSERT OR REPLACE INTO snapshot (topic, key, revision, value) "
                "VALUES ('entitlement', ?, ?, ?)",
                rows,
            )

    async def mark(self, boxes: Sequence[Mapping[str, Any]]) -> None:
        """Have the services composed."""
        async with self.house.store.begin() as tx:
            await self.house.work.mark(tx, "compose", [service(one) for one in boxes])

    async def done(self) -> None:
        """Wait until no row is left; a parked one is a failure of the benchmark."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                await asyncio.sleep(LOOK_EVERY_S)
                async with self.house.store.read() as tx:
                    rows = await tx.fetch(
                        "SELECT count(*), max(error) FILTER (WHERE parked_at IS NOT NULL) FROM work"
                    )
                left, error = rows[0]
                if error:
                    raise RuntimeError(f"a box was not brought up to date: {error}")
                if not left:
                    return

    # -- the bare clients' side

    async def switch_bare(self, kind: str, change: Change) -> float:
        """Switch as many other boxes over; returns the seconds it took."""
        boxes, active = iter(self.bare[kind]), str(int(self.is_lit[kind]))
        revision = f"r-{self.revision:04d}"
        begun = time.perf_counter()

        async def some() -> None:
            for box in boxes:
                await change(box, active, revision)

        await asyncio.gather(*(some() for _ in range(IN_FLIGHT)))
        return time.perf_counter() - begun


@asynccontextmanager
async def bare_ssh(rack: Simulator) -> AsyncIterator[Change]:
    """Sign in, say four lines, sign out."""
    key = asyncssh.import_private_key(rack.told["user_key"])

    async def change(box: Mapping[str, Any], active: str, revision: str) -> None:
        host, _, port = box["address"].partition(":")
        trusted = asyncssh.import_known_hosts(f"[{host}]:{port} {box['host_key']}")
        async with asyncssh.connect(
            host,
            int(port),
            username=box["user"],
            client_keys=[key],
            known_hosts=trusted,
            # What ours asks for: defaults (compression, other ways to sign in) would flatter it.
            server_host_key_algs=["ssh-ed25519"],
            preferred_auth=["publickey"],
            compression_algs=None,
            gss_host=None,
            agent_path=None,
            config=None,
        ) as connection:
            await connection.run("get state", check=True)
            await connection.run(f"set active {active}", check=True)
            await connection.run(f"set revision {revision}", check=True)
            await connection.run("get state", check=True)

    yield change


@asynccontextmanager
async def bare_snmp(rack: Simulator) -> AsyncIterator[Change]:
    """Make four calls through one engine; where each box is and as whom it is asked is kept."""
    engine, context = SnmpEngine(), ContextData()
    known = {one["serial"]: await _manager(one) for one in rack.told["boxes"]}
    state = [ObjectType(ObjectIdentity(f"{ROOT}.{place}")) for place in STATE]

    async def change(box: Mapping[str, Any], active: str, revision: str) -> None:
        who, where = known[box["serial"]]
        writes = [
            [ObjectType(ObjectIdentity(f"{ROOT}.2.1.0"), Integer32(int(active)))],
            [ObjectType(ObjectIdentity(f"{ROOT}.2.3.0"), OctetString(revision))],
        ]
        for call, variables in (
            (get_cmd, state),
            *((set_cmd, variables) for variables in writes),
            (get_cmd, state),
        ):
            found = await call(engine, who, where, context, *variables, lookupMib=False)
            if found[0] or found[1]:
                raise RuntimeError(f"a box refused the bare client: {found[:3]}")

    yield change
    engine.close_dispatcher()


BARE = {"ssh": bare_ssh, "snmp": bare_snmp}


async def _manager(box: Mapping[str, Any]) -> tuple[Any, Any]:
    host, _, port = box["address"].partition(":")
    who = UsmUserData(
        box["user"],
        bytes.fromhex(box["auth_key"]),
        bytes.fromhex(box["priv_key"]),
        authProtocol=USM_AUTH_HMAC192_SHA256,
        privProtocol=USM_PRIV_CFB128_AES,
        securityEngineId=OctetString(hexValue=box["engine_id"]),
        authKeyType=USM_KEY_TYPE_LOCALIZED,
        privKeyType=USM_KEY_TYPE_LOCALIZED,
    )
    return who, await UdpTransportTarget.create((host, int(port)), timeout=10, retries=3)


@asynccontextmanager
async def product(racks: Mapping[str, Simulator]) -> AsyncIterator[House]:
    """Open the product on an embedded database, with a target for each rack."""
    with tempfile.TemporaryDirectory(prefix="boxoffice-bench-") as name:
        folder = Path(name)
        for file, text in FILES.items():
            (folder / file).write_text(text)
        settings = Settings(data_dir=folder / "data", log_level="error")
        await bring_up(settings)
        papers: Any = Papers(one for rack in racks.values() for one in rack.told["boxes"])
        async with open_house(settings, boxes_at=lambda _: papers) as house:
            outcome = await import_paths(
                house, [folder], {"BOX_KEY": racks["ssh"].told["user_key"]}
            )
            if not outcome.taken:
                raise RuntimeError(f"the operator was not taken: {outcome.problems}")
            yield house


def service(box: Mapping[str, Any]) -> ServiceId:
    """Name the household of a box."""
    return ServiceId(f"s{box['serial']}")


def _access(paper: Mapping[str, Any]) -> Access:
    names = {"username": "user", "auth_key": "auth_key", "priv_key": "priv_key"}
    return Access(
        address=paper["address"],
        host_key=paper.get("host_key", ""),
        secrets={ours: paper[theirs] for ours, theirs in names.items() if theirs in paper},
    )


def _rights(box: Mapping[str, Any], state: ServiceState, revision: int) -> Entitlement:
    return Entitlement(
        service=service(box), revision=revision, state=state, grants=(Grant(code="base"),)
    )
