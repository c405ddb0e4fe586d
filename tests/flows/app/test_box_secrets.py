"""No secret of a box is seen in anything a whole run leaves behind, talkative as it may be."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from app.settings import Settings
from app.wiring import build, closing
from tests.flows.app.operation import Operation, operation, until
from tests.flows.app.operator import contract_of

pytestmark = pytest.mark.timeout(300)

KINDS = ("ssh", "snmp", "cwmp")
HOUSEHOLDS = dict(zip(KINDS, range(1, len(KINDS) + 1), strict=True))
NAMED = ("auth_key", "priv_key", "acs_password", "request_password", "community")
LINE_CHARS_MIN = 40  # shorter lines of a key are its frame
TROUBLE = {
    "ssh": "auth_refused",
    "snmp": "unauthorized",
    "cwmp": "wrong_password:count=2",
}
PAGES = ("work", "parked", "orders", "targets", "drift", "boxes", "strangers", "reviews")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Operation]:
    """An operator whose households have a box of each kind, logging all there is to log."""
    counts = dict.fromkeys(KINDS, len(KINDS))
    folder = tmp_path / "operation"
    with operation(folder, boxes=counts, BOXOFFICE_LOG_LEVEL="debug") as made:
        made.product.start()
        yield made


def test_secrets_are_sealed_and_never_told(running: Operation):
    """Bought, rotated, used, refused: no secret is in the database, its log, ours, or a page."""
    product = running.product
    for kind, number in HOUSEHOLDS.items():
        running.sign_up([number], kind)
        running.pay(number)
    for kind, number in HOUSEHOLDS.items():
        until(partial(is_on, running, number, kind), f"the box of {kind} is on")
    with trouble(running):
        for step in ("31d", "3d", "7d"):  # nobody pays: notices, and the dark
            product.ask("POST", "clock/advance", {"by": step})
            product.rest()
        until(lambda: all(not is_lit(running, n) for n in HOUSEHOLDS.values()), "portals are dark")
        until(lambda: bool(product.ask("GET", "parked")["items"]), "somebody is told")
    left = {**files(product.folder), "pages": pages(running)}
    serials = [running.serial(number, kind) for kind, number in HOUSEHOLDS.items()]
    assert product.stop() == 0
    left |= {f"{name} at rest": text for name, text in files(product.folder).items()}
    # What is looked through is the run: it speaks of every box.
    for serial in serials:
        assert serial.encode() in left["boxoffice.db at rest"]
        assert serial.encode() in left["pages"]
    assert b"message.delivered" in left["serve.log"]
    assert left["boxoffice.db-wal"]
    fresh = asyncio.run(rotated(product.folder, serials)) - bought(running)
    assert len(fresh) == 2, "the box that calls has a password of its own, and one for ringing"
    secrets = bought(running) | fresh
    for name, text in left.items():
        assert not [secret for secret in secrets if secret.encode() in text], name


@contextmanager
def trouble(running: Operation) -> Iterator[None]:
    """Have each box refuse us for a while, so that there is something to tell."""
    for kind, spec in TROUBLE.items():
        running.racks[kind].admin("/faults", {"spec": spec})
    running.racks["cwmp"].admin("/tamper", {"op": "crash", "serial": running.serial(3, "cwmp")})
    yield
    for kind in TROUBLE:
        running.racks[kind].admin("/faults", {"clear": True})


def is_on(running: Operation, number: int, kind: str) -> bool:
    """Tell whether the box of a household is on."""
    return bool(running.box(number, kind)["active"])


def is_lit(running: Operation, number: int) -> bool:
    """Tell whether the portal lets a household watch."""
    return bool(running.at_portal(number)["status"] == 1)


def files(folder: Path) -> dict[str, bytes]:
    """Read everything a run leaves in its folder but the keys, which are what it is for."""
    kept = {"master.key", "api-token"}
    found = (path for path in folder.rglob("*") if path.is_file() and path.name not in kept)
    return {path.name: path.read_bytes() for path in found}


def pages(running: Operation) -> bytes:
    """Ask for everything that people may ask for."""
    accounts = [f"accounts/{contract_of(number)}" for number in HOUSEHOLDS.values()]
    boxes = [f"boxes/{running.serial(number, kind)}" for kind, number in HOUSEHOLDS.items()]
    told = [running.product.ask("GET", path) for path in (*PAGES, *accounts, *boxes)]
    return json.dumps(told).encode()


def bought(running: Operation) -> set[str]:
    """List the secrets of the purchase lists, and the operator's private key line by line."""
    papers = [paper for rack in running.racks.values() for paper in rack.told["boxes"]]
    found = {paper[name] for paper in papers for name in NAMED if paper.get(name)}
    lines = running.racks["ssh"].told["user_key"].splitlines()
    return found | {line for line in lines if len(line) >= LINE_CHARS_MIN}


async def rotated(folder: Path, serials: list[str]) -> set[str]:
    """Open what is sealed by now, with the key of the house: boxes that call have new secrets."""
    found: set[str] = set()
    async with closing(build(Settings(data_dir=folder))) as house:
        for serial in serials:
            access = await house.logins.access(serial)
            found |= {text for name, text in access.secrets.items() if "username" not in name}
    return found
