"""An operator whose households have a box each beside their portal: the product in this process.

Everything is what `serve` would run, the listener of boxes too; boxes are racks of simulated ones.
"""

import asyncio
import csv
import io
import json
import socket
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import and_, exists, func, select

from app.desk import registration, signup
from app.desk.boxes import By
from app.desk.registration import Registration
from app.desk.signup import Household
from app.imports.load import import_paths
from app.roles.crew import Crew, Role, duties
from app.web.acs import Acs
from app.wiring import House, build, closing
from gateway.inventory import store as inventory
from gateway.provisioning.tables import observed, service_order, wish
from gateway.reads import queue
from runtime.work import work as work_table
from terms.ids import ResourceId
from tests.fixtures.clock import HastyMachine
from tests.flows.app.operator import FILES, contract_of, secrets, write_operator
from tests.flows.app.shop import ACTOR, START, Shop, card_of, settings_for
from tests.simulators.process import RunningSimulator, start_simulator

HOST = "127.0.0.1"
# The model on our shelf says through which target a box is driven.
MODELS = {"ssh": "RB-1 shell", "snmp": "RB-1 agent", "cwmp": "RB-1"}
PACKAGES = {"base": "basic", "all": "premium", "sport": "sport", "kids": "kids"}
TARGETS = {
    "ssh": """
        [targets.ssh]
        kind = "ssh"
        models = ["RB-1 shell"]
        private_key = "${SSH_KEY}"
        connect_deadline_s = 3.0
        login_deadline_s = 3.0
        exec_deadline_s = 1.5
        """,
    "snmp": """
        [targets.snmp]
        kind = "snmp"
        models = ["RB-1 agent"]
        deadline_s = 1.0
        retries = 1
        """,
    "cwmp": """
        [targets.cwmp]
        kind = "cwmp"
        models = ["RB-1"]
        """,
}
# As much of it as `boxes.csv` may say; a simulator tells of a box in the same words or in these.
PAPERS = {
    "username": ("user", "acs_username"),
    "password": ("acs_password",),
    "auth_key": ("auth_key",),
    "priv_key": ("priv_key",),
    "connection_username": ("request_username",),
    "connection_password": ("request_password",),
}
WITHIN_S = 100.0  # on a machine with better things to do
LOOK_EVERY_S = 0.1
HAD_TO_WAIT = timedelta(seconds=61)  # nobody waits longer for a box that gave no answer


def free_port() -> int:
    """Find a port that nobody has now."""
    with socket.socket() as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])


def start_rack(kind: str, folder: Path, count: int, acs_port: int) -> RunningSimulator:
    """Start so many boxes of a kind, quick to boot and quick to call again."""
    state: dict[str, Any] = {"count": count, "seed": kind, "boot_s": 0.05}
    if kind == "cwmp":
        state |= {"acs": f"http://{HOST}:{acs_port}/cwmp", "request_gap_s": 0.01}
        state |= {"retry_m_s": 0.2, "retry_k": 1.2}
    path = folder / f"{kind}.json"
    path.write_text(json.dumps(state), encoding="utf-8")
    return start_simulator(kind, "--state", path)


def write_district(folder: Path, racks: Mapping[str, RunningSimulator]) -> Path:
    """Write the operator's folder: targets, routes and purchase lists of the boxes, too."""
    if not racks:
        return write_operator(folder)
    folder.mkdir()
    models = ";".join(["M1", *MODELS.values()])
    files = {name: _lines(text) for name, text in FILES.items()}
    files["operator.toml"] += _lines("\n".join(TARGETS[kind] for kind in racks))
    files["offerings.csv"] = files["offerings.csv"].replace(",M1\n", f",{models}\n")
    files["prices.csv"] = _lines("""
        offering,effective_from,currency,amount,deposit,lost_fee
        BASIC,2020-01-01,EUR,10.00,,
        GOLD,2020-01-01,EUR,20.00,,
        SPORT,2020-01-01,EUR,5.00,,
        KIDS,2020-01-01,EUR,3.00,,
        PASS,2020-01-01,EUR,4.00,,
        VISIT,2020-01-01,EUR,30.00,,
        BOX,2020-01-01,EUR,2.00,30.00,60.00
        """)
    for kind in racks:
        for ours, theirs in PACKAGES.items():
            files["routes.csv"] += f"{ours},{kind},package,{theirs}\n"
    files["models.csv"] = "model,maker,serial_check,serial_prefix,protocol\n"
    files["models.csv"] += "".join(f"{MODELS[kind]},Reference,luhn,RB,{kind}\n" for kind in racks)
    files["boxes.csv"] = purchase_list(racks)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def district_secrets(
    portal_url: str, provider_url: str, racks: Mapping[str, RunningSimulator]
) -> dict[str, str]:
    """Return what the files read from the environment of the import."""
    key = racks["ssh"].told["user_key"] if "ssh" in racks else ""
    return {**secrets(portal_url, provider_url), "SSH_KEY": key}


