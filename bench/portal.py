"""A portal with accounts, and the product beside it: what the benchmarks of provisioning share."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from app.imports.load import import_paths
from app.settings import Settings
from app.shape import bring_up, open_house
from app.wiring import House
from bench.simulator import Simulator
from terms.entitlement import Entitlement, Grant, ServiceState
from terms.ids import ServiceId

LOGIN, PASSWORD = "bench", "bench-secret"
WITHIN_S = 240.0
LOOK_EVERY_S = 0.1

FILES = {
    "operator.toml": """
[operator]
name = "Bench TV"
currency = "EUR"
zone = "Europe/Vienna"
locale = "en"
country = "AT"

[targets.portal]
kind = "ministra"
base_url = "${PORTAL_URL}"
login = "bench"
password = "${PORTAL_PASSWORD}"
api_path = "/stalker_portal/api"
in_flight_max = ${IN_FLIGHT_MAX}

[guard]
share_percent = 100
floor = 100000
""",
    "taxes.csv": "tax,effective_from,rate\nvat,2020-01-01,20%\n",
    "offerings.csv": "code,kind,name,grants,tax\n"
    "BASIC,plan,Basic,base,vat\nGOLD,plan,Gold,gold,vat\nSPORT,addon,Sport,sport,vat\n",
    "prices.csv": "offering,effective_from,currency,amount\n"
    "BASIC,2020-01-01,EUR,10.00\nGOLD,2020-01-01,EUR,20.00\nSPORT,2020-01-01,EUR,5.00\n",
    "routes.csv": "code,target,role,target_code\n"
    "base,portal,tariff,basic\ngold,portal,tariff,gold\nsport,portal,package,sport\n",
}


@asynccontextmanager
async def product(
    portal: Simulator, in_flight_max: int, **settings: str
) -> AsyncIterator[tuple[House, Path]]:
    """Open the product with the portal imported as its target; embedded, if nothing else is said.

    Returns its data folder, too.
    """
    with tempfile.TemporaryDirectory(prefix="boxoffice-bench-") as name:
        folder = Path(name)
        for file, text in FILES.items():
            (folder / file).write_text(text.replace("${IN_FLIGHT_MAX}", str(in_flight_max)))
        told = {"data_dir": str(folder / "data"), "log_level": "error", **settings}
        found = Settings.model_validate(told)
        await bring_up(found)
        async with open_house(found) as house:
            environment = {"PORTAL_URL": portal.url, "PORTAL_PASSWORD": PASSWORD}
            outcome = await import_paths(house, [folder], environment)
            if not outcome.taken:
                raise RuntimeError(f"the operator was not taken: {outcome.problems}")
            yield house, folder / "data"


async def move_in(house: House, refs: Sequence[str]) -> None:
    """Have the product know accounts as the portal holds them, each with a box."""
    await _write(
        house,
        "INSERT INTO target_ref (target, service, ref) VALUES ('', $1, $2)",
        [(ref, ref) for ref in refs],
    )
    await _write(
        house,
        "INSERT INTO resource (id, serial, mac, model, state, service, moves, changed_at, "
        "changed_by) VALUES ($1, $2, $3, 'M1', 'assigned', $4, 1, 0, 'bench')",
        [(f"box{ref}", f"SN{ref}", mac(ref), ref) for ref in refs],
    )


async def publish(
    house: House, refs: Sequence[str], state: ServiceState, codes: Sequence[str], revision: int
) -> None:
    """Write newer rights, as settling would."""
    await _write(
        house,
        "INSERT INTO snapshot (topic, key, revision, value) VALUES ('entitlement', $1, $2, $3) "
        "ON CONFLICT (topic, key) DO UPDATE SET revision = excluded.revision, "
        "value = excluded.value",
        [(ref, revision, rights(ref, state, codes, revision).encode()) for ref in refs],
    )


async def brought(house: House) -> None:
    """Wait until no row is left; a parked one is a failure of the benchmark."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            async with house.store.read() as tx:
                ((left, parked),) = await tx.fetch("SELECT count(*), count(parked_at) FROM work")
            if parked:
                raise RuntimeError(f"{parked} rows were parked")
            if not left:
                return


async def _write(house: House, sql: str, rows: list[tuple[Any, ...]]) -> None:
    async with house.store.begin() as tx:
        await tx.driver(sql.replace("$", "?") if tx.engine == "sqlite" else sql, rows)


def rights(ref: str, state: ServiceState, codes: Sequence[str], revision: int) -> Entitlement:
    """Return what billing would publish for one service."""
    return Entitlement(
        service=ServiceId(ref),
        revision=revision,
        state=state,
        grants=tuple(Grant(code=code) for code in codes),
        label=f"Flat {ref}",
    )


def mac(ref: str) -> str:
    """Return the address of a household's box."""
    number = int(ref)
    return f"00:1A:79:{number >> 16 & 255:02X}:{number >> 8 & 255:02X}:{number & 255:02X}"


def portal_state(refs: Sequence[str]) -> dict[str, Any]:
    """Return a portal that holds these accounts as they are wished at the start."""
    packages = [_package(1, "base-tv"), _package(2, "sport")]
    first = [{"id": 1, "optional": False}, {"id": 2, "optional": True}]
    return {
        "api": {"basic_auth": [LOGIN, PASSWORD]},
        "config": {"enable_api": True, "enable_tariff_plans": True, "enable_subscription": True},
        "channels": [{"id": 1, "name": "One", "number": 1, "base": True}],
        "packages": packages,
        "tariffs": [
            {"id": 1, "external_id": "basic", "name": "Basic", "user_default": True}
            | {"packages": first},
            {"id": 2, "external_id": "gold", "name": "Gold", "user_default": False}
            | {"packages": first},
        ],
        "accounts": [_account(ref) for ref in refs],
    }


def _package(number: int, code: str) -> dict[str, Any]:
    return {"id": number, "external_id": code, "name": code, "type": "tv", "channels": [1]}


def _account(ref: str) -> dict[str, Any]:
    return {
        "login": ref,
        "account_number": ref,
        "full_name": f"Flat {ref}",
        "tariff_plan": "basic",
        "status": 1,
        "stb_mac": mac(ref),
        "subscribed": ["sport"],
    }
