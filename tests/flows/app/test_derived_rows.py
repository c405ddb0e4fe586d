"""Derived rows may be lost: they come back the same, and nothing else moves."""

import shutil
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.desk.replay import replay
from billing.catalog.terms import When
from billing.flows.change import Change
from terms.errors import DomainError
from terms.facts import Condition
from terms.money import Money
from tests.flows.app.served import at_work
from tests.flows.app.shop import BAD, GOOD, Shop, opened, settings_for
from tests.simulators.process import RunningSimulator

# Everything that follows from the other tables.
DERIVED = ("hold", "snapshot", "wish", "wish_problem", "observed", "work")
# A value may come back under a higher revision, and was then written at another time.
MAY_DIFFER = {
    "snapshot": {"revision"},
    "service": {"revision"},
    "wish": {"revision", "updated_at", "cause", "state"},
    "wish_problem": {"found_at"},
    "observed": {"revision", "seen_at"},
    "work": {"generation", "marked_at", "not_before", "attempts", "token", "lease_until"},
}
# Left out: a notice still on its way, which is told once or never; that a target was seen to hold
# the rights, which is told and journalled again under their new revision; who worked it out anew.
LEFT_OUT = {
    "work": ("kind", "notify"),
    "log_entry": ("kind", "service.state_changed"),
    "audit": ("action", "replay"),
}
JOURNAL = "service_order"
HOUSEHOLDS = (1, 2, 3, 4)
DAYS = (1, 2, 5, 12, 31)

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happens to a household, or to everybody where days pass."""

    what: str
    number: int = 0
    value: Any = None


def events(what: str, *values: Any) -> st.SearchStrategy[Event]:
    """Return what happens to one of the households, with one of these values."""
    numbers, chosen = st.sampled_from(HOUSEHOLDS), st.sampled_from(values or (None,))
    return st.builds(Event, what=st.just(what), number=numbers, value=chosen)


HISTORIES = st.lists(
    st.one_of(
        st.builds(Event, what=st.just("days"), value=st.sampled_from(DAYS)),
        st.builds(Event, what=st.just("days"), value=st.sampled_from(DAYS)),
        events("pays its debt"),
        events("pays", "1.00", "13.37", "70.00"),
        events("has a card that is", GOOD, BAD),
        events("changes", Change(plan="GOLD"), Change(plan="BASIC")),
        events("changes", Change(add=("KIDS",)), Change(remove=("SPORT",))),
        events("leaves", When.NOW, When.PERIOD_END),
        events("gives its box back", "", Condition.DAMAGED),
    ),
    min_size=6,
    max_size=14,
)


@pytest.mark.timeout(300)
@settings(
    max_examples=8,
    # A whole operator lives through each; to make one smaller would take longer than to read it.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(history=HISTORIES)
async def test_derived_rows_come_back_and_nothing_else_moves(
    history: Sequence[Event],
    sqlite_template: Path,
    running_portal: RunningSimulator,
    running_provider: RunningSimulator,
):
    """After any history holds, rights, wishes and looks come back; no money, no write follows."""
    for running in (running_portal, running_provider):
        await running.aadmin("/reset", {})
    with tempfile.TemporaryDirectory() as name:
        live, copy = Path(name) / "live", Path(name) / "copy"
        live.mkdir()
        shutil.copy(sqlite_template, live / "boxoffice.db")
        await live_through(history, live, running_portal, running_provider)
        shutil.copytree(live, copy)
        before = everything(copy / "boxoffice.db")
        assert before["snapshot"]
        assert before["wish"]
        forget(copy / "boxoffice.db")
        mark = (await running_portal.aadmin("/journal"))["last"]
        calls = await running_portal.aadmin("/counters")
        await work_it_out_again(copy, running_portal, running_provider)
        after = everything(copy / "boxoffice.db")
        for table, rows in before.items():
            again = after[table]
            assert (again[: len(rows)] if table == JOURNAL else again) == rows, table
        assert (await running_portal.aadmin(f"/journal?after={mark}"))["last"] == mark
        assert (await running_portal.aadmin("/counters"))["calls"] != calls["calls"], "it looked"


async def live_through(
    history: Sequence[Event], folder: Path, portal: RunningSimulator, provider: RunningSimulator
) -> None:
    """Open the shop and let the history happen in it."""
    async with opened(settings_for(folder, f"sqlite:///{folder / 'boxoffice.db'}")) as house:
        shop = Shop(house, portal, provider)
        await shop.begin(folder / "operator")
        async with at_work(house):
            await tell(shop, history)


async def tell(shop: Shop, history: Sequence[Event]) -> None:
    """Sign the households up and let the history happen to them."""
    for number in HOUSEHOLDS:
        addons = ["SPORT"] if number % 2 else []
        await shop.sign_up(number, addons=addons, bill_day=number, has_card=number > 2)
    await shop.rest()
    for n, event in enumerate(history):
        # What makes no sense is refused to the staff, and nothing happens.
        with suppress(DomainError):
            await happen(shop, event, f"payment {n}")
        await shop.come_to_rest()


async def happen(shop: Shop, event: Event, reference: str) -> None:
    """Let one thing happen."""
    match event.what:
        case "days":
            await shop.advance(timedelta(days=event.value))
        case "pays its debt":
            await shop.pay_debt(event.number, reference)
        case "pays":
            await shop.pay(event.number, Money.parse(event.value, "EUR"), reference)
        case "has a card that is":
            await shop.use_card(event.number, event.value)
        case "changes":
            await shop.change(event.number, event.value)
        case "leaves":
            await shop.cancel(event.number, event.value)
        case "gives its box back":
            await shop.take_back(event.number, event.value)


def forget(database: Path) -> None:
    """Delete every derived row."""
    with closing(sqlite3.connect(database)) as connection, connection:
        for table in DERIVED:
            connection.execute(f"DELETE FROM {table}")


async def work_it_out_again(
    folder: Path, portal: RunningSimulator, provider: RunningSimulator
) -> None:
    """Have everything replayed as an operator would, and all that follows from it done."""
    async with opened(settings_for(folder, f"sqlite:///{folder / 'boxoffice.db'}")) as house:
        async with house.store.begin() as tx:
            await replay(house, tx, "test")
        async with at_work(house):
            await Shop(house, portal, provider).come_to_rest()


def everything(database: Path) -> Rows:
    """Return the rows of all tables, in an order of their own, without what may differ."""
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        names = connection.execute(query)
        return {name: rows_of(connection, name) for (name,) in names.fetchall()}


def rows_of(connection: sqlite3.Connection, table: str) -> list[dict[str, Any]]:
    """Return the rows of one table."""
    left_out = MAY_DIFFER.get(table, set())
    rows = [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
    if table in LEFT_OUT:
        name, value = LEFT_OUT[table]
        rows = [row for row in rows if row[name] != value]
    kept = [{name: row[name] for name in row if name not in left_out} for row in rows]
    return sorted(kept, key=repr)