def purchase_list(racks: Mapping[str, RunningSimulator]) -> str:
    """Write boxes.csv of all boxes, with how each is reached."""
    columns = ("serial", "mac", "model", "contract", "handed_over_on", "address", "host_key")
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, [*columns, *PAPERS], restval="", lineterminator="\n")
    writer.writeheader()
    for kind, rack in racks.items():
        for paper in rack.told["boxes"]:
            known = {"serial": paper["serial"], "mac": paper["mac"], "model": MODELS[kind]}
            if kind != "cwmp":  # which tells itself where it is rung
                known |= {"address": paper["address"], "host_key": paper.get("host_key", "")}
            for name, theirs in PAPERS.items():
                known[name] = next((paper[one] for one in theirs if one in paper), "")
            writer.writerow(known)
    return sheet.getvalue()


def _lines(text: str) -> str:
    return "".join(f"{line.strip()}\n" for line in text.strip().splitlines())


async def until(holds: Callable[[], Awaitable[Any]], what: str) -> None:
    """Wait until something is so."""
    try:
        async with asyncio.timeout(WITHIN_S):
            while not await holds():  # noqa: ASYNC110 - other processes tell no events
                await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError:
        raise AssertionError(f"in vain: {what}") from None


class District(Shop):
    """A shop whose households have boxes. `hurry` puts the machine's time forward."""

    def __init__(
        self,
        house: House,
        portal: RunningSimulator,
        provider: RunningSimulator,
        racks: Mapping[str, RunningSimulator],
        machine: HastyMachine,
    ) -> None:
        super().__init__(house, portal, provider)
        self.racks = racks
        self.machine = machine
        self.serials = {
            kind: [one["serial"] for one in rack.told["boxes"]] for kind, rack in racks.items()
        }
        self.boxes: dict[int, tuple[str, ...]] = {}

    async def begin(self, folder: Path) -> None:
        """Import the operator with the purchase lists; business time is then START."""
        environment = district_secrets(self.portal.url, self.provider.url, self.racks)
        outcome = await import_paths(self.house, [write_district(folder, self.racks)], environment)
        assert outcome.taken, outcome.problems
        await self.house.refresh_providers()
        async with self.house.store.read() as tx:
            business_now = await self.house.clock.business_now(tx)
        await self.advance(START - business_now)

    async def move_in(self, boxes: Mapping[int, Sequence[str]]) -> None:
        """Sign households up, each with a good card, and register boxes for them."""
        self.boxes |= {number: tuple(serials) for number, serials in boxes.items()}
        async with self.house.store.begin() as tx:
            for number, serials in boxes.items():
                household = Household(
                    contract=contract_of(number),
                    name=f"Household {number}",
                    plan="BASIC",
                    addons=("SPORT",),
                    bill_day=10,
                    payment=card_of(number),
                )
                await signup.sign_up(self.house, tx, household, ACTOR)
                for serial in serials:
                    wanted = Registration(serial=serial, contract=contract_of(number))
                    await registration.register(self.house, tx, wanted, by=By(actor=ACTOR))

    def rack_of(self, serial: str) -> RunningSimulator:
        """Find the rack a box stands in."""
        return next(rack for kind, rack in self.racks.items() if serial in self.serials[kind])

    async def box(self, serial: str) -> Mapping[str, Any]:
        """Look at a box itself."""
        (found,) = (await self.rack_of(serial).aadmin(f"/state?serial={serial}"))["boxes"]
        return dict(found)

    async def tamper(self, serial: str, op: str, **more: Any) -> None:
        """Do something to a box by hand."""
        await self.rack_of(serial).aadmin("/tamper", {"op": op, "serial": serial, **more})

    async def mark(self, serial: str) -> int:
        """Return the number of the newest journal entry where a box stands."""
        return int((await self.rack_of(serial).aadmin("/journal?limit=1"))["last"])

    async def done_to(self, serial: str, after: int = 0) -> list[Mapping[str, Any]]:
        """List what the product changed of a box, in order."""
        query = f"/journal?after={after}&subject={serial}&changed=1&limit=100000"
        entries = (await self.rack_of(serial).aadmin(query))["entries"]
        return [
            one
            for one in entries
            if one["face"] == "api" or one["call"] in {"SetParameterValues", "Reboot"}
        ]

    async def pictures(self) -> dict[str, bool]:
        """Tell of every box of a household whether its picture is on."""
        held = {serial for serials in self.boxes.values() for serial in serials}
        return {
            box["serial"]: box["active"]
            for rack in self.racks.values()
            for box in (await rack.aadmin("/state"))["boxes"]
            if box["serial"] in held
        }

    async def packages(self) -> set[tuple[str, ...]]:
        """Tell which sets of packages the boxes of households have."""
        held = {serial for serials in self.boxes.values() for serial in serials}
        return {
            tuple(box["packages"])
            for rack in self.racks.values()
            for box in (await rack.aadmin("/state"))["boxes"]
            if box["serial"] in held
        }

    async def portals(self) -> dict[int, bool]:
        """Tell of every household whether its portal lets it watch."""
        rows = (await self.portal.aadmin("/state"))["accounts"]
        status = {row["account_number"]: bool(row["status"]) for row in rows}
        return {number: status.get(contract_of(number), False) for number in self.boxes}

    async def unproven(self) -> list[str]:
        """List the keys at targets that were not seen to hold their wish."""
        there = and_(observed.c.subject == wish.c.subject, observed.c.target == wish.c.target)
        proven = func.coalesce(observed.c.revision, 0)
        query = select(wish.c.ref).select_from(wish.outerjoin(observed, there))
        async with self.house.store.read() as tx:
            return [row.ref for row in await tx.rows(query.where(proven != wish.c.revision))]

    async def is_proven(self) -> bool:
        """Tell whether everything was seen to hold its wish."""
        return not await self.unproven()

    async def untried(self) -> list[str]:
        """List the boxes that nobody has tried to bring to their newest wish."""
        w, row, order = wish.c, work_table.c, service_order.c
        key = and_(row.kind == "reconcile", row.key == w.subject + "@" + w.target)
        noted = exists().where(
            order.service == w.service, order.target == w.target, order.revision == w.revision
        )
        query = select(w.ref, row.error, noted.label("is_noted"))
        query = query.select_from(wish.outerjoin(work_table, key)).where(w.subject != w.service)
        unproven = set(await self.unproven())
        async with self.house.store.read() as tx:
            rows = [row for row in await tx.rows(query) if row.ref in unproven]
        return [row.ref for row in rows if not (row.error or row.is_noted)]

    async def parked(self) -> dict[str, str]:
        """Tell why rows of boxes were set aside, by serial."""
        async with self.house.store.read() as tx:
            found = [one for one in await queue.parked(tx, rows_max=200) if one.releasable]
            keys = {one.key: ResourceId(one.key.partition("@")[0]) for one in found}
            boxes = await inventory.by_id(tx, keys.values())
        return {boxes[keys[one.key]].serial: one.reason for one in found}

    async def release(self, serials: Iterable[str]) -> None:
        """Have a person let what was set aside be tried again."""
        async with self.house.store.begin() as tx:
            boxes = await inventory.by_serial(tx, list(serials))
            keys = [
                f"{box.id}@{kind}"
                for serial, box in boxes.items()
                for kind in self.racks
                if serial in self.serials[kind]
            ]
            await self.house.work.release(tx, "reconcile", keys)

    async def hurry(self, by: timedelta = HAD_TO_WAIT) -> None:
        """Let so much of the machine's time go by while nothing is in hand."""
        await self.come_to_rest()
        self.machine.forward(by)
        self.house.store.bell.ring_all()


