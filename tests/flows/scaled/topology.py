"""Web, workers and scheduler as processes of their own, beside a portal; households pay cash.

What came of it is asked of the portal's journal, the API and the database.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg

from tests.flows.app.operator import contract_of, mac_of, secrets, write_operator, write_portal
from tests.flows.app.product import QUICK, Product, Refused
from tests.services.hurt import PostgresServer
from tests.simulators.process import RunningSimulator, start_simulator

NOWHERE = "http://127.0.0.1:9"
PAY_WITHIN_S = 120.0
AGAIN_S = 0.1
PAYERS = 4


class Scaled:
    """The processes by name: `web`, `scheduler`, `worker-1` and so on."""

    def __init__(
        self,
        stack: ExitStack,
        members: dict[str, Product],
        portal: RunningSimulator,
        database_url: str,
    ) -> None:
        self.members = members
        self.portal = portal
        self.database_url = database_url
        self.acknowledged: dict[int, float] = {}
        self._stack = stack

    @property
    def web(self) -> Product:
        """The process that is asked."""
        return self.members["web"]

    def add(self, name: str) -> None:
        """Have one more process, with the settings of the others; it does not run yet."""
        self.members[name] = self._stack.enter_context(self.web.another())

    def start(self, *names: str) -> None:
        """Start processes side by side."""
        with ThreadPoolExecutor(len(names)) as pool:
            starts = [
                pool.submit(self.members[name].start, "--role", name.partition("-")[0])
                for name in names
            ]
        for one in starts:
            one.result()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask until there is an answer: it may be away for a moment, and says so."""
        ends_at = time.monotonic() + PAY_WITHIN_S
        while True:
            try:
                return self.web.ask(method, path, body)
            except (OSError, Refused) as error:
                if isinstance(error, Refused) and error.status != 503:
                    raise
                if time.monotonic() > ends_at:
                    raise
                time.sleep(AGAIN_S)

    def sign_up(self, numbers: Iterable[int]) -> None:
        """Sign households up, with a box each; they are dark until they pay."""

        def one(number: int) -> None:
            order = {
                "contract": contract_of(number),
                "name": f"Household {number}",
                "plan": "BASIC",
                "addons": ["SPORT"],
                "box": {"serial": f"SN{number:06}", "mac": mac_of(number), "model": "M1"},
            }
            self.web.ask("POST", "accounts", order)

        _at_once(one, numbers)
        self.web.rest()

    def pay(self, number: int) -> None:
        """Pay what a household owes, until it is acknowledged; said twice it counts once."""
        contract = contract_of(number)
        owed = self.ask("GET", f"accounts/{contract}")["owed"]
        order = {"amount": owed["text"], "reference": f"R-{number}"}
        self.ask("POST", f"accounts/{contract}/payments", order)
        self.acknowledged[number] = time.monotonic()

    def pay_all(self, numbers: Iterable[int]) -> None:
        """Let several tills take the payments."""
        _at_once(self.pay, numbers)

    def view_state(self, number: int) -> str:
        """Tell the state of a household, as the API shows it."""
        return str(self.ask("GET", f"accounts/{contract_of(number)}")["state"])

    def claimed(self) -> list[tuple[Any, ...]]:
        """List the rows that somebody has in hand."""
        return self.fetch(
            "SELECT kind, key FROM work WHERE token <> 0 "
            "AND lease_until > EXTRACT(EPOCH FROM clock_timestamp()) * 1000000"
        )

    def leader(self) -> int | None:
        """Tell who leads: a number of its own; None where nobody does."""
        rows = self.fetch(
            "SELECT token FROM lead WHERE lease_until > "
            "EXTRACT(EPOCH FROM clock_timestamp()) * 1000000"
        )
        return int(rows[0][0]) if rows else None

    def lit(self) -> set[str]:
        """Tell whose picture is on, as the portal says."""
        accounts = self.portal.admin("/state")["accounts"]
        return {one["account_number"] for one in accounts if one["status"] == 1}

    def until_lit(self, numbers: Iterable[int], within_s: float) -> float:
        """Wait until all of these pictures are on; returns how long that took."""
        wanted = {contract_of(number) for number in numbers}
        began_at = time.monotonic()
        while missing := wanted - self.lit():
            told = f"{len(missing)} of {len(wanted)} pictures are off: {sorted(missing)[:5]}"
            assert time.monotonic() - began_at < within_s, told
            time.sleep(AGAIN_S)
        return time.monotonic() - began_at

    def fetch(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the database itself."""

        async def asked() -> list[tuple[Any, ...]]:
            connection = await asyncpg.connect(self.database_url)
            try:
                return [tuple(row) for row in await connection.fetch(query)]
            finally:
                await connection.close()

        return asyncio.run(asked())

    def check(self, numbers: Iterable[int]) -> None:
        """Every payment counted once, and lit its picture by one write, after which none came."""
        contracts = [contract_of(number) for number in numbers]
        paid = self.fetch(
            "SELECT a.number, count(*) FROM movement m JOIN account a ON a.id = m.account_id "
            "GROUP BY a.number"
        )
        assert dict(paid) == dict.fromkeys(contracts, 1)
        sums = self.fetch("SELECT DISTINCT sum(amount_minor) FROM entry GROUP BY posting_id")
        assert sums == [(0,)]
        changes = self.portal.journal(0, face="api", changed="1", limit="100000")
        lit: dict[str, int] = dict.fromkeys(contracts, 0)
        for one in changes:
            if (one["after"] or {}).get("status") == 1:
                lit[one["subject"]] += 1
        assert lit == dict.fromkeys(contracts, 1)
        assert self.portal.admin("/counters")["overlapping_writes"] == 0
        assert self.fetch("SELECT key, error FROM work WHERE parked_at IS NOT NULL") == []


def _at_once(act: Callable[[int], None], numbers: Iterable[int]) -> None:
    with ThreadPoolExecutor(PAYERS) as pool:
        for one in [pool.submit(act, number) for number in numbers]:
            one.result()


@contextmanager
def scaled(
    folder: Path,
    database_url: str,
    redis_url: str,
    *,
    workers: int = 2,
    **settings: str,
) -> Iterator[Scaled]:
    """Import an operator; nothing runs yet."""
    folder.mkdir(exist_ok=True)
    settings = {
        **QUICK,
        "BOXOFFICE_DATABASE_URL": database_url,
        "BOXOFFICE_LOG_LEVEL": "info",
        **settings,
    }
    if redis_url:
        settings["BOXOFFICE_REDIS_URL"] = redis_url
    names = ["web", "scheduler", *(f"worker-{number + 1}" for number in range(workers))]
    with ExitStack() as stack:
        state = write_portal(folder / "portal.json")
        portal = stack.enter_context(start_simulator("ministra", "--state", state))
        members = {
            name: stack.enter_context(Product(folder / "data", **settings)) for name in names
        }
        members["web"].run("migrate")
        written = write_operator(folder / "operator")
        members["web"].run("import", written, **secrets(portal.url, NOWHERE))
        yield Scaled(stack, members, portal, database_url)


def make_database(server: PostgresServer, name: str) -> str:
    """Make an empty database on a server that may be hurt, and return its address."""

    async def make() -> None:
        connection = await asyncpg.connect(server.url())
        with suppress(asyncpg.DuplicateDatabaseError):
            await connection.execute(f'CREATE DATABASE "{name}"')
        await connection.close()

    asyncio.run(make())
    return server.url(name)