@contextmanager
def open_racks(
    folder: Path, counts: Mapping[str, int], port: int
) -> Iterator[dict[str, RunningSimulator]]:
    """Start the boxes of every kind."""
    with ExitStack() as stack:
        yield {
            kind: stack.enter_context(start_rack(kind, folder, count, port))
            for kind, count in counts.items()
        }


@asynccontextmanager
async def district(
    folder: Path,
    database_url: str,
    portal: RunningSimulator,
    provider: RunningSimulator,
    counts: Mapping[str, int],
) -> AsyncIterator[District]:
    """Open an operator with so many boxes of each kind on the shelf; nobody works yet."""
    machine, port = HastyMachine(), free_port()
    with open_racks(folder, counts, port) as racks:
        settings = settings_for(folder, database_url).model_copy(update={"acs_port": port})
        async with closing(build(settings, machine_now=machine)) as house:
            made = District(house, portal, provider, racks, machine)
            await made.begin(folder / "operator")
            yield made


@asynccontextmanager
async def open_to_boxes(house: House) -> AsyncIterator[None]:
    """Have a house do everything, and answer boxes that call, until the block is left."""
    acs = Acs(house.settings, house.targets, house.work)
    await acs.open()
    crew = Crew({**duties(house, Role.ALL), "acs": acs.run})
    crew.start()
    try:
        yield
    finally:
        await crew.rest()
